"""Why no point holds all limits: which limit no point holds, or which do not go together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import combinations

import numpy as np
import numpy.typing as npt

from paramscale.analysis.search.grid import Case, Grid
from paramscale.analysis.search.limits import Limit, format_measure
from paramscale.analysis.search.score import Wanted
from paramscale.errors import InfeasibleError

__all__ = ["infeasible"]

_TOGETHER = 3  # limits that are blamed together at most


def infeasible(
    grids: Sequence[Grid], wanted: Wanted, case: Case, coordinates: npt.NDArray[np.float64]
) -> InfeasibleError:
    """Return the error that names the limits nothing holds, and the point that misses least."""
    counts, ranges, points = _counted(grids, wanted)
    at = case.values(coordinates)
    measured = case.measure(coordinates[:, None])  # as an array, so that NaN does not raise
    names = dict.fromkeys([*(each.measure for each in wanted.limits), wanted.goal.measure])
    values = {name: np.ravel(measured[name].value)[0] for name in names}
    here = ", ".join(f"{name} = {format_measure(name, x)}" for name, x in values.items())
    where = ", ".join(f"{path} = {text}" for path, text in case.describe(coordinates).items())
    closest = f"The closest point is {where}, where {here}"
    if not points[1]:
        goal = wanted.goal.measure
        why = "".join(f", since {reason}" for reason in case.reasons(coordinates, goal)[:1])
        text = f"{goal} cannot be estimated at any of {points[0]:,} points. {closest}{why}"
        return InfeasibleError(text, closest=at)
    blamed = _blamed(wanted.limits, counts)
    if len(blamed) == 1:
        low, high = ranges[blamed[0].measure]
        reached = low if blamed[0].sign == "<=" else high
        word = "least" if blamed[0].sign == "<=" else "most"
        reason = (
            f"no point holds {blamed[0]}: the {word} is"
            f" {format_measure(blamed[0].measure, reached)}"
        )
    else:
        listed = " and ".join(map(str, blamed))
        together = "each is held by some" if len(blamed) == 2 else "fewer of them are"
        reason = f"no point holds {listed} together; {together}"
    text = f"of {points[0]:,} points {reason}. {closest}. Widen a range, or relax a limit"
    return InfeasibleError(text, limits=map(str, blamed), closest=at)


def _counted(
    grids: Sequence[Grid], wanted: Wanted
) -> tuple[dict[tuple[int, ...], int], dict[str, tuple[float, float]], tuple[int, int]]:
    """Return how many points hold each set of limits, the range of each measure, and points."""
    limits = wanted.limits
    most = min(len(limits), _TOGETHER)
    sets = [s for size in range(1, most + 1) for s in combinations(range(len(limits)), size)]
    counts = dict.fromkeys(sets, 0)
    ranges = {each.measure: (np.inf, -np.inf) for each in limits}
    total = known = 0
    for grid in grids:
        for _, measured in grid.measure():
            cost = np.asarray(wanted.goal.cost(measured[wanted.goal.measure].value))
            taken = [x.taken(measured[x.measure], cautious=wanted.cautious) for x in limits]
            held = [x.violation(t) == 0.0 for x, t in zip(limits, taken, strict=True)]
            shape = np.broadcast_shapes(cost.shape, *(np.shape(each) for each in held))
            good = ~np.isnan(np.broadcast_to(cost, shape))
            total, known = total + good.size, known + int(good.sum())
            for each in sets:
                counts[each] += int(reduce(np.logical_and, (held[at] for at in each), good).sum())
            for limit, values in zip(limits, taken, strict=True):
                finite = np.asarray(values)[np.isfinite(values)]
                if finite.size:
                    low, high = ranges[limit.measure]
                    ranges[limit.measure] = min(low, finite.min()), max(high, finite.max())
    return counts, ranges, (total, known)


def _blamed(limits: Sequence[Limit], counts: dict[tuple[int, ...], int]) -> list[Limit]:
    """Return the smallest set of limits that no point holds together."""
    empty = min((each for each, count in counts.items() if not count), key=len, default=None)
    return [*limits] if empty is None else [limits[at] for at in empty]
