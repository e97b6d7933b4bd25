"""The balanced size: the best one for an objective within a budget, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.impact.lines import LINES, line_of, more_is_better
from paramscale.analysis.impact.row import Row
from paramscale.analysis.search.limits import Limit, limits_of
from paramscale.errors import UnknownNameError
from paramscale.units import format_value

__all__ = ["OBJECTIVES", "Choice", "budget_limits", "choose", "score_of"]

Array = npt.NDArray[np.float64]

#: Objectives by name, in words; besides them any quantity that has a line.
OBJECTIVES = {
    "balance": "a doubling of the total cost is worth as much as a share of the loss",
    "efficient": "least total cost for the loss that it reaches",
    "loss": "least loss",
    "cost": "least total cost",
    "latency": "least time of a token",
}

_TOTALS = ("total_cost_usd", "total_device_s", "total_flops")
#: What total cost is counted in, in words.
_COUNTED = dict(zip(_TOTALS, ("money", "device time", "FLOPs"), strict=True))
_NAMED = {"efficient": "cost_excess_ratio", "loss": "loss_nats", "latency": "tpot_s"}
#: What counts as equally good: a share of the value, of accuracies a difference.
_SAME, _SAME_LOSS, _SAME_FRACTION = 0.05, 0.005, 0.005


@attrs.frozen(eq=False)
class Choice:
    """The balanced size.

    Attributes
    ----------
    index : int or None
        Its place among all sizes; None where no size meets the budget.
    parameters : float
        Its parameters; NaN where there is none.
    label : str
        Its name.
    low, high : float
        Parameters of the least and the greatest size that are about as good.
    reason : str
        Why, in a sentence or two.
    objective : str
        What was asked for.
    meets : array of bool
        Which sizes meet the budget.
    by_law : mapping of str to float
        Parameters that each published law of loss would choose.
    """

    index: int | None
    parameters: float
    label: str
    low: float
    high: float
    reason: str
    objective: str
    meets: npt.NDArray[np.bool_]
    by_law: Mapping[str, float] = attrs.field(factory=dict)

    def __float__(self) -> float:
        """Return the parameters."""
        return self.parameters

    def __repr__(self) -> str:
        if self.index is None:
            return f"<no size: {self.reason}>"
        ends = [format_value(end, "parameters") for end in (self.low, self.high)]
        return f"<{self.label}, about as good from {ends[0]} to {ends[1]}>"


def budget_limits(budget: Mapping[str, Any] | None, rows: Mapping[str, Row]) -> list[Limit]:
    """Return the limits of a budget: ``{"tpot_s": "30 ms", "mmlu_fraction": ">= 0.7"}``.

    They are written as for ``optimize``. Where one has no sign, what is better when there is more
    must be at least so much, the rest at most.

    Raises
    ------
    UnknownNameError
        If there is no row of a name.
    SpecError
        If a limit cannot be read.
    """
    limits: list[Limit] = []
    for name, given in (budget or {}).items():
        key = _total(rows) if name == "cost" else name
        if key not in rows:
            raise UnknownNameError("row of the impact", name, [*rows, "cost"])
        limits += limits_of({key: _signed(key, given)})
    return limits


def _signed(name: str, given: Any) -> Any:
    """Return a limit with its sign."""
    sign = ">=" if more_is_better(name) else "<="
    if isinstance(given, str):
        return given if given.lstrip()[:2] in ("<=", ">=") else f"{sign} {given}"
    return (sign, given) if isinstance(given, (int, float, np.number)) else given


def choose(
    rows: Mapping[str, Row], labels: tuple[str, ...], objective: str,
    budget: Mapping[str, Any] | None, worth: float,
) -> Choice:  # fmt: skip
    """Return the best size for an objective within a budget, with the reason.

    ``"balance"`` takes the least of ``ln(loss) + worth · log2(total cost)``: up to there, each
    doubling of the total cost saves at least the share `worth` of the loss.

    Raises
    ------
    UnknownNameError
        If no objective and no row is called so.
    """
    limits = budget_limits(budget, rows)
    score, same = score_of(rows, objective, worth)
    missed = [limit.violation(rows[limit.measure].value) for limit in limits]
    meets = np.all([each == 0.0 for each in missed], axis=0) if limits else score == score
    parameters = rows["parameters"].value
    known = np.isfinite(score)
    where = _Where(rows, labels, objective, parameters)
    if not known.any():
        return where.none(f"{_needs(rows, objective)}", meets)
    if not (known & meets).any():
        return where.none(_infeasible(limits, missed, rows, labels), meets)
    free = int(np.nanargmin(np.where(known, score, np.nan)))
    best = int(np.nanargmin(np.where(known & meets, score, np.nan)))
    near = np.flatnonzero(known & meets & (score <= score[best] + same))
    low, high = float(parameters[near].min()), float(parameters[near].max())
    reason = _reason(where, best, free, worth, limits, missed)
    if near.size > 1:
        reason += f" About as good: {labels[near[0]]} to {labels[near[-1]]}."
    size = float(parameters[best])
    return Choice(best, size, labels[best], low, high, reason, objective, np.asarray(meets))


class _Where(NamedTuple):
    """What reasons are told with."""

    rows: Mapping[str, Row]
    labels: tuple[str, ...]
    objective: str
    parameters: Array

    def none(self, reason: str, meets: Any) -> Choice:
        nan = float("nan")
        return Choice(None, nan, "", nan, nan, reason, self.objective, np.asarray(meets))

    def value(self, name: str, index: int) -> str:
        row = self.rows[name]
        return format_value(row.value[index], row.unit)


def _total(rows: Mapping[str, Row]) -> str:
    return next((name for name in _TOTALS if name in rows), _TOTALS[0])


def score_of(rows: Mapping[str, Row], objective: str, worth: float) -> tuple[Array, float]:
    """Return what is least at the best size, and how much more is about as good."""
    if objective == "balance":
        if "loss_nats" not in rows or _total(rows) not in rows:
            return np.full(rows["parameters"].value.shape, np.nan), 0.0
        cost = rows[_total(rows)].value
        return np.log(rows["loss_nats"].value) + worth * np.log2(cost), 0.25 * worth
    name = _total(rows) if objective == "cost" else _NAMED.get(objective, objective)
    if name not in rows:
        if objective in OBJECTIVES or line_of(name) is not None:
            return np.full(rows["parameters"].value.shape, np.nan), 0.0
        known = [*OBJECTIVES, *(line.name for line in LINES)]
        raise UnknownNameError("objective", objective, known)
    value, more = rows[name].value, more_is_better(name)
    if name.endswith("_fraction"):
        return np.where(more, -value, value), _SAME_FRACTION
    with np.errstate(divide="ignore"):
        logs = np.log(value)
    same = np.log1p(_SAME_LOSS if name == "loss_nats" else _SAME)
    return (-logs if more else logs), float(same)


def _needs(rows: Mapping[str, Row], objective: str) -> str:
    if objective == "balance":
        return "no size has both a loss and a total cost; name hardware that can hold them"
    return f"{objective} is known at no size"


def _infeasible(
    limits: list[Limit], missed: list[Array], rows: Mapping[str, Row], labels: tuple[str, ...]
) -> str:
    """Return which limit no size meets, and the size that comes nearest."""
    for limit, miss in zip(limits, missed, strict=True):
        if not (miss == 0.0).any():
            text = f"No size meets {_words(limit)}"
            if not np.isfinite(miss).any():
                return f"{text}: it is known at no size."
            near = int(miss.argmin())
            value = format_value(rows[limit.measure].value[near], rows[limit.measure].unit)
            return f"{text}; the closest is {labels[near]} with {value}."
    near = int(np.max(missed, axis=0).argmin())
    texts = []
    for limit, miss in zip(limits, missed, strict=True):
        met = np.flatnonzero(miss == 0.0)
        texts.append(f"{_words(limit)} holds from {labels[met[0]]} to {labels[met[-1]]}")
    return f"No size meets all limits: {'; '.join(texts)}. The closest is {labels[near]}."


def _words(limit: Limit) -> str:
    """Return a limit as text, with the signs of mathematics."""
    return str(limit).replace("<=", "≤").replace(">=", "≥")


def _reason(
    where: _Where, best: int, free: int, worth: float, limits: list[Limit], missed: list[Array]
) -> str:
    """Return why a size is the best one, in words."""
    text = _why(where, free, worth)
    if best == free:
        return text
    binding = [
        _words(limit) for limit, miss in zip(limits, missed, strict=True) if miss[free] > 0.0
    ]
    out = f"But {' and '.join(binding)} rules that out"
    return f"{text} {out}: of the sizes that meet the budget, {where.labels[best]} is best."


def _why(where: _Where, best: int, worth: float) -> str:
    label, last = where.labels[best], len(where.labels) - 1
    if where.objective == "balance":
        return _balance_words(where, best, worth, last)
    name = {"cost": _total(where.rows)}.get(
        where.objective, _NAMED.get(where.objective, where.objective)
    )
    word = "greatest" if more_is_better(name) else "least"
    return f"{label} has the {word} {name}: {where.value(name, best)}."


def _balance_words(where: _Where, best: int, worth: float, last: int) -> str:
    """Return up to where growing pays, and what the next doubling of size would do."""
    label, share = where.labels[best], f"{100 * worth:g} %"
    cost = _COUNTED[_total(where.rows)]
    total = f"the total cost ({cost} of training and use)"
    pays = f"saves {share} of the loss or more a doubling of {total}"
    ahead = _next_doubling(where, best)
    if last == 0:
        return f"{label} is the only size here; name more to have them balanced."
    if best == last or ahead is None:
        return f"Growing up to {label}, the largest size here, {pays}."
    size, factor, saved = ahead
    each = 100 * saved / np.log2(factor)
    saves = f"saves {each:.2g} % a doubling" if saved > 0.0 else "saves nothing"
    grown = f"growing on to {size} costs {factor:.2g} times as much and {saves}"
    return f"Growing up to {label} {pays}; {grown}."


def _next_doubling(where: _Where, best: int) -> tuple[str, float, float] | None:
    """Return the size about twice as large, its relative cost, and the share of loss it saves."""
    ratio = where.parameters / where.parameters[best]
    cost = where.rows[_total(where.rows)].value
    loss = where.rows["loss_nats"].value
    ahead = np.flatnonzero((ratio > 1.01) & np.isfinite(cost) & (cost > cost[best]))
    if not ahead.size:
        return None
    at = ahead[np.abs(np.log2(ratio[ahead]) - 1.0).argmin()]
    return where.labels[at], float(cost[at] / cost[best]), float(np.log(loss[best] / loss[at]))
