"""A plan run again and again, on one part of a grid after the other.

What was computed from the very same objects is not computed again, and where several estimators may
give a quantity, each point gets the one that a point alone would get.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from paramscale.core.completion import COMPLETERS
from paramscale.core.plan import Call, Plan, Results, Step, domain_mask
from paramscale.core.record import Interval
from paramscale.typing import Booleans

__all__ = ["Rerun", "step_needs"]


class _Made(NamedTuple):
    """What a step gave: value and interval, the first estimator, and where each one counts.

    `masks` holds for each estimator that was used the points that it covers and none before does.
    """

    value: Any
    interval: Interval | None
    call: Call
    masks: tuple[tuple[Call, Booleans], ...]


class Rerun:
    """A plan with the memory of its last run.

    Specs and results do not change, so that equal inputs are told by their identity: a step whose
    inputs are the objects of the last run gives its last result.

    Parameters
    ----------
    plan : Plan
        A plan for quantities that were asked for by name.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._last: dict[str, tuple[list[Any], _Made]] = {}
        self._needs = {step.quantity: step_needs(step) for step in plan.steps}

    def run(self, inputs: Mapping[str, Any]) -> Results:
        """Return the results for these specs and given quantities."""
        values = dict(inputs)
        for complete in COMPLETERS:
            complete(values)
        intervals: dict[str, Interval] = {}
        chosen: dict[str, Call] = {}
        for step in self.plan.steps:
            name = step.quantity
            needed = [values.get(each) for each in self._needs[name]]
            last = self._last.get(name)
            if last is None or any(a is not b for a, b in zip(last[0], needed, strict=True)):
                last = self._last[name] = (needed, _make(step, values))
            made = last[1]
            values[name], chosen[name] = made.value, made.call
            if made.interval is not None:
                intervals[name] = made.interval
        return Results(values, intervals, chosen, {})

    def inside(self, name: str) -> Booleans:
        """Return for each point of the last run whether it lies in every domain on the way."""
        last = self._last.get(name)
        if last is None:  # a spec, or a quantity that was given
            return np.bool_(True)
        found: Booleans = np.bool_(False)
        for call, mask in last[1].masks:
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


def _make(step: Step, values: Mapping[str, Any]) -> _Made:
    """Return what a step gives: each point by the first estimator whose domain covers it.

    A point that none covers has the first; an object that is shared is never mixed.
    """
    masks = _masks(step, values)
    if step.calls[0].record.quantity.internal and len(step.calls) > 1:
        covers = (call for call in step.calls if np.all(domain_mask(call.record, values)))
        call = next(covers, step.calls[0])
        masks = [(call, domain_mask(call.record, values))]
    if not masks:
        masks = [(step.calls[0], np.bool_(False))]
    first, covered = masks[0]
    result = _called(first, values)
    if len(masks) > 1 or (first is not step.calls[0] and not np.all(covered)):
        result = _called(step.calls[0], values)
        for call, mask in masks:
            if call is not step.calls[0]:
                result = _joined(mask, _called(call, values), result)
    if type(result) is Interval:
        return _Made(result.value, result, first, tuple(masks))
    return _Made(result, None, first, tuple(masks))


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


def _called(call: Call, values: Mapping[str, Any]) -> Any:
    return call.function(*[values[name] for name in call.inputs])


def _joined(mask: Booleans, here: Any, there: Any) -> Any:
    """Return one result where a mask holds and another elsewhere; unknown intervals are NaN."""
    if type(here) is not Interval and type(there) is not Interval:
        return np.where(mask, here, there)
    pairs = zip(_as_interval(here), _as_interval(there), strict=True)
    return Interval(*[np.where(mask, a, b) for a, b in pairs])


def _as_interval(result: Any) -> Interval:
    return result if type(result) is Interval else Interval(result, np.nan, np.nan)
