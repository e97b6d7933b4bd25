"""The front of several goals: points of which no other is better in one goal and worse in none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.front import Front
from paramscale.analysis.search.grid import Case, Grid
from paramscale.analysis.search.infeasible import infeasible
from paramscale.analysis.search.limits import Limit
from paramscale.analysis.search.refine import best_cells, cells, refined
from paramscale.analysis.search.score import Goal, Wanted
from paramscale.analysis.search.zoom import zoom

__all__ = ["front_points", "knee", "nondominated"]

Array = npt.NDArray[np.float64]

_LINES = 48  # points of a front of ranges that are improved, for each goal
_ROUNDS = 16


class _Points(NamedTuple):
    """Points of one case: coordinates ``(points, axes)`` and costs ``(points, goals)``."""

    coordinates: Array
    costs: Array

    def of(self, chosen: Any) -> _Points:
        return _Points(self.coordinates[chosen], self.costs[chosen])


def front_points(
    grids: Sequence[Grid],
    goals: Sequence[Goal],
    limits: Sequence[Limit],
    *,
    cautious: bool,
    refine: bool,
) -> Front:
    """Return the front of some grids, one for each choice of labels.

    Raises
    ------
    InfeasibleError
        If no point holds all limits.
    """
    first = Wanted(goals[0], tuple(limits), cautious)
    parts = [(grid, _coarse(grid, goals, first)) for grid in grids]
    if not any(len(points.costs) for _, points in parts):
        found = [best_cells(grid, first)[0] for grid in grids]
        least = min(range(len(grids)), key=lambda at: _missed(found[at].violation))
        rows = found[least].coordinates
        point = rows[0] if len(rows) else np.zeros(len(grids[least].case.axes))
        raise infeasible(grids, first, grids[least].case, point)
    if refine:
        merged = _front_of(parts)
        parts = [(grid, _refined(grid, points, goals, first)) for grid, points in merged]
    return _as_front(_front_of(parts), goals)


def _missed(violation: Array) -> float:
    return float(violation.min()) if violation.size else np.inf


def _coarse(grid: Grid, goals: Sequence[Goal], wanted: Wanted) -> _Points:
    """Return the front of a grid, block by block."""
    shape, size = grid.shape, len(grid.shape)
    kept = _Points(np.empty((0, size)), np.empty((0, len(goals))))
    for part, measured in grid.measure():
        cut = [u[each] for u, each in zip(grid.coordinates, part, strict=True)]
        block = tuple(map(len, cut)) if shape else ()
        costs = [_spread(goal.cost(measured[goal.measure].value), block) for goal in goals]
        held = np.broadcast_to(wanted.score(measured).violation == 0.0, block).ravel()
        found = np.stack(costs, axis=1)
        good = np.flatnonzero(held & np.isfinite(found).all(axis=1))
        best = good[nondominated(found[good])]
        places = np.unravel_index(best, block) if block else ()
        columns = [u[at] for u, at in zip(cut, places, strict=True)]
        points = np.stack(columns, axis=1) if columns else np.empty((len(best), 0))
        kept = _joined(kept, _Points(points, found[best]))
        kept = kept.of(nondominated(kept.costs))
    return kept


def _spread(value: Any, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(np.asarray(value, dtype=np.float64), shape).ravel()


def _joined(*parts: _Points) -> _Points:
    return _Points(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _front_of(parts: Sequence[tuple[Grid, _Points]]) -> list[tuple[Grid, _Points]]:
    """Return of each part what belongs to the front of all."""
    costs = np.concatenate([points.costs for _, points in parts])
    chosen = np.zeros(len(costs), dtype=bool)
    chosen[nondominated(costs)] = True
    cuts = np.cumsum([len(points.costs) for _, points in parts])[:-1]
    masks = np.split(chosen, cuts)
    return [(grid, points.of(mask)) for (grid, points), mask in zip(parts, masks, strict=True)]


def nondominated(costs: Array) -> npt.NDArray[np.intp]:
    """Return the places of the points that no other dominates, in their order.

    Of equal points all stay.

    Parameters
    ----------
    costs : array, (points, goals)
        What is to be made small.

    Examples
    --------
    >>> nondominated(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 4.0], [3.0, 1.0]])).tolist()
    [0, 1, 3]
    """
    if not len(costs):
        return np.empty(0, dtype=np.intp)
    order = np.lexsort(costs.T[::-1])
    ranked = costs[order]
    if costs.shape[1] == 2:
        return np.sort(order[_two(ranked)])
    kept = np.arange(len(ranked))
    place = 0
    while place < len(kept):  # a point is dominated only by one before it
        rest = ranked[kept[place + 1 :]]
        here = ranked[kept[place]]
        stays = (rest < here).any(axis=1) | (rest == here).all(axis=1)
        kept = np.concatenate([kept[: place + 1], kept[place + 1 :][stays]])
        place += 1
    return np.sort(order[kept])


def _two(ranked: Array) -> npt.NDArray[np.intp]:
    """Return which of points sorted by two costs no other dominates."""
    second = ranked[:, 1]
    least = np.minimum.accumulate(second)
    before = np.concatenate([[np.inf], least[:-1]])
    new = second < before
    # an equal point follows the first of its kind
    same = np.concatenate([[False], (ranked[1:] == ranked[:-1]).all(axis=1)])
    group = np.cumsum(~same) - 1
    first = np.flatnonzero(~same)
    return np.flatnonzero(new[first][group])


def knee(costs: Array) -> int:
    """Return the place of the point that bulges most from the plane through the ends of a front.

    Costs are scaled from the least to the greatest of the front, on logarithms where they are
    positive; the point of the least sum lies farthest from the plane on which the sum is 1.

    Examples
    --------
    >>> knee(np.array([[1.0, 100.0], [2.0, 5.0], [50.0, 4.0], [100.0, 1.0]]))
    1
    """
    signed = np.where((costs < 0.0).all(axis=0), -1.0, 1.0)
    size = costs * signed
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where((size > 0.0).all(axis=0), signed * np.log(size), costs)
    low, high = scale.min(axis=0), scale.max(axis=0)
    return int(((scale - low) / np.where(high > low, high - low, 1.0)).sum(axis=1).argmin())


def _refined(grid: Grid, points: _Points, goals: Sequence[Goal], wanted: Wanted) -> _Points:
    """Return points of a front, and better ones where its grid was coarser than it could be.

    From each point every goal is improved in turn, while none of the others may get worse; the
    ends of the front are the best of each goal alone.
    """
    case = grid.case
    if not len(points.costs) or all(axis.wanted for axis in case.axes):
        return points
    found = [points, *(_end(grid, goals, attrs.evolve(wanted, goal=goal)) for goal in goals)]
    spread = np.linspace(0, len(points.costs) - 1, min(_LINES, len(points.costs)))
    starts = points.of(np.argsort(points.costs[:, 0])[np.unique(np.rint(spread).astype(int))])
    widths = cells(grid, starts.coordinates)
    shape = (-1, *(1,) * len(case.axes))
    for at, goal in enumerate(goals):
        bounds = tuple(
            (other, other.cost(starts.costs[:, k]).reshape(shape))
            for k, other in enumerate(goals) if k != at
        )  # fmt: skip
        asked = attrs.evolve(wanted, goal=goal, bounds=bounds)
        rows = zoom(case, asked, starts.coordinates, widths, rounds=_ROUNDS)
        found.append(_measured(case, rows.coordinates, goals, wanted))
    return _joined(*found)


def _end(grid: Grid, goals: Sequence[Goal], wanted: Wanted) -> _Points:
    """Return the best point of one goal alone."""
    start, _ = best_cells(grid, wanted)
    case, rows = refined(grid, wanted, start)
    if not len(rows.cost) or case is not grid.case:  # finer whole numbers have no place here
        return _Points(np.empty((0, len(case.axes))), np.empty((0, len(goals))))
    return _measured(case, rows.coordinates, goals, wanted)


def _measured(case: Case, points: Array, goals: Sequence[Goal], wanted: Wanted) -> _Points:
    """Return the costs of points, without those that miss a limit."""
    measured = case.measure(list(points.T))
    shape = (len(points),)
    costs = [_spread(goal.cost(measured[goal.measure].value), shape) for goal in goals]
    held = np.broadcast_to(wanted.score(measured).violation == 0.0, shape)
    found = np.stack(costs, axis=1)
    return _Points(points, found).of(held & np.isfinite(found).all(axis=1))


def _as_front(parts: Sequence[tuple[Grid, _Points]], goals: Sequence[Goal]) -> Front:
    """Return the front in the order of its first goal, equal points once."""
    costs = np.concatenate([points.costs for _, points in parts])
    owners = [(grid.case, row) for grid, points in parts for row in points.coordinates]
    _, first = np.unique(costs, axis=0, return_index=True)
    costs, owners = costs[first], [owners[at] for at in first]
    return Front(
        goals={goal.measure: "maximize" if goal.maximize else "minimize" for goal in goals},
        values={goal.measure: goal.cost(costs[:, at]) for at, goal in enumerate(goals)},
        points=tuple(case.values(row) for case, row in owners),
        texts=tuple(case.describe(row) for case, row in owners),
        knee=knee(costs),
        cases=tuple(case.study for case, _ in owners),
    )
