"""A plan: which estimator gives what, in which order. Made once, run many times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import attrs
import numpy as np

from paramscale.core.record import Estimator, Interval
from paramscale.errors import MissingInputError
from paramscale.typing import Booleans

__all__ = ["Call", "Plan", "Results", "Step", "domain_mask", "domain_values"]


class Call(NamedTuple):
    """An estimator ready to be called: options bound, inputs named."""

    function: Callable[..., Any]
    inputs: tuple[str, ...]
    record: Estimator
    options: Mapping[str, Any]


class Step(NamedTuple):
    """One quantity, and the estimators that may give it, best rank first."""

    quantity: str
    calls: tuple[Call, ...]


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

    def run(self, inputs: Mapping[str, Any]) -> Results:
        """Return the results for these specs and given quantities; each step is called once."""
        values = dict(inputs)
        intervals: dict[str, Interval] = {}
        chosen: dict[str, Call] = {}
        failed: dict[str, str] = {}
        for quantity, calls in self.steps:
            if failed:
                calls = _without_failed(quantity, calls, failed)
                if not calls:
                    continue
            call = calls[0] if len(calls) == 1 else _first_that_covers(calls, values)
            try:
                result = call.function(*[values[name] for name in call.inputs])
            except MissingInputError as error:
                if self.strict:
                    raise
                failed[quantity] = str(error)
                continue
            if type(result) is Interval:
                intervals[quantity] = result
                result = result.value
            values[quantity] = result
            chosen[quantity] = call
        return Results(values, intervals, chosen, failed)


def _without_failed(
    quantity: str, calls: tuple[Call, ...], failed: dict[str, str]
) -> tuple[Call, ...]:
    """Return the calls that wait for nothing that failed; note the reason if there is none."""
    able = tuple(call for call in calls if failed.keys().isdisjoint(call.inputs))
    if not able:
        failed[quantity] = next(failed[name] for name in calls[0].inputs if name in failed)
    return able


def _first_that_covers(calls: tuple[Call, ...], values: Mapping[str, Any]) -> Call:
    """Return the first whose domain covers every point; if none does, the first."""
    return next((call for call in calls if _covers(call.record, values)), calls[0])


def _covers(record: Estimator, values: Mapping[str, Any]) -> bool:
    """Tell whether every point lies in the domain; most domains are left at the first bound."""
    if record.domain is None:
        return True
    for head, field, low, high in record.domain.limits:
        value = values.get(head)
        value = getattr(value, field, None) if field else value
        if value is None:
            continue
        if isinstance(value, np.ndarray):
            if not ((value >= low) & (value <= high)).all():
                return False
        elif not low <= value <= high:
            return False
    return True


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
