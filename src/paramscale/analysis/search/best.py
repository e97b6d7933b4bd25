"""The best point of one goal: coarse grid, refinement, and what there is to say about it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from paramscale.analysis.optimum import Choice, Held, Optimum
from paramscale.analysis.search.axes import Rungs
from paramscale.analysis.search.band import Band, bands
from paramscale.analysis.search.grid import Case, Grid
from paramscale.analysis.search.infeasible import infeasible
from paramscale.analysis.search.refine import best_cells, refined
from paramscale.analysis.search.score import Wanted
from paramscale.analysis.search.study import scenario_of
from paramscale.analysis.search.zoom import Rows

__all__ = ["best_point"]

Array = npt.NDArray[np.float64]

_CHOICES = 12  # choices of labels that are refined, those that begin best
_BINDS = 1e-6  # share of a bound below which nothing is left


class _Best(NamedTuple):
    """The best point of one choice of labels."""

    grid: Grid
    case: Case
    rows: Rows

    @property
    def key(self) -> tuple[float, float]:
        if not len(self.rows.cost):
            return np.inf, np.inf
        cost = float(self.rows.cost[0])
        return float(self.rows.violation[0]), np.inf if np.isnan(cost) else cost


def best_point(grids: Sequence[Grid], wanted: Wanted, *, within: float, refine: bool) -> Optimum:
    """Return the best point of some grids, one for each choice of labels.

    Raises
    ------
    InfeasibleError
        If no point holds all limits.
    """
    found, holding = [], 0
    for grid in grids:
        cells, count = best_cells(grid, wanted)
        holding += count
        found.append((_Best(grid, grid.case, cells.of(slice(0, 1))), cells))
    found.sort(key=lambda each: each[0].key)
    bests = [
        _refined(best, cells, wanted) if refine and place < _CHOICES else best
        for place, (best, cells) in enumerate(found)
    ]
    bests.sort(key=lambda each: each.key)
    best = bests[0]
    if best.key[0] > 0.0:
        raise infeasible(grids, wanted, best.case, _point(best))
    return _optimum(best, bests, wanted, within, holding, refine=refine)


def _refined(best: _Best, cells: Rows, wanted: Wanted) -> _Best:
    case, rows = refined(best.grid, wanted, cells)
    return _Best(best.grid, case, rows)


def _point(best: _Best) -> Any:
    """Return the coordinates of the best point; where none could be estimated, the first."""
    return best.rows.coordinates[0] if len(best.rows.cost) else np.zeros(len(best.case.axes))


def _optimum(
    best: _Best, bests: Sequence[_Best], wanted: Wanted, within: float, holding: int, *,
    refine: bool,
) -> Optimum:  # fmt: skip
    case, point = best.case, best.rows.coordinates[0]
    values = case.values(point)
    specs = case.study.specs_at({path: values[path] for path in case.numbers(point)})
    estimates = case.study.estimate(specs)
    measured = case.measure(point)
    value, low, high = map(float, measured[wanted.goal.measure])
    most = _most(wanted, value, low, high, within)
    flat = _bands(best, wanted, most) if refine else _coarse_bands(best.grid, wanted, most)
    goals = {path: (x.values, wanted.goal.cost(_nan(x.costs))) for path, x in flat.items()}
    return Optimum(
        goal=wanted.goal.measure,
        maximized=bool(wanted.goal.maximize),
        value=value,
        low=low,
        high=high,
        at=values,
        texts=case.describe(point),
        specs=specs,
        scenario=scenario_of(specs),
        use=case.study.names_used(estimates),
        estimates=estimates,
        limits=_held(case, wanted, point),
        bands={path: _about(values[path], x) for path, x in flat.items()},
        profiles=goals,
        within=abs(most - wanted.goal.cost(value)) / (abs(value) or 1.0),
        choices=tuple(_choice(each, wanted, most) for each in bests),
        at_end=_at_end(best.grid.case, values),
        points=sum(prod(each.grid.shape) for each in bests),
        holding=holding,
    )


def _most(wanted: Wanted, value: float, low: float, high: float, within: float) -> float:
    """Return the cost up to which points belong to the band."""
    cost = wanted.goal.cost(value)
    if np.isfinite(within):
        return float(cost + within * abs(cost))
    far = low if wanted.goal.maximize else high
    return float(cost if np.isnan(far) else wanted.goal.cost(far))


def _choice(best: _Best, wanted: Wanted, most: float) -> Choice:
    violation, cost = best.key
    holds = violation == 0.0
    value = wanted.goal.cost(cost) if holds else np.nan
    return Choice(best.case.texts, float(value), holds and cost <= most)


def _held(case: Case, wanted: Wanted, point: Array) -> tuple[Held, ...]:
    """Return each limit at the best point; those bind that forbid a better point next to it."""
    around = _neighbours(case, point)
    measured = case.measure(list(around.T))
    cost = np.broadcast_to(wanted.goal.cost(measured[wanted.goal.measure].value), len(around))
    with np.errstate(invalid="ignore"):
        lower = cost < cost[0]
    held = []
    for limit in wanted.limits:
        taken = limit.taken(measured[limit.measure], cautious=wanted.cautious)
        taken = np.broadcast_to(taken, len(around))
        slack = limit.slack(float(taken[0]))
        forbidden = limit.violation(taken) > 0.0
        spent = limit.bound != 0.0 and slack <= _BINDS
        binds = spent or bool((forbidden & lower).any())
        held.append(Held(limit, float(taken[0]), slack, binds))
    return tuple(held)


def _neighbours(case: Case, point: Array) -> Array:
    """Return a point, and those one rung or a hundredth of a range to either side."""
    rows = [point]
    for at, axis in enumerate(case.axes):
        for step in (-1.0, 1.0) if axis.whole else (-0.01, 0.01):
            row = point.copy()
            row[at] = np.clip(row[at] + step, 0.0, axis.top)
            rows.append(row)
    return np.array(rows)


def _at_end(case: Case, values: dict[str, Any]) -> dict[str, str]:
    """Return the ranges and ladders whose end the best point is at."""
    found = {}
    for axis in case.axes:
        low, high = (float(axis.value(u)) for u in (0.0, axis.top))
        if low < high and values[axis.path] in (low, high):
            found[axis.path] = "lower" if values[axis.path] == low else "upper"
    return found


def _bands(best: _Best, wanted: Wanted, most: float) -> dict[str, Band]:
    """Return the bands in the case as it was asked for, of which ladders may be narrowed now."""
    case, point = best.grid.case, best.rows.coordinates[0].copy()
    for at, (axis, now) in enumerate(zip(case.axes, best.case.axes, strict=True)):
        if isinstance(axis, Rungs) and now is not axis:
            point[at] = float(axis.nearest(now.value(point[at])))
    return bands(case, wanted, point, most)


def _about(value: float, band: Band) -> tuple[float, float]:
    return min(value, band.low), max(value, band.high)


def _nan(costs: Array) -> Array:
    return np.where(np.isinf(costs), np.nan, costs)


def _coarse_bands(grid: Grid, wanted: Wanted, most: float) -> dict[str, Band]:
    """Return the range of each field over all points of the coarse grid in the band."""
    shape, size = grid.shape, len(grid.shape)
    cost = np.empty(shape)
    for part, measured in grid.measure():
        score = wanted.score(measured)
        cost[part] = np.where(score.violation == 0.0, score.cost, np.inf)
    found = {}
    for at, (axis, u) in enumerate(zip(grid.case.axes, grid.coordinates, strict=True)):
        least = cost.min(axis=tuple(k for k in range(size) if k != at))
        good = np.flatnonzero(least <= most)
        low, high = (float(axis.value(u[place])) for place in (good[0], good[-1]))
        found[axis.path] = Band(low, high, axis.value(u), least)
    return found
