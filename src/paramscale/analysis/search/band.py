"""How flat an optimum is: along each axis, where the goal stays near its best."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from paramscale.analysis.search.grid import Case
from paramscale.analysis.search.score import Wanted
from paramscale.analysis.search.zoom import zoom

__all__ = ["bands"]

Array = npt.NDArray[np.float64]

_PLACES = 33
_CLOSER = 2  # times that each end is looked at more closely
_ROUNDS = 14


def bands(case: Case, wanted: Wanted, best: Array, most: float) -> dict[str, tuple[float, float]]:
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


def _band(case: Case, wanted: Wanted, best: Array, most: float, at: int) -> tuple[float, float]:
    axis, here = case.axes[at], best[at]
    places = np.union1d(axis.coarse(_PLACES), here)
    ends = _inside(places, _good(case, wanted, best, most, at, places), here)
    for _ in range(_CLOSER):
        for side, (inner, outer) in enumerate(ends):
            between = np.linspace(inner, outer, _PLACES // 2)
            between = np.unique(np.append(inner, np.rint(between) if axis.whole else between))
            good = _good(case, wanted, best, most, at, between) | (between == inner)
            ends[side] = _inside(between, good, inner)[side]
    found = [inner for inner, _ in ends]
    low, high = (float(axis.value(u)) for u in found)
    return low, high


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


def _good(
    case: Case, wanted: Wanted, best: Array, most: float, at: int, places: Array
) -> npt.NDArray[np.bool_]:
    """Return for places along one axis whether the cost can be held, the other axes free."""
    tops = np.array([axis.top for axis in case.axes])
    good = np.zeros(len(places), dtype=bool)
    for centre, width in ((best, 0.25 * tops), (0.5 * tops, tops)):
        rows = np.tile(centre, (len(places), 1))
        rows[:, at] = places
        width = width.copy()
        width[at] = 0.0
        found = zoom(case, wanted, rows, np.tile(width, (len(places), 1)), rounds=_ROUNDS)
        good |= (found.violation == 0.0) & (found.cost <= most)
        if len(case.axes) == 1:
            break
    return good
