"""Make the tables of places and prices from the study tables and the keys beside this file.

    python tools/make_sites.py STUDY

Writes ``sites.csv`` (a row a place), ``site_figures.csv`` (a row a figure, place and year),
``site_sources.csv`` and ``prices.csv`` (a row a device, kind of price and year) into the
catalogue. Rows that were not seen in their source stay behind, and so do marginal intensities,
which some tables call grid averages.
"""

from __future__ import annotations

import csv
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
TARGET = HERE.parent / "src/paramscale/catalogue/data"

GRID, MARKET, PUE = "grid_kgco2e_per_kwh", "market_kgco2e_per_kwh", "pue"
WATER, GRID_WATER = "water_l_per_kwh", "grid_water_l_per_kwh"
ELECTRICITY = "electricity_usd_per_kwh"

#: How the tables spell the owners of cloud regions.
CLOUDS = {"Amazon Web Services": "aws", "Google Cloud": "gcp", "Microsoft Azure": "azure"}
CLOUD_NAMES = {"aws": "AWS", "gcp": "Google Cloud", "azure": "Azure"}
STATES = {"Ohio": "US-OH", "Iowa": "US-IA", "Illinois": "US-IL", "New York": "US-NY",
          "Pennsylvania": "US-PA", "USA": "US"}  # fmt: skip

#: No electricity is made with more [kg CO2e / kWh]; a greater figure is a slip of units.
MOST = 1.5

#: Figures of a place that nobody measured, from the ends of what is known elsewhere.
FLEETS = ("Google", "Meta", "AWS", "Microsoft", "OVHcloud")


class Figure(NamedTuple):
    """A figure of a place in a year; `basis` tells which of several kinds it is."""

    key: str
    figure: str
    year: str
    value: float
    low: float | None
    high: float | None
    basis: str
    source: str


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [row for row in rows if row.get("verified", "yes").startswith("yes")]


def year_of(text: str) -> str:
    return str(int(float(text))) if text else ""


def region(zone: str) -> str:
    """Return our key of a cloud region, ``aws:eu-west-1``, ``azure:westeurope``."""
    owner, _, name = zone.partition(":")
    name = name.replace("cenrtal", "central")  # a slip in one source
    return f"{CLOUDS.get(owner, owner)}:{name.replace(' ', '').lower()}"


def countries() -> dict[str, str]:
    return {row["alpha_3"]: row["key"] for row in read(HERE / "site_countries.csv")}


def grids(study: Path) -> Iterator[Figure]:
    """Yield intensities of electricity: countries, states, bidding zones and cloud regions."""
    codes = countries()
    others: dict[str, list[float]] = defaultdict(list)
    best: list[Figure] = []
    for row in read(study / "grids.csv"):
        zone, basis = row["zone"], row["basis"]
        value, year = float(row["kgco2e_per_kwh"]), year_of(row["year"])
        if "marginal" in basis or "GSF composite" in basis:
            continue  # both are marginal: 0.78 kg/kWh for Sweden
        if value > MOST:
            print(f"left out: {zone} {value} kg/kWh ({row['source']})")
            continue
        if "market based" in basis:
            if "estimate" not in basis:
                yield Figure(region(zone), MARKET, year, value, None, None, "market", row["source"])
            continue
        if row["level"] == "cloud region":
            if zone.startswith("gcp") == ("region-carbon-info" in row["source"]):
                kind = "grid average, " + ("Google" if zone.startswith("gcp") else basis[29:])
                yield Figure(region(zone), GRID, year, value, None, None, kind, row["source"])
            continue
        key = place(zone, codes)
        if key is None:
            continue
        if zone.startswith("GA:") or "EcoLogits" in basis:
            others[key].append(value)
        if not zone.startswith("GA:") or row["level"] == "Region":
            kind = "lifecycle, generation mix" if "lifecycle" in basis else basis
            best.append(Figure(key, GRID, year, value, None, None, kind, row["source"]))
    yield from with_range(best, others)


def place(zone: str, codes: dict[str, str]) -> str | None:
    if zone in ("WOR", "GA:WORLD"):
        return "world"
    if zone.startswith("GA:"):
        name = zone[3:]
        return None if name[-1].isdigit() or name == "CN-HK" else name
    return codes.get(zone, zone if len(zone) < 4 and zone != "FI" else None)


def with_range(best: list[Figure], others: dict[str, list[float]]) -> Iterator[Figure]:
    """Yield one figure a place, its range that of all tables that have the place."""
    chosen: dict[str, Figure] = {}
    for figure in best:  # the table with years comes first
        chosen.setdefault(figure.key, figure)
    for figure in chosen.values():
        values = [figure.value, *(value for value in others[figure.key] if value > 0.0)]
        if len(set(values)) > 1 and figure.value > 0.0:
            figure = figure._replace(low=min(values), high=max(values))
        yield figure


def buildings(study: Path) -> Iterator[Figure]:
    """Yield PUE and water on site of cloud regions, and of a place that nobody measured."""
    rows = read(study / "pue.csv")
    for row in rows:
        if row["provider"] not in CLOUDS or row["kind"] != "reported":
            continue
        key = region(f"{row['provider']}:{row['region']}")
        for figure, column in ((PUE, "pue"), (WATER, "wue_onsite_l_per_kwh")):
            if row[column]:
                value = float(row[column])
                yield Figure(key, figure, row["year"], value, None, None, "reported", row["source"])
    fleets = [row for row in rows if row["provider"] in FLEETS and row["region"].endswith("fleet")]
    least = min(fleets, key=lambda row: float(row["pue"]))
    mean = next(row for row in rows if row["provider"] == "industry average")
    yield middle("world", PUE, "2024", float(least["pue"]), float(mean["pue"]),
                 f"between the best fleet ({least['provider']}) and the mean of the industry",
                 f"{least['source']} ; {mean['source']}")  # fmt: skip
    cooling = {row["kind"].split()[-1]: row for row in read(study / "water.csv")
               if row["zone"] == "data-centre cooling range"}  # fmt: skip
    yield middle("world", WATER, "2023", *(float(cooling[end]["litre_per_kwh"]) for end in
                 ("low", "high")), "between the ends of a published range",
                 cooling["low"]["source"])  # fmt: skip


