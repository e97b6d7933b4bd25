"""How flat an optimum is: along each axis, where the goal stays near its best."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from paramscale.analysis.search.grid import Case
from paramscale.analysis.search.score import Wanted
from paramscale.analysis.search.zoom import zoom

__all__ = ["Band", "bands"]

Array = npt.NDArray[np.float64]

_PLACES = 33
_CLOSER = 2  # times that each end is looked at more closely
_ROUNDS = 14


class Band(NamedTuple):
    """How a goal depends on one field, the other fields optimised anew at each of its values.

    Attributes
    ----------
    low, high : float
        Range about the best point in which the goal stays near its best.
    values : array
        Values of the field from end to end.
    costs : array
        The least cost at each; infinite where no point holds the limits.
    """

    low: float
    high: float
    values: Array
    costs: Array


def bands(case: Case, wanted: Wanted, best: Array, most: float) -> dict[str, Band]:
    """Return along each axis the range about the best point in which a cost is not passed.

    The other axes are optimised anew at each place, so that a range says how free the choice of
    one field is if the others follow.

    Parameters
    ----------
    best : array, (axes,)
        Coordinates of the best point.
    most : float
        The cost.
    """
    return {axis.path: _band(case, wanted, best, most, at) for at, axis in enumerate(case.axes)}


def _band(case: Case, wanted: Wanted, best: Array, most: float, at: int) -> Band:
    axis, here = case.axes[at], best[at]
    places = np.union1d(axis.coarse(_PLACES), here)
    costs = _costs(case, wanted, best, at, places)
    ends = _inside(places, costs <= most, here)
    for _ in range(_CLOSER):
        between = [_between(*each, whole=axis.whole) for each in ends]
        good = _costs(case, wanted, best, at, np.concatenate(between)) <= most
        parts = np.split(good, [len(between[0])])
        for side, (inner, _) in enumerate(ends):
            known = parts[side] | (between[side] == inner)
            ends[side] = _inside(between[side], known, inner)[side]
    low, high = (float(axis.value(inner)) for inner, _ in ends)
    return Band(low, high, axis.value(places), costs)


def _between(inner: float, outer: float, *, whole: bool) -> Array:
    """Return places from a good one to one that is not."""
    places = np.linspace(inner, outer, _PLACES // 2)
    return np.unique(np.append(inner, np.rint(places) if whole else places))


def _inside(places: Array, good: Any, start: float) -> list[tuple[float, float]]:
    """Return, downwards and upwards, the last good place about a start and the next beyond it."""
    ends = []
    first = int(np.searchsorted(places, start))
    for step in (-1, 1):
        here = first
        while 0 <= here + step < len(places) and good[here + step]:
            here += step
        beyond = min(max(here + step, 0), len(places) - 1)
        ends.append((float(places[here]), float(places[beyond])))
    return ends


def _costs(case: Case, wanted: Wanted, best: Array, at: int, places: Array) -> Array:
    """Return for places along one axis the least cost, the other axes free."""
    tops = np.array([axis.top for axis in case.axes])
    starts = [(best, 0.25 * tops), (0.5 * tops, tops)][: 1 if len(tops) == 1 else 2]
    centres = np.repeat([centre for centre, _ in starts], len(places), axis=0)
    widths = np.repeat([width for _, width in starts], len(places), axis=0)
    centres[:, at] = np.tile(places, len(starts))
    widths[:, at] = 0.0
    found = zoom(case, wanted, centres, widths, rounds=_ROUNDS)
    held = (found.violation == 0.0) & ~np.isnan(found.cost)
    costs = np.where(held, found.cost, np.inf).reshape(len(starts), len(places))
    least: Array = costs.min(axis=0)
    return least
