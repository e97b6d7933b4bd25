"""Sequential quadratic programming along the real axes, where the zoom meets slanted limits.

A zoom along the axes creeps where two or more real fields trade off along a limit. There SciPy's
SLSQP follows the limit; value and all differences of a step are estimated in one call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from paramscale.analysis.search.grid import Case
from paramscale.analysis.search.score import Wanted
from paramscale.analysis.search.zoom import Rows, better, measured_rows

__all__ = ["polish"]

Array = npt.NDArray[np.float64]

_STEP = 1e-5  # of the range, to either side
_INSIDE = 1e-10  # the limits are tightened so much, so that rounding does not pass them
_BACK = np.array([1.0, 1 - 1e-7, 1 - 1e-6, 1 - 1e-5, 1 - 1e-4, 1 - 1e-3, 0.99, 0.9, 0.5])


def polish(case: Case, wanted: Wanted, rows: Rows) -> Rows:
    """Return rows that are at least as good, each improved along the real axes alone."""
    real = [at for at, axis in enumerate(case.axes) if not axis.whole]
    if not real:
        return rows
    found = [_polished(case, wanted, point, real) for point in rows.coordinates]
    best = rows
    # where the end is slightly beyond a limit, a point on the way back to the start is not
    for share in _BACK:
        tried = rows.coordinates + share * (np.array(found) - rows.coordinates)
        new = measured_rows(case, wanted, np.clip(tried, 0.0, [axis.top for axis in case.axes]))
        take = better(new.violation, new.cost, best)
        best = Rows(*(np.where(take if a.ndim == 1 else take[:, None], a, b)
                      for a, b in zip(new, best, strict=True)))  # fmt: skip
    return best


def _polished(case: Case, wanted: Wanted, start: Array, real: list[int]) -> Array:
    """Return where SLSQP ends from one point; the point itself where it fails."""
    from scipy.optimize import minimize  # type: ignore[import-untyped,unused-ignore]

    functions = _Functions(case, wanted, start, real)
    first = functions(start[real])[0]
    if not np.isfinite(first).all():
        return start
    limits = {
        "type": "ineq",
        "fun": lambda u: functions(u)[0][1:],
        "jac": lambda u: functions(u)[1][1:],
    }
    with np.errstate(all="ignore"):
        ended = minimize(
            lambda u: functions(u)[0][0], start[real], jac=lambda u: functions(u)[1][0],
            method="SLSQP", bounds=[(0.0, 1.0)] * len(real),
            constraints=limits if len(first) > 1 else (),
            options={"maxiter": 60, "ftol": 1e-14},
        )  # fmt: skip
    point = start.copy()
    if np.isfinite(ended.x).all():
        point[real] = ended.x
    return point


class _Functions:
    """Objective and limits on logarithms where they are positive, with central differences."""

    def __init__(self, case: Case, wanted: Wanted, start: Array, real: list[int]) -> None:
        self.case, self.wanted, self.start, self.real = case, wanted, start, real
        self._last: tuple[bytes, tuple[Array, Array]] | None = None

    def __call__(self, u: Array) -> tuple[Array, Array]:
        """Return values (objective, then what is left to each limit) and their gradients."""
        key = u.tobytes()
        if self._last is None or self._last[0] != key:
            self._last = key, self._evaluated(u)
        return self._last[1]

    def _evaluated(self, u: Array) -> tuple[Array, Array]:
        size = len(u)
        low, high = np.maximum(u - _STEP, 0.0), np.minimum(u + _STEP, 1.0)
        tried = np.tile(u, (2 * size + 1, 1))
        tried[1 + np.arange(size), np.arange(size)] = low
        tried[1 + size + np.arange(size), np.arange(size)] = high
        points = np.tile(self.start, (len(tried), 1))
        points[:, self.real] = tried
        found = self._smooth(points)
        slope = (found[:, 1 + size :] - found[:, 1 : 1 + size]) / (high - low)
        return found[:, 0], slope

    def _smooth(self, points: Array) -> Array:
        """Return objective and limits, (functions, points), on smooth scales."""
        measured = self.case.measure(list(points.T))
        goal, shape = self.wanted.goal, (len(points),)
        lines = [_scaled(measured[goal.measure].value, shape, bool(goal.maximize))]
        for each in self.wanted.limits:
            taken = each.taken(measured[each.measure], cautious=self.wanted.cautious)
            lines.append(_room(taken, each.bound, shape, each.sign == "<=") - _INSIDE)
        return np.array(lines)


def _scaled(value: Any, shape: tuple[int, ...], maximize: bool) -> Array:
    value = np.broadcast_to(np.asarray(value, dtype=np.float64), shape)
    cost: Array = np.log(value) if (value > 0.0).all() else value / (np.abs(value).max() or 1.0)
    return -cost if maximize else cost


def _room(value: Any, bound: float, shape: tuple[int, ...], below: bool) -> Array:
    value = np.broadcast_to(np.asarray(value, dtype=np.float64), shape)
    room: Array
    if bound > 0.0 and (value > 0.0).all():
        room = np.log(bound / value)
    else:
        room = (bound - value) / (abs(bound) or np.abs(value).max() or 1.0)
    return room if below else -room
