"""Fit the accuracy law, check it with whole families left out, write ``laws/data/accuracy.csv``.

Run ``python tools/fit_accuracy.py`` in the repository (two minutes); ``--check`` writes nothing.
It needs ``../shared/data``. The same table gives the same file.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import attrs
import numpy as np

from accuracy_check import (
    TIERS,
    Miss,
    baseline,
    coverage,
    coverage_by_height,
    misses,
    sibling_of,
    widths,
)
from accuracy_fit import as_fit, fit
from accuracy_rows import CHANCE, CORE, Rows, read_rows
from paramscale.laws.accuracy import AccuracyFit, AccuracyLaw
from paramscale.laws.family import family_offsets

OUT = Path(__file__).parents[1] / "src" / "paramscale" / "laws" / "data" / "accuracy.csv"
SOURCE = (
    "tools/fit_accuracy.py on ryoungj/ObsScaling@4d6e1e4 eval_results and felipemaiapolo/sloth@"
    "6dc6bb3 data_v2.csv (Open LLM Leaderboards v1 and v2, EvalPlus), StableLM README, Pythia, and "
    "the reports of Qwen, DeepSeek, Llama 3 and Baichuan 2"
)
#: Standard deviation of a family's slope over the mean slope; widths are calibrated on top.
SLOPE_SPREAD = 0.25
_PRIOR, _PRIOR_SPREAD = 8.0, 0.5


def build(rows: Rows) -> AccuracyLaw:
    """Return the law of some rows, its intervals not yet widened."""
    count = len(rows.names)
    across, _ = fit(rows, offsets=False, freedom=4.0, balance=0.25)
    within, _ = fit(rows, offsets=True, freedom=10.0, balance=0.0)
    _, first = np.unique(rows.model, return_index=True)
    data = np.log(rows.tokens[first]) - np.log(1e12)
    slope, at = np.polyfit(data, rows.year[first].clip(2022.0, 2025.0), 1)
    law = AccuracyLaw(
        names=rows.names, across=as_fit(across.point, count), within=as_fit(within.point, count),
        chance=np.array([CHANCE[name.removesuffix("_fraction")] for name in rows.names]),
        scatter=within.scatter, covariance=np.eye(count) * _PRIOR_SPREAD**2,
        width={tier: np.ones(count) for tier in TIERS}, year_at=float(at),
        year_by_data=max(float(slope), 0.0), slope_spread=SLOPE_SPREAD, source=SOURCE,
    )  # fmt: skip
    return with_covariance(law, rows)


def with_covariance(law: AccuracyLaw, rows: Rows) -> AccuracyLaw:
    """Return the law with the covariance of families about the curves across them."""
    families = np.unique(rows.family)
    members = [list(dict.fromkeys(rows.model[rows.family == family])) for family in families]
    siblings = [[sibling_of(rows, model) for model in models] for models in members]
    count = len(rows.names)
    for _ in range(6):
        total = _PRIOR * _PRIOR_SPREAD**2 * np.eye(count)
        for family in siblings:
            found = family_offsets(law, family)
            away = found.mean - found.prior
            total += np.outer(away, away) + found.covariance
        law = attrs.evolve(law, covariance=total / (len(families) + _PRIOR))
    return law


def check(rows: Rows) -> list[Miss]:
    """Return all misses, each family left out in turn."""
    found = []
    for family in np.unique(rows.family):
        here = rows.family == family
        train, test = rows.take(~here), rows.take(here)
        found += list(misses(build(train), test, baseline(train, test)))
    return found


def report(found: list[Miss], names: tuple[str, ...]) -> None:
    """Print mean absolute errors, what they are below the sigmoid's on the same rows, coverage."""
    covered, core = coverage(found, len(names)), range(len(CORE))
    heights = coverage_by_height(found, len(names))
    print("| known | " + " | ".join(CORE) + " | mean | below the sigmoid | coverage |")
    for tier in TIERS:
        error, sigmoid = [], []
        for which in core:
            mine = [miss for miss in found if miss.tier == tier and miss.which == which]
            weight = [miss.weight for miss in mine]
            error.append(np.average([abs(m.predicted - m.score) for m in mine], weights=weight))
            plain = [abs(m.sigmoid - m.score) for m in mine]
            sigmoid.append(np.average(plain, weights=weight))
        cells = " | ".join(
            f"{e:.3f} ({1 - e / s:+.0%})" for e, s in zip(error, sigmoid, strict=True)
        )
        gain, share = 1.0 - np.mean(error) / np.mean(sigmoid), covered[tier][core]
        print(f"| {tier} | {cells} | {np.mean(error):.4f} | {gain:.1%} | "
              f"{share.mean():.2f} ({share.min():.2f} to {share.max():.2f}) |")  # fmt: skip
    shares = ", ".join(f"{tier} {near:.2f} {above:.2f}" for tier, (near, above) in heights.items())
    print(f"coverage near chance, and above: {shares}")


def lines(law: AccuracyLaw) -> list[tuple[str, str, str, float]]:
    """Return the rows of the file."""
    out: list[tuple[str, str, str, float]] = []
    for place, name in enumerate(law.names):
        out.append(("", name, "chance", law.chance[place]))
        for label, one in (("across", law.across), ("within", law.within)):
            for field in attrs.fields(AccuracyFit)[3:]:
                out.append((label, name, field.name, getattr(one, field.name)[place]))
        out.append(("within", name, "scatter", law.scatter[place]))
        out += [("", name, f"width_{tier}", law.width[tier][place]) for tier in TIERS]
        out += [("covariance", name, other, law.covariance[place, column])
                for column, other in enumerate(law.names)]  # fmt: skip
    for label, one in (("across", law.across), ("within", law.within)):
        out += [(label, "", key, getattr(one, key)) for key in "abw"]
    out += [("", "", "year_at", law.year_at), ("", "", "year_by_data", law.year_by_data)]
    return [*out, ("within", "", "slope_spread", law.slope_spread)]


def main() -> None:
    """Fit, check, report, write."""
    rows = read_rows()
    found = check(rows)
    report(found, rows.names)
    law = attrs.evolve(build(rows), width=widths(found, len(rows.names)))
    if "--check" in sys.argv:
        return
    with OUT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["fit", "benchmark", "coefficient", "value", "source"])
        for number, line in enumerate(lines(law)):
            writer.writerow([*line[:3], f"{line[3]:.6g}", SOURCE if number == 0 else "as above"])


if __name__ == "__main__":
    main()
