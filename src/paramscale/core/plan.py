"""A plan: which estimator gives what, in which order. Made once, run many times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import attrs
import numpy as np

from paramscale.core.completion import COMPLETERS
from paramscale.core.coverage import Coverage
from paramscale.core.interval import Interval
from paramscale.core.memory import Memory, Remembered
from paramscale.core.record import Estimator
from paramscale.errors import MissingInputError
from paramscale.typing import Booleans

__all__ = [
    "Call",
    "Plan",
    "Results",
    "Step",
    "domain_mask",
    "domain_values",
    "is_exact",
    "step_of",
    "with_intervals",
]


class Call(NamedTuple):
    """An estimator ready to be called: options bound, inputs named."""

    function: Callable[..., Any]
    inputs: tuple[str, ...]
    record: Estimator
    options: Mapping[str, Any]
    intervals: frozenset[str] = frozenset()


class Step(NamedTuple):
    """One quantity, and the estimators that may give it, best rank first.

    `watched` names everything on which its result depends: inputs, and what domains bound.
    """

    quantity: str
    calls: tuple[Call, ...]
    coverage: Coverage
    watched: tuple[str, ...]


class Results(NamedTuple):
    """What a run of a plan leaves: raw values by name, and what else was met.

    `values` holds specs, given quantities and results; `chosen` the call behind each result;
    `failed` a text for each quantity whose estimator found an input missing.
    """

    values: dict[str, Any]
    intervals: dict[str, Interval]
    chosen: dict[str, Call]
    failed: dict[str, str]


@attrs.frozen(eq=False)
class Plan:
    """Steps in an order in which each finds its inputs.

    Parameters
    ----------
    wanted : tuple of str
        The quantities to show.
    steps : tuple of Step
        In order.
    missing : mapping of str to str
        For each quantity that cannot be had from what is given: what is missing.
    strict : bool
        Whether `wanted` was asked for by name, so that a failure is an error.
    """

    wanted: tuple[str, ...]
    steps: tuple[Step, ...]
    missing: Mapping[str, str]
    strict: bool
    _memory: Memory = attrs.field(factory=Memory, init=False, repr=False)

    def run(self, inputs: Mapping[str, Any]) -> Results:
        """Return the results for these specs and given quantities; each step is called once.

        Of a single point, steps that depend on nothing that changed since the last run keep their
        results: whoever varies one spec in a loop pays for what depends on it.
        """
        start = _started(inputs)
        changed, remembered = self._memory.recall(start)
        intervals = {name: value for name, value in inputs.items() if type(value) is Interval}
        results = Results(dict(start), intervals, {}, {})
        values, failed = results.values, results.failed
        now: list[Remembered | None] = []
        for step, old in zip(self.steps, remembered, strict=False):
            waits = failed and not failed.keys().isdisjoint(step.watched)
            if old is None or waits or not changed.isdisjoint(step.watched):
                new = self._taken(step, results)
                if new is None or old is None or new.result is not old.result:
                    changed.add(step.quantity)
                old = new
            now.append(old)
            if old is None:
                continue
            result = old.result
            if isinstance(result, MissingInputError):
                failed[step.quantity] = str(result)
                continue
            if type(result) is Interval:
                intervals[step.quantity] = result
                result = result.value
            values[step.quantity] = result
            results.chosen[step.quantity] = old.call
        self._memory.keep(inputs, start, now)
        return results

    def _taken(self, step: Step, so_far: Results) -> Remembered | None:
        """Return a step with its result, or what it found missing; None where it has to wait."""
        values = so_far.values
        call = _able(step, values, so_far.failed)
        if call is None:
            return None
        try:
            if call.intervals:
                found = with_intervals(call, values, so_far.intervals, so_far.chosen)
                return Remembered(call, call.function(*found))
            return Remembered(call, call.function(*[values[name] for name in call.inputs]))
        except MissingInputError as error:
            if self.strict:
                raise
            return Remembered(call, error)


def _started(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run starts from: what is given, with what specs leave open filled in."""
    start = dict(inputs)
    for name, value in inputs.items():
        if type(value) is Interval:
            start[name] = value.value + 0.0  # another object, so that nothing old is recalled
    for complete in COMPLETERS:
        complete(start)
    return start


