"""``sites``: countries, states, bidding zones and cloud regions by name, and by name and year.

``sites["FR"]`` has the latest figures, ``sites["gcp:us-central1@2021"]`` those of a year. A figure
that a place does not have is that of the place around it: a region's price of electricity is its
state's, a country's PUE the world's; ``site.facts`` tells of each where it was read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from paramscale.catalogue.tables import Catalogue, Row, read_table
from paramscale.core.spec import coerces, defaults
from paramscale.errors import SpecError, UnknownNameError
from paramscale.specs.facts import Fact
from paramscale.specs.site import SiteSpec

__all__ = ["Place", "Sites", "sites"]

#: Intensities after contracts belong to who runs the place, so they are not handed on.
_OWN = frozenset({"market_kgco2e_per_kwh"})


class Place(NamedTuple):
    """A place of the catalogue: its rows by figure and year, and the place around it."""

    key: str
    name: str
    within: str
    figures: dict[str, dict[str, Row]]

    @property
    def years(self) -> list[str]:
        """The years of which some figure is known, latest last."""
        return sorted({year for rows in self.figures.values() for year in rows if year})


class Sites(Catalogue[Any]):
    """A mapping of name to site, in which ``"name@year"`` is a site of that year.

    A place becomes a site at its first use: of hundreds a process asks for one or two.
    """

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._sources: dict[str, str] = {}
        super().__init__("site", object, self._rows)

    def _rows(self) -> Iterator[tuple[str, tuple[str, ...], Place]]:
        figures: dict[str, dict[str, dict[str, Row]]] = defaultdict(lambda: defaultdict(dict))
        self._sources = {row.text("key"): row.text("source") for row in read_table(
            "site_sources.csv")}  # fmt: skip
        for row in read_table("site_figures.csv"):
            figures[row.text("key")][row.text("figure")][row.text("year")] = row
        named = list(read_table("sites.csv"))
        for row in named:
            key = row.text("key")
            self._places[key] = Place(key, row.text("name"), row.text("within"), figures[key])
        for row in named:
            key = row.text("key")
            aliases = tuple(dict.fromkeys(alias for alias in row.names("aliases") if alias != key))
            yield key, aliases, self._places[key]

    def __getitem__(self, name: str) -> SiteSpec:
        place, _, year = name.partition("@") if isinstance(name, str) else (name, "", "")
        key = self._key(place)
        if key is None:
            names = [each.name for each in self._places.values()]
            raise UnknownNameError(self.kind, place, {*self._items, *names})
        if year:
            return self._of_year(self._places[key], year)
        found = self._items[key]
        if isinstance(found, Place):
            found = self.replace(key, self._site(found, ""))
        assert isinstance(found, SiteSpec)
        return found

    def __contains__(self, name: object) -> bool:
        place, _, year = name.partition("@") if isinstance(name, str) else ("", "", "")
        key = self._key(place)
        return key is not None and (not year or year in self._places[key].years)

    def years(self, name: str) -> tuple[str, ...]:
        """Return the years for which a place has figures of its own.

        Examples
        --------
        >>> sites.years("gcp:us-central1")[:2]
        ('2019', '2020')
        """
        self[name]
        return tuple(self._places[self._key(name.partition("@")[0]) or ""].years)

    def place(self, name: str) -> str:
        """Return the full name of a place.

        Examples
        --------
        >>> sites.place("FR")
        'France'
        """
        self[name]
        return self._places[self._key(name.partition("@")[0]) or ""].name

    def _of_year(self, place: Place, year: str) -> SiteSpec:
        if year not in place.years:
            error = UnknownNameError("site", f"{place.key}@{year}", self._items)
            have = ", ".join(f"{place.key}@{each}" for each in place.years) or "no years"
            error.text = (
                f"no site is called '{place.key}@{year}'; {place.key!r} is known as {have}. For "
                "figures of your own write ps.SiteSpec(grid_kgco2e_per_kwh=..., pue=...)"
            )
            raise error
        return self._site(place, year)

    def _site(self, place: Place, year: str) -> SiteSpec:
        """Return the site, each figure of the year or, where it has none, the nearest to it."""
        values: dict[str, float] = {}
        facts: dict[str, Fact] = {}
        here: Place | None = place
        while here is not None:
            for figure, rows in here.figures.items():
                if figure in values or (figure in _OWN and here is not place):
                    continue
                row = _nearest(rows, year)
                values[figure] = row.number("value")
                facts[figure] = self._fact(row, here, place)
            here = self._places.get(here.within)
        source = "; ".join(dict.fromkeys(fact.source for fact in facts.values()))
        name = f"{place.key}@{year}" if year else place.key
        figures: Any = values
        return SiteSpec(name=name, facts=facts, source=source, **figures)

    def _fact(self, row: Row, here: Place, place: Place) -> Fact:
        basis = row.text("basis") + ("" if here is place else f", of {here.name}")
        date, source = row.text("year"), self._sources[row.text("source")]
        low, high = row.number("low"), row.number("high")
        return Fact(low, high, date, source, basis)


def _nearest(rows: dict[str, Row], year: str) -> Row:
    """Return the row of a year, else of the nearest; without a year the latest."""
    if year in rows:
        return rows[year]
    dated = [each for each in rows if each]
    if not dated:
        return rows[""]
    return rows[min(dated, key=lambda each: abs(int(each) - int(year or 9999)))]


#: Places by name, for example ``sites["FR"]``, ``sites["aws:eu-west-1"]``, ``sites["US@2022"]``.
sites = Sites()


@coerces("site")
def _from_name(value: object) -> SiteSpec:
    """Return the site of a name.

    Examples
    --------
    >>> _from_name("France").grid_kgco2e_per_kwh
    np.float64(0.056039)
    """
    if isinstance(value, str):
        try:
            return sites[value]
        except UnknownNameError as error:
            own = ". For a place of your own write site=ps.SiteSpec(grid_kgco2e_per_kwh=..., ...)"
            error.text += "" if "ps.SiteSpec" in error.text else own
            raise
    raise SpecError(
        f"site={value!r} is a {type(value).__name__}; allowed is a SiteSpec or a name of ps.sites"
    )


@defaults("site")
def _world() -> SiteSpec:
    """Return the average of the world, in which what nobody said about the place is known."""
    return sites["world"]
