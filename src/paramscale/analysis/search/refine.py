"""From the coarse grid to the best point: zooms into its best cells, then steps on ladders."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.search.axes import Rungs
from paramscale.analysis.search.grid import Case, Grid
from paramscale.analysis.search.polish import polish
from paramscale.analysis.search.score import Wanted
from paramscale.analysis.search.zoom import Rows, zoom

__all__ = ["Found", "best_cells", "cells", "refined"]

Array = npt.NDArray[np.float64]

_STARTS = 16  # cells of a case that are zoomed into
_TURNS = 12  # times that the neighbours on ladders are tried
_FAR = np.array([-32, -16, -8, -4, -2, -1, 0, 1, 2, 4, 8, 16, 32], dtype=np.float64)
_NEAR = np.array([-1.0, 0.0, 1.0])


class Found(NamedTuple):
    """The best point of a case; where a ladder got finer, the case has the finer one."""

    case: Case
    rows: Rows


def best_cells(grid: Grid, wanted: Wanted) -> tuple[Rows, int]:
    """Return the best points of a coarse grid, best first, and how many hold all limits.

    They are those that no neighbour along an axis betters; of those that miss a limit only such
    as miss least, or would cost less than the best that holds them.
    """
    shape = grid.shape
    violation, cost = np.empty(shape), np.empty(shape)
    for part, measured in grid.measure():
        score = wanted.score(measured)
        violation[part], cost[part] = score.violation, score.cost
    flat = _candidates(violation, cost)
    places = np.unravel_index(flat, shape) if shape else ()
    points = [u[at] for u, at in zip(grid.coordinates, places, strict=True)]
    coordinates = np.stack(points, axis=1) if points else np.empty((len(flat), 0))
    rows = Rows(coordinates, violation.ravel()[flat], cost.ravel()[flat])
    return rows.of(rows.order()), int(np.count_nonzero(violation == 0.0))


def _candidates(violation: Array, cost: Array) -> npt.NDArray[np.intp]:
    """Return the flat places of good points: with all limits held, and near to that."""
    held = violation == 0.0
    inside = np.where(held, cost, np.inf)
    best = inside.min()
    outside = np.where(~held & ((cost < best) | ~held.any()), violation, np.inf)
    found = [_least(inside, _STARTS), _least(outside, _STARTS // 2)]
    return np.unique(np.concatenate(found))


def _least(key: Array, most: int) -> npt.NDArray[np.intp]:
    """Return the flat places of the least local minima that are finite."""
    local = np.isfinite(key)
    for axis in range(key.ndim):
        padded = np.pad(key, [(1, 1) if at == axis else (0, 0) for at in range(key.ndim)],
                        constant_values=np.inf)  # fmt: skip
        before = np.take(padded, range(key.shape[axis]), axis)
        after = np.take(padded, range(2, key.shape[axis] + 2), axis)
        local &= (key <= before) & (key <= after)
    places = np.flatnonzero(local)
    return places[np.argsort(key.ravel()[places], kind="stable")[:most]]


def refined(grid: Grid, wanted: Wanted, start: Rows) -> Found:
    """Return the best point of a case, not worse than any start."""
    case = grid.case
    if not case.axes or not len(start.cost):
        return Found(case, start.of(start.order()[:1]))
    rows = zoom(case, wanted, start.coordinates, cells(grid, start.coordinates))
    rows = _joined(rows, start)
    best = rows.of(rows.order()[:4])
    while True:
        best = _climbed(case, wanted, best)
        finer = _finer(case, best)
        if finer is None:
            return Found(case, best.of(best.order()[:1]))
        case, best = finer


def cells(grid: Grid, points: Array) -> Array:
    """Return for points of a grid the extent of windows that reach beyond the next places."""
    widths = np.zeros(points.shape)
    for at, u in enumerate(grid.coordinates):
        if len(u) > 1:
            steps = np.diff(u)
            around = np.maximum(np.append(steps, 0.0), np.append(0.0, steps))
            widths[:, at] = 3.0 * around[np.searchsorted(u, points[:, at])]
    return widths


def _joined(*parts: Rows) -> Rows:
    return Rows(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _climbed(case: Case, wanted: Wanted, best: Rows) -> Rows:
    """Return the best point after trying rungs to either side, the real axes optimised at each."""
    whole = np.array([axis.whole for axis in case.axes])
    tops = np.array([axis.top for axis in case.axes])
    real = int((~whole).sum())
    offsets = _offsets(whole, real)
    seen: set[bytes] = set()
    for turn in range(_TURNS):
        here = best.of(best.order()[:1])
        tried = np.unique(np.clip(here.coordinates + offsets, 0.0, tops), axis=0)
        key = here.coordinates[0, whole].tobytes()
        if key in seen:
            break
        seen.add(key)
        width = np.where(whole, 0.0, 0.25 if turn else 0.5)
        rows = zoom(case, wanted, tried, np.tile(width, (len(tried), 1)))
        rows = _joined(rows.of(rows.order()[:8]), best)
        if real > 1:
            rows = polish(case, wanted, rows.of(rows.order()[:8]))
        best = _joined(rows, best)
        best = best.of(best.order()[:4])
    return best


def _offsets(whole: npt.NDArray[np.bool_], real: int) -> Array:
    """Return steps along the ladders to try together: far ones where there are few ladders."""
    ladders = int(whole.sum())
    most = 2000 // 9 ** min(real, 2)
    steps = _FAR if len(_FAR) ** ladders <= most else _NEAR
    if len(steps) ** ladders <= most:
        chosen = np.array(list(product(steps, repeat=ladders))).reshape(
            len(steps) ** ladders, ladders
        )
    else:  # one ladder at a time
        chosen = np.concatenate([np.outer(_FAR, row) for row in np.eye(ladders)])
    offsets = np.zeros((len(chosen), len(whole)))
    offsets[:, whole] = chosen
    return offsets


def _finer(case: Case, best: Rows) -> tuple[Case, Rows] | None:
    """Return the case with the whole numbers that a ladder left out about the best point."""
    here = best.of(best.order()[:1])
    axes, coordinates = list(case.axes), here.coordinates.copy()
    for at, axis in enumerate(axes):
        finer = axis.finer(coordinates[0, at]) if isinstance(axis, Rungs) else None
        if finer is not None:
            value = axis.value(coordinates[0, at])
            coordinates[0, at] = float(np.searchsorted(finer.values, value))
            axes[at] = finer
    if all(new is old for new, old in zip(axes, case.axes, strict=True)):
        return None
    return attrs.evolve(case, axes=tuple(axes)), here._replace(coordinates=coordinates)
