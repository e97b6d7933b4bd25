"""A plan run again and again, on one part of a grid after the other.

What was computed from the very same objects is not computed again, and where several estimators may
give a quantity, each point gets the one that a point alone would get.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np

from paramscale.core.completion import COMPLETERS
from paramscale.core.interval import Interval, ends_wanted, without_ends
from paramscale.core.plan import Call, Plan, Results, Step, domain_mask, with_intervals
from paramscale.typing import Booleans

__all__ = ["Rerun", "step_needs"]


class _Made(NamedTuple):
    """What a step gave: value and interval, the first estimator, and where each one counts.

    `masks` holds for each estimator that was used the points that it covers and none before does;
    None where there is no other, until somebody asks.
    """

    value: Any
    interval: Interval | None
    call: Call
    masks: tuple[tuple[Call, Booleans | None], ...]


class Rerun:
    """A plan with the memory of its last run.

    Specs and results do not change, so that equal inputs are told by their identity: a step whose
    inputs are the objects of the last run gives its last result.

    Parameters
    ----------
    plan : Plan
        A plan for quantities that were asked for by name.
    ends : bool
        Whether the ends of intervals are wanted. They cost more than the values; where nobody
        wants them, they are the value itself.
    """

    def __init__(self, plan: Plan, *, ends: bool = True) -> None:
        self.plan, self.ends = plan, ends
        self._last: dict[str, tuple[list[Any], _Made]] = {}
        self._values: dict[str, Any] = {}
        self._needs = {step.quantity: step_needs(step) for step in plan.steps}

    def run(self, inputs: Mapping[str, Any]) -> Results:
        """Return the results for these specs and given quantities."""
        given = {name: each for name, each in inputs.items() if type(each) is Interval}
        values = {**inputs, **{name: each.value for name, each in given.items()}}
        for complete in COMPLETERS:
            complete(values)
        self._values = values
        results = Results(values, given, {}, {})
        with nullcontext() if self.ends else without_ends():
            for step in self.plan.steps:
                self._take(step, results)
        return results

    def _take(self, step: Step, results: Results) -> None:
        """Add the result of a step, the last one where nothing that it looks at is new."""
        name, values = step.quantity, results.values
        needed = [values.get(each) for each in self._needs[name]]
        last = self._last.get(name)
        if last is None or any(a is not b for a, b in zip(last[0], needed, strict=True)):
            last = self._last[name] = (needed, _make(step, results))
        made = last[1]
        values[name], results.chosen[name] = made.value, made.call
        if made.interval is not None:
            results.intervals[name] = made.interval

    def inside(self, name: str) -> Booleans:
        """Return for each point of the last run whether it lies in every domain on the way."""
        last = self._last.get(name)
        if last is None:  # a spec, or a quantity that was given
            return np.bool_(True)
        found: Booleans = np.bool_(False)
        for call, known in last[1].masks:
            mask = domain_mask(call.record, self._values) if known is None else known
            for source in call.inputs:
                mask = mask & self.inside(source)
            found = found | mask
        return found


def step_needs(step: Step) -> tuple[str, ...]:
    """Return the names of all that a step looks at."""
    heads = [path.split(".")[0] for call in step.calls for path in _bounds(call)]
    return tuple(dict.fromkeys([*(name for call in step.calls for name in call.inputs), *heads]))


def _bounds(call: Call) -> tuple[str, ...]:
    return tuple(call.record.domain.bounds) if call.record.domain else ()


def _make(step: Step, results: Results) -> _Made:
    """Return what a step gives: each point by the first estimator whose domain covers it.

    A point that none covers has the first; an object that is shared is never mixed.
    """
    values, first = results.values, step.calls[0]
    if first.record.quantity.internal:
        first = step.calls[step.coverage.first(values)]
    if len(step.calls) == 1 or first.record.quantity.internal:
        return _made(_called(first, results), ((first, None),))
    masks = _masks(step, values) or [(first, np.bool_(False))]
    best, covered = masks[0]
    result = _called(best, results)
    if len(masks) > 1 or (best is not first and not np.all(covered)):
        result = _called(first, results)
        for call, mask in masks:
            if call is not first:
                result = _joined(mask, _called(call, results), result)
    return _made(result, tuple(masks))


def _made(result: Any, masks: tuple[tuple[Call, Booleans | None], ...]) -> _Made:
    if type(result) is Interval:
        return _Made(result.value, result, masks[0][0], masks)
    return _Made(result, None, masks[0][0], masks)


def _masks(step: Step, values: Mapping[str, Any]) -> list[tuple[Call, Booleans]]:
    """Return the estimators that cover any point, and which points no earlier one covers."""
    left: Booleans = np.bool_(True)
    found = []
    for call in step.calls:
        mask = domain_mask(call.record, values) & left
        if np.any(mask):
            found.append((call, mask))
            left = left & ~mask
            if not np.any(left):
                break
    return found


def _called(call: Call, results: Results) -> Any:
    values, intervals = results.values, results.intervals
    if not call.intervals:
        return call.function(*[values[name] for name in call.inputs])
    if not ends_wanted():
        unknown = {name: values[name] for name in call.intervals if name not in intervals}
        intervals = {**intervals, **{name: Interval(x, x, x) for name, x in unknown.items()}}
    return call.function(*with_intervals(call, values, intervals, results.chosen))


def _joined(mask: Booleans, here: Any, there: Any) -> Any:
    """Return one result where a mask holds and another elsewhere; unknown intervals are NaN."""
    if type(here) is not Interval and type(there) is not Interval:
        return np.where(mask, here, there)
    pairs = zip(_as_interval(here), _as_interval(there), strict=True)
    return Interval(*[np.where(mask, a, b) for a, b in pairs])


def _as_interval(result: Any) -> Interval:
    return result if type(result) is Interval else Interval(result, np.nan, np.nan)
