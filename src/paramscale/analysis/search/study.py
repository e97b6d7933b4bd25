"""A scenario of which some fields vary, and what is measured at any of their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import numpy as np

from paramscale.analysis.estimate import collect_inputs, estimate_with
from paramscale.analysis.fields import MADE, Field, field_of, with_fields
from paramscale.core.collection import ESTIMATORS, Estimators
from paramscale.core.estimates import Estimates
from paramscale.core.record import Estimator, Interval
from paramscale.core.spec import array_fields
from paramscale.errors import SpecError, UnknownNameError
from paramscale.specs.scenario import Scenario

__all__ = ["Measured", "Study", "scenario_of", "study_of"]

#: Values with intervals by name: quantities, and fields such as ``"training.tokens"``.
Measured = dict[str, Interval]


@attrs.frozen(eq=False)
class Study:
    """Specs, and what is asked of them.

    Attributes
    ----------
    specs : mapping
        Specs and given quantities by name.
    measures : tuple of str
        Names of quantities, and paths of numeric fields.
    use, options : mapping
        As for ``estimate``.
    """

    specs: Mapping[str, Any]
    measures: tuple[str, ...]
    use: Mapping[str, str | Estimator] = attrs.field(factory=dict)
    options: Mapping[str, Any] = attrs.field(factory=dict)
    world: Estimators = attrs.field(default=ESTIMATORS, repr=False)

    @property
    def quantities(self) -> tuple[str, ...]:
        """The measures that are estimated."""
        return tuple(dict.fromkeys(_quantity(m) for m in self.measures if not _is_field(m)))

    def at(self, values: Mapping[str, Any]) -> Study:
        """Return the study with other values in some fields."""
        return attrs.evolve(self, specs=self.specs_at(values))

    def specs_at(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the specs with other values in some fields, by their paths."""
        fields = {field_of(path, self.world): value for path, value in values.items()}
        return with_fields(self.specs, fields, self.world)

    def measure(self, values: Mapping[str, Any]) -> Measured:
        """Return every measure where fields have these values: numbers or arrays."""
        specs = self.specs_at(values)
        found = self.estimate(specs)
        return {name: self._of(name, specs, found) for name in self.measures}

    def settled(self, found: Iterable[Estimates]) -> Study:
        """Return the study with the estimators fixed that gave some estimates.

        Which of several estimators gives a quantity depends on whether its domain covers all
        points that are estimated together; in a search, part by part, it has to be one. Where
        estimates differ in it, it is the last in rank.
        """
        use: dict[str, Any] = dict(self.use)
        for estimates in found:
            for name, record in estimates.chosen.items():
                ranked = self.world.of(name)
                if name in self.use or len(ranked) < 2 or record not in ranked:
                    continue
                known = ranked.index(use[name]) if name in use else -1
                if ranked.index(record) > known:
                    use[name] = record
        return attrs.evolve(self, use=use)

    def names_used(self, found: Estimates) -> dict[str, str]:
        """Return the estimators that gave some estimates, by quantity, where there are several."""
        several = {name: x for name, x in found.chosen.items() if len(self.world.of(name)) > 1}
        return {name: x.name for name, x in several.items() if x in self.world.of(name)}

    def estimate(self, specs: Mapping[str, Any], **more: Any) -> Estimates:
        """Return the estimates of the quantities; `more` goes to ``estimate``."""
        return estimate_with(
            self.world, None, specs, quantities=more.pop("quantities", self.quantities),
            use=self.use, options=self.options, **more,
        )  # fmt: skip

    def _of(self, name: str, specs: Mapping[str, Any], found: Estimates) -> Interval:
        if _is_field(name):
            value = _value(field_of(name, self.world), specs)
            return Interval(value, value, value)
        each = found[_quantity(name)]
        return Interval(each.value, each.low, each.high)


def study_of(
    scenario: object,
    specs: Mapping[str, Any],
    measures: Iterable[str],
    *,
    use: Mapping[str, str | Estimator] | None = None,
    options: Mapping[str, Any] | None = None,
    world: Estimators = ESTIMATORS,
) -> Study:
    """Return the study of a scenario, after looking for every name.

    Parameters
    ----------
    scenario : Scenario, mapping or None
        As for ``sweep``.
    specs : mapping
        Specs by name that replace those of the scenario.
    measures : iterable of str
        Quantities, or numeric fields.

    Raises
    ------
    UnknownNameError
        If a measure is neither.
    SpecError
        If the scenario is a grid.
    """
    world.registry.load()
    if isinstance(scenario, Mapping):
        base = collect_inputs(world, None, {**scenario, **specs})
    else:
        base = collect_inputs(world, scenario, specs)
    arrays = [path for name, spec in base.items() for path, _ in _arrays(name, spec)]
    if arrays:
        raise SpecError(
            f"{arrays[0]} is an array, and one scenario is wanted to start from; give it one value,"
            f" or let it vary: over={{{arrays[0]!r}: [...]}}"
        )
    wanted = tuple(dict.fromkeys(measures))
    for name in wanted:
        _check(name, world)
    return Study(base, wanted, dict(use or {}), dict(options or {}), world)


def scenario_of(specs: Mapping[str, Any]) -> Scenario:
    """Return specs as a scenario; given quantities, which it has no place for, are left out."""
    known = {field.name for field in attrs.fields(Scenario)}
    return Scenario(**{name: value for name, value in specs.items() if name in known})


def _arrays(name: str, value: Any) -> list[tuple[str, Any]]:
    """Return the arrays of a spec, or a given quantity that is one, by path."""
    if isinstance(value, (float, np.ndarray)):
        return [(name, value)] if np.ndim(value) else []
    return [*array_fields(name, value)]


def _is_field(name: str) -> bool:
    """Tell whether a measure is a field that a spec stores, and no quantity."""
    return "." in name and name not in MADE


def _quantity(name: str) -> str:
    """Return the quantity that a measure is; the size of a model is counted, not stored."""
    return name.rpartition(".")[2] if name in MADE else name


def _check(name: str, world: Estimators) -> None:
    if "." in name:
        if not field_of(name, world).numeric:
            raise SpecError(f"{name} holds no number; name a quantity or a field with a number")
        return
    known = [each.name for each in world.quantities()]
    if name not in known:
        raise UnknownNameError("quantity", name, known)


def _value(field: Field, specs: Mapping[str, Any]) -> Any:
    """Return what a field holds; NaN where it holds nothing."""
    thing = specs.get(field.spec)
    for step in field.steps:
        if thing is None:
            break
        thing = thing[step] if isinstance(step, int) else getattr(thing, step, None)
    return np.float64(np.nan) if thing is None else np.asarray(thing, dtype=np.float64)[()]
