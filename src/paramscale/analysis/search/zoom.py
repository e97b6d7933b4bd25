"""Successive zooms into many places at once: each row is a window that follows its best point."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from paramscale.analysis.search.grid import BLOCK, Case
from paramscale.analysis.search.score import Wanted

__all__ = ["Rows", "better", "measured_rows", "zoom"]

Array = npt.NDArray[np.float64]

_PLACES = {1: 17, 2: 9, 3: 7, 4: 5, 5: 5}  # along each axis, by the number of axes
_ROUNDS = 32  # windows are halved each time, so that the last is 2e-10 of the first


class Rows(NamedTuple):
    """Points, one a row: coordinates ``(rows, axes)``, how far they miss the limits, and cost."""

    coordinates: Array
    violation: Array
    cost: Array

    def of(self, chosen: Any) -> Rows:
        """Return the chosen rows, by a mask or by indices."""
        return Rows(*(each[chosen] for each in self))

    def order(self) -> npt.NDArray[np.intp]:
        """Return the places of the rows, best first."""
        return np.lexsort((np.where(np.isnan(self.cost), np.inf, self.cost), self.violation))


def better(violation: Any, cost: Any, old: Rows) -> npt.NDArray[np.bool_]:
    """Return for each row whether a new point misses less, or misses nothing and costs less."""
    lower = (violation == old.violation) & ((cost < old.cost) | np.isnan(old.cost))
    found: npt.NDArray[np.bool_] = np.asarray((violation < old.violation) | lower)
    return found


def zoom(
    case: Case,
    wanted: Wanted | Callable[[int], Wanted],
    centre: Array,
    width: Array,
    *,
    rounds: int = _ROUNDS,
) -> Rows:
    """Return the best point that each window leads to.

    Parameters
    ----------
    case : Case
        What is measured.
    wanted : Wanted
        Its `bounds`, if it has any, hold one number a row, with as many dimensions as there are
        axes, and one.
    centre, width : array, (rows, axes)
        Middle and extent of each window in coordinates; an axis of extent 0 stays where it is.
    rounds : int
        How often the windows are halved. On a ladder they stay at one rung to either side.

    Returns
    -------
    Rows
    """
    whole = np.array([axis.whole for axis in case.axes])
    tops = np.array([axis.top for axis in case.axes])
    free = (width > 0.0).any(axis=0)
    if not free.any():
        return measured_rows(case, wanted, centre)
    places = _places(len(centre), int(free.sum()))
    best = Rows(centre.copy(), np.full(len(centre), np.inf), np.full(len(centre), np.nan))
    for _ in range(rounds):
        grid = _windows(best.coordinates, width, tops, whole, free, places)
        found = _best_of(case, wanted, grid)
        new = better(found.violation, found.cost, best)
        moved = np.abs(found.coordinates - best.coordinates) > 0.4 * width
        at_edge = new[:, None] & moved & free
        best = Rows(
            np.where(new[:, None], found.coordinates, best.coordinates),
            np.where(new, found.violation, best.violation),
            np.where(new, found.cost, best.cost),
        )
        # a window whose best point lies at its edge moves on before it narrows
        stays: Any = at_edge.any(axis=1, keepdims=True)
        width = np.where(stays, width, 0.5 * width)
        width = np.where(whole & free & (width < 2.0) & (width > 0.0), 2.0, width)
        if not new.any() and np.all(width[:, ~whole] < 1e-12) and np.all(width[:, whole] <= 2.0):
            break
    return best


def _places(rows: int, free: int) -> int:
    """Return how many places along each free axis are tried, few enough for one block."""
    places = _PLACES.get(free, 3)
    while places > 3 and rows * places**free > BLOCK:
        places -= 2
    return places


def _windows(
    centre: Array, width: Array, tops: Array, whole: Any, free: Any, places: int
) -> list[Array]:
    """Return the coordinates to try, shaped (rows, 1, ..., places, ..., 1) for each axis."""
    steps = np.linspace(-0.5, 0.5, places)
    axes = len(tops)
    grid = []
    for at in range(axes):
        tried = centre[:, at, None] + (width[:, at, None] * steps if free[at] else 0.0)
        tried = np.clip(np.rint(tried) if whole[at] else tried, 0.0, tops[at])
        shape = [len(centre), *(tried.shape[1] if k == at else 1 for k in range(axes))]
        grid.append(tried.reshape(shape))
    return grid


def _best_of(case: Case, wanted: Any, grid: list[Array]) -> Rows:
    """Return the best point of each row of a grid."""
    rows, shape = len(grid[0]), np.broadcast_shapes(*(each.shape for each in grid))
    score = wanted.score(case.measure(grid))
    flat = (rows, prod(shape[1:]))
    violation = np.broadcast_to(score.violation, shape).reshape(flat)
    cost = np.broadcast_to(score.cost, shape).reshape(flat)
    least = violation.min(axis=1, keepdims=True)
    ranked = np.where((violation == least) & ~np.isnan(cost), cost, np.inf)
    chosen = ranked.argmin(axis=1)
    lines = np.arange(rows)
    points = [np.broadcast_to(each, shape).reshape(flat)[lines, chosen] for each in grid]
    return Rows(np.stack(points, axis=1), violation[lines, chosen], cost[lines, chosen])


def measured_rows(case: Case, wanted: Any, points: Array) -> Rows:
    """Return the score of points, one a row."""
    axes = len(case.axes)
    grid = [points[:, at].reshape(-1, *(1,) * axes) for at in range(axes)]
    return _best_of(case, wanted, grid)