def step_of(quantity: str, calls: tuple[Call, ...]) -> Step:
    """Return the step of some calls, made ready to be asked which of them covers all points."""
    coverage = Coverage.of([call.record.domain for call in calls])
    if len(calls) == 1:
        return Step(quantity, calls, coverage, calls[0].inputs)
    heads = [head for head, _ in coverage.inputs]
    watched = dict.fromkeys([*heads, *(name for call in calls for name in call.inputs)])
    return Step(quantity, calls, coverage, tuple(watched))


def with_intervals(
    call: Call,
    values: Mapping[str, Any],
    intervals: Mapping[str, Interval],
    chosen: Mapping[str, Call],
) -> list[Any]:
    """Return the inputs of a call, those with the ends of their interval that it wants so."""
    found = []
    for name in call.inputs:
        value = values[name]
        if name in call.intervals:
            value = intervals.get(name) or _ends_of(name, value, intervals, chosen)
        found.append(value)
    return found


def _ends_of(
    name: str, value: Any, intervals: Mapping[str, Interval], chosen: Mapping[str, Call]
) -> Interval:
    """Return a value without an interval of its own: exact if all behind it is, else unknown."""
    if is_exact(name, intervals, chosen):
        return Interval(value, value, value)
    return Interval(value, value * np.nan, value * np.nan)


def is_exact(name: str, intervals: Mapping[str, Interval], chosen: Mapping[str, Call]) -> bool:
    """Tell whether a value was given as exact, or is exact arithmetic on what was."""
    found, call = intervals.get(name), chosen.get(name)
    if found is not None:
        return np.array_equal(found.low, found.high)
    if call is None:
        return True
    return call.record.kind == "exact" and all(
        is_exact(each, intervals, chosen) for each in call.inputs
    )


def _able(step: Step, values: Mapping[str, Any], failed: dict[str, str]) -> Call | None:
    """Return the call that is to give a quantity: the first whose domain covers every point.

    Calls that wait for something that failed are passed over; where all do, the reason is noted.
    """
    if failed:
        calls = step.calls
        able = tuple(call for call in calls if failed.keys().isdisjoint(call.inputs))
        if not able:
            failed[step.quantity] = next(failed[name] for name in calls[0].inputs if name in failed)
            return None
        if len(able) < len(calls):
            step = step_of(step.quantity, able)
    return step.calls[0] if len(step.calls) == 1 else _covering(step, values)


def _covering(step: Step, values: Mapping[str, Any]) -> Call:
    """Return the first call whose domain covers every point, but no bound because of a few.

    Of a grid that only partly lies in a domain, the rest is marked as outside, rather than that all
    points become limits that no machine reaches.
    """
    call = step.calls[step.coverage.first(values)]
    if call.record.kind == "bound":
        for better in step.calls[: step.calls.index(call)]:
            if np.any(domain_mask(better.record, values)):
                return better
    return call


def _value_at(path: str, values: Mapping[str, Any]) -> Any:
    """Return the quantity, or the field ``"spec.field"``, of that name, or None."""
    head, _, field = path.partition(".")
    value = values.get(head)
    return getattr(value, field, None) if field else value


def domain_values(record: Estimator, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that the domain of an estimator bounds, by the names it uses."""
    bounds = record.domain.bounds if record.domain else ()
    return {path: _value_at(path, values) for path in bounds}


def domain_mask(record: Estimator, values: Mapping[str, Any]) -> Booleans:
    """Return for each point whether it lies in the domain of an estimator; none covers all."""
    if record.domain is None:
        return np.bool_(True)
    return record.domain.inside(domain_values(record, values))
