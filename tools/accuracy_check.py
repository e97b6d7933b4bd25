"""Whole families left out: errors beside a sigmoid of FLOPs, and the widths that cover 90 %."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from accuracy_rows import CHANCE, CORE, Rows
from paramscale.core.interval import Z90
from paramscale.laws.accuracy import AccuracyInputs, AccuracyLaw
from paramscale.laws.family import Sibling, efficiency_of, family_offsets

Array = np.ndarray[Any, Any]
TIERS = ("none", "code", "year", "both", "efficiency", "one", "two")
_GRID = np.arange(0.05, 8.0, 0.05)
_PAIRS = 8


class Miss(NamedTuple):
    """One prediction of a model of a family that was left out, and what the sigmoid says."""

    tier: str
    family: str
    which: int
    predicted: float
    score: float
    width: float
    weight: float
    sigmoid: float


def inputs_of(rows: Rows, row: int, *, year: bool = True, code: bool = True) -> AccuracyInputs:
    """Return the inputs of one row, with year and share of code if they are to be known."""
    return AccuracyInputs(
        float(rows.parameters[row]), float(rows.active[row]), float(rows.tokens[row]),
        float(rows.year[row]) if year else None,
        float(rows.code[row]) if code else None,
    )  # fmt: skip


def sibling_of(rows: Rows, model: str, only: tuple[str, ...] = ()) -> Sibling:
    """Return a model with its scores, or some of them."""
    places = np.flatnonzero(rows.model == model)
    scores = {rows.names[rows.benchmark[i]]: float(rows.score[i]) for i in places}
    kept = {name: score for name, score in scores.items() if not only or name in only}
    return Sibling(inputs_of(rows, places[0]), kept)


def misses(law: AccuracyLaw, rows: Rows, plain: Array) -> Iterator[Miss]:
    """Yield the misses in a left-out family, at every tier of knowledge."""
    models = list(dict.fromkeys(rows.model))
    for tier, year, code in (("none", 0, 0), ("code", 0, 1), ("year", 1, 0), ("both", 1, 1)):
        for row in range(len(rows.score)):
            given = inputs_of(rows, row, year=bool(year), code=bool(code))
            yield _across(law, rows, row, given, tier, 1.0, plain)
    for model in models if len(models) > 1 else ():
        known, weight = sibling_of(rows, model), 1.0 / (len(models) - 1)
        efficiency = efficiency_of(law, [known])
        for row in np.flatnonzero(rows.model != model):
            given = inputs_of(rows, row)._replace(family_efficiency=efficiency)
            yield _across(law, rows, row, given, "efficiency", weight, plain)
        yield from _within(law, rows, [model], weight, plain)
    pairs = list(combinations(models, 2)) if len(models) > 2 else []
    pairs = [pairs[i] for i in np.random.default_rng(0).permutation(len(pairs))[:_PAIRS]]
    for pair in pairs:
        yield from _within(law, rows, list(pair), 1.0 / len(pairs), plain)


def _across(
    law: AccuracyLaw,
    rows: Rows,
    row: int,
    given: AccuracyInputs,
    tier: str,
    weight: float,
    plain: Array,
) -> Miss:
    which, score = int(rows.benchmark[row]), float(rows.score[row])
    z, deviation = law.logit(which, law.across, given), np.sqrt(law.covariance[which, which])
    value = float(law.fraction(which, law.across, z))
    width = _needed(law, law.across, which, float(z), float(deviation), score)
    return Miss(tier, rows.family[row], which, value, score, width, weight, plain[row])


def _within(
    law: AccuracyLaw, rows: Rows, models: list[str], weight: float, plain: Array
) -> Iterator[Miss]:
    family = family_offsets(law, [sibling_of(rows, model) for model in models])
    for row in np.flatnonzero(~np.isin(rows.model, models)):
        which, score = int(rows.benchmark[row]), float(rows.score[row])
        z, deviation = family.position(which, inputs_of(rows, row))
        value = float(law.fraction(which, law.within, z))
        width = _needed(law, law.within, which, float(z), float(deviation), score)
        yield Miss(family.tier, rows.family[row], which, value, score, width, weight, plain[row])


def _needed(
    law: AccuracyLaw, fit: Any, which: int, z: float, deviation: float, score: float
) -> float:
    """Return the least width of an interval that covers a score."""
    value = law.fraction(which, fit, np.float64(z))
    side = np.sign(score - value)
    end = law.fraction(which, fit, z + side * Z90 * _GRID * deviation)
    reach = np.hypot(end - value, Z90 * _GRID * law.noise(which, fit, value))
    covered = np.flatnonzero(reach >= abs(score - value))
    return float(_GRID[covered[0]]) if len(covered) else float(_GRID[-1])


def widths(found: list[Miss], count: int, share: float = 0.905) -> dict[str, Array]:
    """Return for each tier and benchmark the width that covers a share of the misses.

    A benchmark's own quantile and that of all together are averaged (in logarithms): one
    benchmark has too few families, all together hide that they differ.
    """
    result = {}
    for tier in TIERS:
        mine = [miss for miss in found if miss.tier == tier]
        pooled = _quantile(mine, share)
        own = [_quantile([m for m in mine if m.which == which], share) for which in range(count)]
        result[tier] = np.sqrt(pooled * np.array([each or pooled for each in own]))
    return result


def _quantile(found: list[Miss], share: float) -> float:
    if not found:
        return 0.0
    width, weight = np.array([[m.width, m.weight] for m in found]).T
    order = np.argsort(width)
    total = np.cumsum(weight[order]) / weight.sum()
    return float(width[order][np.searchsorted(total, share)])


def coverage(found: list[Miss], count: int) -> dict[str, Array]:
    """Return the share covered, widths being taken without the family; NaN-free by benchmark."""
    inside = {tier: np.zeros((2, count)) for tier in TIERS}
    for family in sorted({miss.family for miss in found}):
        held = widths([miss for miss in found if miss.family != family], count)
        for miss in found:
            if miss.family == family:
                hit = miss.width <= held[miss.tier][miss.which]
                inside[miss.tier][:, miss.which] += miss.weight * np.array([hit, 1.0])
    return {tier: hits / np.maximum(total, 1e-9) for tier, (hits, total) in inside.items()}


def coverage_by_height(found: list[Miss], count: int) -> dict[str, tuple[float, float]]:
    """Return the share covered of scores predicted near chance (a tenth of the way), and above."""
    chance = np.array(list(CHANCE.values()))
    held, result = widths(found, count), {}
    for tier in TIERS:
        mine = [m for m in found if m.tier == tier and m.which < len(CORE)]
        hit = np.array([m.width <= held[tier][m.which] for m in mine])
        near = np.array([m.predicted < chance[m.which] + 0.06 for m in mine])
        weight = np.array([m.weight for m in mine])
        result[tier] = tuple(
            float(np.average(hit[side], weights=weight[side])) for side in (near, ~near)
        )
    return result


def baseline(train: Rows, test: Rows) -> Array:
    """Return the accuracies of a sigmoid of FLOPs, fitted by least squares to each benchmark."""
    from scipy.optimize import least_squares

    out = np.full(len(test.score), np.nan)
    for which, name in enumerate(CORE):
        mask, chance, best = train.benchmark == which, CHANCE[name], None
        x, y = _decades(train)[mask], train.score[mask]

        def curve(p: Any, x: Any, chance: float = chance) -> Any:
            return chance + (p[2] - chance) / (1.0 + np.exp(-p[1] * (x - p[0])))

        for start in (-1.0, 0.0, 1.0, 2.0):
            tried = least_squares(
                lambda p, x=x, y=y, curve=curve: curve(p, x) - y, [start, 1.5, 0.8],
                bounds=([-6.0, 0.05, chance + 0.05], [6.0, 20.0, 1.0]),
            )  # fmt: skip
            best = tried if best is None or tried.cost < best.cost else best
        here = test.benchmark == which
        out[here] = curve(best.x, _decades(test)[here])
    return out


def _decades(rows: Rows) -> Array:
    return np.log10(6.0 * rows.active * rows.tokens) - 23.0
