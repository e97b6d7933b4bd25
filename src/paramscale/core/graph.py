"""Make plans: order estimators so that each finds its inputs, or say all that is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

import attrs

from paramscale.core.collection import Estimators
from paramscale.core.missing import Need, missing_text
from paramscale.core.plan import Call, Plan, Step, step_of
from paramscale.core.record import Estimator
from paramscale.errors import (
    CycleError,
    MissingInputError,
    UnknownNameError,
)

__all__ = ["make_plan"]

Items = tuple[tuple[str, Any], ...]


def make_plan(
    wanted: Iterable[str] | None,
    given: Iterable[str],
    *,
    estimators: Estimators,
    use: Mapping[str, str | Estimator] | None = None,
    options: Mapping[str, Any] | None = None,
    absent: Iterable[str] = (),
    detail: bool = False,
    strict: bool = True,
) -> Plan:
    """Return the plan for some quantities; the same question gets the same plan again.

    Parameters
    ----------
    wanted : iterable of str, or None
        Names of quantities; None means all that can be had from what is given.
    given : iterable of str
        Names of the specs, and of quantities whose value the caller knows.
    estimators : Estimators
        The collection to choose from.
    use : mapping of str to str or Estimator, optional
        Quantity to the estimator that shall give it: the name of a registered one, or a record.
    options : mapping of str to value, optional
        ``"quantity.option"`` or ``"estimator.option"`` to value.
    absent : iterable of str
        Needed fields of given specs, as ``"spec.field"``, that hold None.
    detail : bool
        Whether "all" holds also the quantities that are given by name only.
    strict : bool
        Whether a wanted quantity that cannot be had is an error; else it stands in the plan's
        ``missing``, with the reason.

    Raises
    ------
    MissingInputError
        Names everything that is missing, who needs it, and what to write.
    CycleError
        Estimators need each other; the circle is printed.
    UnknownNameError
        A quantity, estimator or option has another name.
    """
    estimators.registry.load()
    key = (
        estimators,
        estimators.version,
        None if wanted is None else tuple(wanted),
        frozenset(given),
        frozenset(absent),
        tuple(use.items()) if use else (),
        tuple(options.items()) if options else (),
        detail,
        strict,
    )
    try:
        hash(key)
    except TypeError:  # an option may be an array: then the plan is made anew
        return _cached.__wrapped__(*key)
    return _cached(*key)


def _chosen(estimators: Estimators, quantity: str, choice: str | Estimator) -> Estimator:
    """Return the estimator that somebody chose for a quantity, by name or as a record."""
    if not isinstance(choice, Estimator):
        return estimators.named(quantity, choice)
    if choice.quantity.name != quantity:
        raise UnknownNameError(f"estimator of {quantity}", choice.key, [choice.quantity.name])
    return choice


@lru_cache(maxsize=512)
def _cached(
    estimators: Estimators,
    version: int,  # a newly registered estimator makes the plans before it stale
    wanted: tuple[str, ...] | None,
    given: frozenset[str],
    absent: frozenset[str],
    use: Items,
    options: Items,
    detail: bool,
    strict: bool,
) -> Plan:
    for name in (*(wanted or ()), *(quantity for quantity, _ in use)):
        estimators.vocabulary[name]  # raises UnknownNameError
    picked = {name: _chosen(estimators, name, choice) for name, choice in use}
    resolver = _Resolver(estimators, given, absent, picked, _by_key(options, estimators))
    if wanted is None:
        every = [q.name for q in estimators.quantities() if detail or not q.by_name_only]
        given_too = [name for name in resolver.given if name in estimators.vocabulary]
        return _plan_for_what_can_be_had(resolver, every, given_too)
    if not strict:
        return _plan_for_what_can_be_had(resolver, wanted, ())
    failure = _Failure()
    for name in dict.fromkeys(wanted):
        failure.add(resolver.resolve(name, ()))
    failure.refuse(wanted, estimators)
    distinct = tuple(dict.fromkeys(wanted))
    return Plan(distinct, _on_the_way(distinct, resolver.steps), {}, strict=True)


def _plan_for_what_can_be_had(
    resolver: _Resolver, names: Iterable[str], given: Iterable[str]
) -> Plan:
    """Return the plan for those quantities whose inputs are there, with reasons for the others."""
    estimators, wanted, missing = resolver.estimators, [], {}
    for name in dict.fromkeys(names):
        failure = resolver.resolve(name, ())
        if failure is None:
            wanted.append(name)
        elif failure.needs:
            missing[name] = missing_text((name,), failure.needs, estimators)
        else:
            failure.refuse((name,), estimators)
    shown = tuple(dict.fromkeys([*given, *wanted]))
    return Plan(shown, _on_the_way(shown, resolver.steps), missing, strict=False)


def _on_the_way(wanted: Iterable[str], steps: Mapping[str, Step]) -> tuple[Step, ...]:
    """Return the steps that lead to what is wanted, without those of blind alleys."""
    needed, kept = set(wanted), []
    for step in reversed(list(steps.values())):
        if step.quantity in needed:
            kept.append(step)
            for call in step.calls:
                needed.update(call.inputs, _domain_heads(call.record))
    return tuple(reversed(kept))


def _domain_heads(record: Estimator) -> list[str]:
    """Return the specs and quantities that the domain of an estimator bounds."""
    return [path.split(".")[0] for path in record.domain.bounds] if record.domain else []


@attrs.define(eq=False)
class _Failure:
    """Why a quantity cannot be had: inputs that are missing, circles that were met."""

    needs: dict[Need, None] = attrs.field(factory=dict)
    circles: list[tuple[str, ...]] = attrs.field(factory=list)

    def add(self, other: _Failure | None) -> None:
        if other is not None:
            self.needs.update(other.needs)
            self.circles += other.circles

    def __bool__(self) -> bool:
        return bool(self.needs or self.circles)

    def refuse(self, wanted: tuple[str, ...], estimators: Estimators) -> None:
        """Raise what there is to raise; a missing input comes before a circle."""
        if self.needs:
            raise MissingInputError(missing_text(wanted, self.needs, estimators))
        if self.circles:
            raise CycleError(
                f"estimators need each other: {' <- '.join(self.circles[0])}; give one of these "
                "quantities its value, or choose another estimator with use={...}"
            )


@attrs.frozen(eq=False)
class _Resolver:
    """Depth-first search from wanted quantities down to what is given."""

    estimators: Estimators
    given: frozenset[str]
    absent: frozenset[str]
    picked: Mapping[str, Estimator]
    options: Mapping[str, Mapping[str, Any]]
    steps: dict[str, Step] = attrs.field(factory=dict)
    _failed: dict[str, _Failure] = attrs.field(factory=dict)

    def resolve(self, name: str, path: tuple[str, ...]) -> _Failure | None:
        """Append the steps that lead to a quantity; return why not, where that is impossible."""
        if name in self.given or name in self.steps:
            return None
        if name in path:
            return _Failure(circles=[(*path[path.index(name) :], name)])
        if name in self._failed:
            return self._failed[name]
        picked = self.picked.get(name)
        records = (picked,) if picked else self.estimators.of(name)
        failure, calls = _Failure(), []
        if not records:
            failure.needs[Need(name, "", "")] = None
        for record in records:
            lacks = self._lacks(record, (*path, name))
            if lacks:
                failure.add(lacks)
                continue
            calls.append(self._call(record))
            if record.domain is None:  # it covers everything, so no later one is ever reached
                break
        if calls:
            self.steps[name] = step_of(name, tuple(calls))
            return None
        if not failure.circles:  # a circle depends on where the search came from
            self._failed[name] = failure
        return failure

    def _lacks(self, record: Estimator, path: tuple[str, ...]) -> _Failure:
        """Return all that one estimator lacks, after resolving what it needs."""
        failure, signature = _Failure(), record.signature
        heads = [*_domain_heads(record), *(field.split(".")[0] for field in record.needs)]
        for name in dict.fromkeys((*signature.inputs, *heads)):
            if name in self.given:
                continue
            if name in self.estimators.kinds or not self.estimators.of(name):
                failure.needs[Need(name, record.quantity.name, record.name)] = None
            else:
                failure.add(self.resolve(name, path))
        for field in record.needs:
            if field in self.absent:
                failure.needs[Need(field, record.quantity.name, record.name)] = None
        return failure

    def _call(self, record: Estimator) -> Call:
        options = self.options.get(record.key, {})
        function = partial(record.function, **options) if options else record.function
        signature = record.signature
        return Call(function, signature.inputs, record, options, signature.intervals)


def _by_key(options: Items, estimators: Estimators) -> dict[str, dict[str, Any]]:
    """Return the options of each estimator by its key, after looking for all of them."""
    found: dict[str, dict[str, Any]] = {}
    for path, value in options:
        owner, _, option = path.rpartition(".")
        records = [
            each for each in _all(estimators) if owner in (each.quantity.name, each.name, each.key)
        ]
        if not records:
            raise UnknownNameError(
                "quantity or estimator", owner, {name for each in _all(estimators)
                for name in (each.quantity.name, each.name)},
            )  # fmt: skip
        takers = [each for each in records if option in each.signature.options]
        known = sorted({name for each in records for name in each.signature.options})
        if not takers:
            raise UnknownNameError(f"option of {owner}", option, known)
        for record in takers:
            found.setdefault(record.key, {})[option] = value
    return found


def _all(estimators: Estimators) -> Iterator[Estimator]:
    return iter(estimators.registry.values())
