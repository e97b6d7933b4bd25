"""What is wanted: goals to lower or raise, limits to hold; and how good points are."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.search.limits import Limit
from paramscale.analysis.search.study import Measured

__all__ = ["Goal", "Score", "Wanted"]

Array = npt.NDArray[np.float64]


@attrs.frozen
class Goal:
    """A measure to make small, or large; None: whichever is better."""

    measure: str
    maximize: bool | None = False

    def cost(self, value: Any) -> Any:
        """Return what is to be made small."""
        return -value if self.maximize else value


@attrs.frozen(eq=False)
class Score:
    """How good points are: first how far they miss the limits, then the cost."""

    violation: Array
    cost: Array


@attrs.frozen(eq=False)
class Wanted:
    """One goal under limits.

    Attributes
    ----------
    bounds : tuple of (Goal, array)
        Further goals that must reach a value, which may differ from row to row.
    cautious : bool
        Whether limits must hold at the unfavourable end of the interval.
    """

    goal: Goal
    limits: tuple[Limit, ...] = ()
    cautious: bool = False
    bounds: tuple[tuple[Goal, Any], ...] = ()

    def score(self, measured: Measured) -> Score:
        """Return how good the points of some measures are, unbroadcast."""
        cost = np.asarray(self.goal.cost(measured[self.goal.measure].value), dtype=np.float64)
        missed = np.where(np.isnan(cost), np.inf, 0.0)
        for each in self.limits:
            taken = each.taken(measured[each.measure], cautious=self.cautious)
            missed = missed + each.violation(taken)
        for goal, bound in self.bounds:
            limit = Limit(goal.measure, ">=" if goal.maximize else "<=", 0.0)
            missed = missed + limit.violation(measured[goal.measure].value, bound)
        return Score(missed, cost)