def middle(key: str, figure: str, year: str, low: float, high: float, basis: str,
           source: str) -> Figure:  # fmt: skip
    return Figure(key, figure, year, round((low * high) ** 0.5, 3), low, high, basis, source)


def waters(study: Path) -> Iterator[Figure]:
    codes = countries() | {"WOR": "world"}
    for row in read(study / "water.csv"):
        if row["kind"].startswith("off-site"):
            value = float(row["litre_per_kwh"])
            yield Figure(codes[row["zone"]], GRID_WATER, "", value, None, None,
                         "World Resources Institute method", row["source"])  # fmt: skip


def electricity(study: Path) -> Iterator[Figure]:
    for row in read(study / "electricity_prices.csv"):
        key = STATES.get(row["region"])
        if (
            key
            and row["sector"].startswith("industrial")
            and not (key == "US" and "Epoch" not in row["sector"])
        ):
            yield Figure(key, ELECTRICITY, row["year"], float(row["usd_per_kwh"]), None, None,
                         "industrial", row["source"])  # fmt: skip


def places(study: Path, used: set[str]) -> Iterator[list[str]]:
    """Yield key, aliases, name and the place it lies in, of every place that has figures."""
    yield ["world", "average", "World average", ""]
    for row in read(HERE / "site_countries.csv"):
        yield [row["key"], f"{row['alpha_3']};{row['name']}", row["name"], "world"]
    names = {row["zone"]: row["name"] for row in read(study / "grids.csv")}
    for zone, name in names.items():
        if zone.startswith("GA:") and "-" in zone and zone[3:] in used:
            yield [zone[3:], "", name.replace(" / ", ": "), zone[3:5]]
        elif len(zone) == 3 and zone[2].isdigit():
            yield [zone, "", name, zone[:2]]
    for row in read(HERE / "site_regions.csv"):
        owner, _, name = row["key"].partition(":")
        yield [row["key"], "", f"{CLOUD_NAMES[owner]} {name}", row["within"]]


def prices(study: Path) -> Iterator[list[str]]:
    """Yield device, kind and year with the least, median and greatest price that was seen."""
    keys = {row["accelerator"]: row["key"] for row in read(HERE / "price_keys.csv")}
    seen: dict[tuple[str, str, str], list[tuple[float, float, str]]] = defaultdict(list)
    for row in read(study / "energy/prices.csv"):
        price = row["usd_per_device_hour"] or row["usd_purchase_per_device"]
        if row["accelerator"] in keys and price and float(price) > 0.0:
            year = {"undated (c": "2025", "undated (f": "2026"}.get(row["date"][:10])
            place = (keys[row["accelerator"]], row["kind"], year or row["date"][:4])
            seen[place].append((float(price), float(price), row["source"].split(" ; ")[0]))
    for row in read(study / "systems/cloud_prices.csv"):
        if row["as_of"] != "undated":
            kind = "spot" if row["tier"] == "spot" else "on-demand"
            ends = [float(row[f"usd_per_device_hour_{end}"]) for end in ("low", "high")]
            seen[keys[row["hardware"]], kind, row["as_of"][:4]].append((*ends, row["source"]))
    for (key, kind, year), rows in sorted(seen.items()):
        value = statistics.median((low * high) ** 0.5 for low, high, _ in rows)
        low, high = min(row[0] for row in rows), max(row[1] for row in rows)
        sources = "; ".join(dict.fromkeys(row[2] for row in rows))
        yield [
            key,
            kind,
            year,
            f"{value:.6g}",
            f"{low:.6g}",
            f"{high:.6g}",
            str(len(rows)),
            sources,
        ]


def write(name: str, header: list[str], rows: Iterable[list[str]]) -> None:
    rows = list(rows)
    with (TARGET / name).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(f"{name}: {len(rows)} rows")


def main(study: Path) -> None:
    """Write the tables."""
    energy = study / "energy"
    figures = [*grids(energy), *buildings(energy), *waters(energy), *electricity(energy)]
    known = list(places(energy, {figure.key for figure in figures}))
    missing = {figure.key for figure in figures} - {row[0] for row in known}
    if missing:
        raise SystemExit(f"places without a row: {sorted(missing)}")
    sources = {text: f"s{i}" for i, text in enumerate(sorted({each.source for each in figures}))}
    write("sites.csv", ["key", "aliases", "name", "within"], known)
    write("site_sources.csv", ["key", "source"], ([key, text] for text, key in sources.items()))
    write(
        "site_figures.csv",
        ["key", "figure", "year", "value", "low", "high", "basis", "source"],
        ([*map(str, (key, figure, year, f"{value:.6g}")),
          *("" if end is None else f"{end:.6g}" for end in (low, high)), basis, sources[source]]
         for key, figure, year, value, low, high, basis, source in sorted(set(figures), key=str)),
    )  # fmt: skip
    write(
        "prices.csv", ["key", "kind", "year", "value", "low", "high", "seen", "source"],
        prices(study),
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
