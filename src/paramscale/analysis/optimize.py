"""``optimize``: the best point over any fields, for any goal, under any limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np

from paramscale.analysis.front import Front
from paramscale.analysis.optimum import Optimum
from paramscale.analysis.search.axes import varied
from paramscale.analysis.search.best import best_point
from paramscale.analysis.search.front import front_points
from paramscale.analysis.search.grid import Grid, cases_of, grid_of
from paramscale.analysis.search.limits import LimitsLike, limits_of
from paramscale.analysis.search.score import Goal, Wanted
from paramscale.analysis.search.study import Study, study_of
from paramscale.core.record import Estimator
from paramscale.errors import SpecError

__all__ = ["optimize"]

_COARSE = 40_000  # points of ranges on the coarse grid, all choices of labels together

#: Names of goals, or for each whether it is to be made small or large.
Goals = Iterable[str] | Mapping[str, Literal["minimize", "maximize"]]


def optimize(
    scenario: object = None,
    /,
    *,
    over: Mapping[str, Any],
    minimize: str | None = None,
    maximize: str | None = None,
    pareto: Goals | None = None,
    subject_to: LimitsLike | None = None,
    cautious: bool = False,
    within: float | Literal["interval"] = 0.01,
    refine: bool = True,
    use: Mapping[str, str | Estimator] | None = None,
    options: Mapping[str, Any] | None = None,
    most_points: int = 5_000_000,
    **specs: Any,
) -> Optimum | Front:
    """Return the point of least or greatest value of a goal, or the front of several goals.

    A coarse grid over everything is estimated in few calls; its best cells are then narrowed
    together, whole numbers by their neighbours, real ones by zooms and, where several meet a
    limit, by SciPy's SLSQP. No point of the grid is better than what comes back.

    Parameters
    ----------
    scenario : Scenario or mapping, optional
        What stays the same.
    over : mapping
        What may vary, by path: ``{"model.parameters": (1e9, 1e12), "serving.batch": [1, 8, 64],
        "hardware": ["h100-sxm", "b200"]}``. A tuple of two numbers is a range (whole numbers
        where the field holds such, members of the family for ``model.parameters``); a list holds
        values, all of which are tried.
    minimize, maximize : str
        A quantity, or a field (``"training.tokens"``).
    pareto : iterable of str, or mapping of str to "minimize" or "maximize"
        Several goals instead. Without a word a quantity goes the way that is better: up for
        accuracies and rates, down for all others.
    subject_to : mapping or iterable of str, optional
        Limits on quantities or fields: ``{"tpot_s": ("<=", 0.03)}``, ``{"tpot_s": "<= 30 ms"}``,
        ``{"loss_nats": {"max": 2.0}}``, ``["tpot_s <= 30 ms"]``; a list for several on one.
    cautious : bool
        Whether limits must hold at the unfavourable end of the 90 % interval.
    within : float or "interval"
        How much worse, as a share of the best value, points of the band of a flat optimum may
        be; ``"interval"``: as far as the far end of the best value's interval.
    refine : bool
        Whether to go on after the coarse grid.
    use, options
        As for ``estimate``.
    most_points : int
        Points that the coarse grid may have.
    **specs
        Specs by name, that replace those of the scenario.

    Returns
    -------
    Optimum or Front

    Raises
    ------
    InfeasibleError
        If no point holds all limits; it names the limits that none holds, and the closest point.
    UnknownNameError
        If a goal, limit or field has another name.
    SpecError
        If there is no goal, or a range, limit or grid has no meaning.

    Examples
    --------
    The largest Llama that decodes a token in 30 ms on one 24 GB card:

    >>> import paramscale as ps
    >>> best = ps.optimize(
    ...     model="llama-3.1-8b", hardware="rtx-4090", maximize="parameters",
    ...     over={"model.parameters": (1e9, 1e11), "serving.weight_format": ["bf16", "q4_k"]},
    ...     subject_to={"tpot_s": "<= 30 ms", "missing_memory_bytes": "<= 0"},
    ... )
    >>> best["serving.weight_format"], bool(2e10 < best.value < 4e10)
    ('q4_k', True)
    """
    goals = _goals(minimize, maximize, pareto)
    limits = limits_of(subject_to)
    measures = [*(goal.measure for goal in goals), *(limit.measure for limit in limits)]
    study = study_of(scenario, specs, measures, use=use, options=options)
    goals = [_directed(study, goal) for goal in goals]
    grids = _grids(study, over, most_points)
    if pareto is not None:
        return front_points(grids, goals, limits, cautious=cautious, refine=refine)
    wanted = Wanted(goals[0], limits, cautious)
    return best_point(grids, wanted, within=_within(within), refine=refine)


def _goals(minimize: Any, maximize: Any, pareto: Goals | None) -> list[Goal]:
    """Return the goals; the way of a name in `pareto` is not known yet."""
    given = [word for word in (minimize, maximize, pareto) if word is not None]
    if len(given) != 1:
        raise SpecError(
            f"{len(given) or 'none'} of minimize, maximize and pareto were given; give one:"
            " minimize='tpot_s', maximize='throughput_tokens_per_s', or pareto=['tpot_s', ...]"
        )
    if pareto is None:
        name = minimize or maximize
        if not isinstance(name, str):
            raise SpecError(f"the goal is {name!r}; give one name, or several as pareto=[...]")
        return [Goal(name, maximize is not None)]
    return _several(pareto)


def _several(pareto: Goals) -> list[Goal]:
    words = dict(pareto) if isinstance(pareto, Mapping) else dict.fromkeys(pareto)
    if isinstance(pareto, str) or len(words) < 2:
        raise SpecError(f"pareto is {pareto!r}; give two goals or more: ['tpot_s', 'loss_nats']")
    for name, word in words.items():
        if word not in (None, "minimize", "maximize"):
            raise SpecError(
                f"pareto says {word!r} of {name}; allowed are 'minimize' and 'maximize'"
            )
    return [Goal(n, None if word is None else word == "maximize") for n, word in words.items()]


def _directed(study: Study, goal: Goal) -> Goal:
    """Return a goal with the way that is better where none was said."""
    if goal.maximize is not None:
        return goal
    quantity = study.world.vocabulary.get(goal.measure.rpartition(".")[2])
    return Goal(goal.measure, quantity is not None and quantity.more_is_better)


def _grids(study: Study, over: Mapping[str, Any], most: int) -> list[Grid]:
    """Return the coarse grid of each choice of labels."""
    cases = cases_of(study, varied(study, over))
    return [grid_of(case, len(cases), coarse=_COARSE, most=most) for case in cases]


def _within(within: Any) -> float:
    """Return the share of the band, infinite for the interval."""
    if within == "interval":
        return np.inf
    if isinstance(within, (int, float)) and 0.0 <= within < np.inf:
        return float(within)
    raise SpecError(f"within is {within!r}; give a share such as 0.01, or 'interval'")
