"""What is known of a figure beside its value: a range, a date, a source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from paramscale.core.interval import Interval
from paramscale.errors import SpecError, did_you_mean
from paramscale.typing import Floats

__all__ = ["Fact", "bind_facts", "facts_field", "interval_of"]


@attrs.frozen(eq=False)
class Fact:
    """The range, date and source of one figure of a spec.

    Parameters
    ----------
    low, high : float
        Ends of the 90 % interval, NaN where none is known.
    date, source, basis : str
        When and where it was read; of which kind it is.
    value : float, optional
        The figure that this belongs to; filled in by the spec. A spec in which the figure is
        replaced forgets what was known of the old one.

    Examples
    --------
    >>> Fact(1.1, 1.4, source="the operator").high
    1.4
    """

    low: float = np.nan
    high: float = np.nan
    date: str = ""
    source: str = ""
    basis: str = ""
    value: Floats | None = None


def facts_field() -> Any:
    """Return the attrs field that holds the facts of a spec by name of its figures."""
    return attrs.field(factory=dict, converter=_facts, repr=False)


def _facts(given: Mapping[str, Any]) -> dict[str, Fact]:
    if not isinstance(given, Mapping):
        raise SpecError(
            f"facts must be a mapping of a figure's name to its range, such as "
            f"{{'pue': (1.1, 1.4)}}, not {given!r}"
        )
    return {name: _fact(name, value) for name, value in given.items()}


def _fact(name: str, given: Any) -> Fact:
    if isinstance(given, Fact):
        return given
    if isinstance(given, tuple) and len(given) == 2:
        return Fact(float(given[0]), float(given[1]))
    raise SpecError(f"facts[{name!r}] must be (low, high) or a Fact, not {given!r}")


def bind_facts(spec: Any) -> None:
    """Tie the facts of a new spec to its figures; forget those of figures that were replaced."""
    if not spec.facts:
        return
    kept = {}
    for name, fact in spec.facts.items():
        value = _figure(spec, name)
        if fact.value is None:
            _check(spec, name, value, fact)
            kept[name] = attrs.evolve(fact, value=value)
        elif fact.value is value or np.array_equal(fact.value, value, equal_nan=True):
            kept[name] = fact
    object.__setattr__(spec, "facts", kept)


def _figure(spec: Any, name: str) -> Floats:
    figures = [each.name for each in attrs.fields(type(spec)) if isinstance(each.default, float)]
    if name not in figures:
        hint = did_you_mean(name, figures) or f"; figures are {', '.join(figures)}"
        raise SpecError(f"{type(spec).__name__} has no figure {name!r}{hint}")
    value: Floats = getattr(spec, name)
    return value


def _check(spec: Any, name: str, value: Floats, fact: Fact) -> None:
    outside = (value < fact.low) | (value > fact.high)
    if np.any(outside):
        raise SpecError(
            f"{type(spec).__name__}.{name} = {value} lies outside its range {fact.low:g} to "
            f"{fact.high:g}; give facts={{{name!r}: (low, high)}} around it"
        )


def interval_of(spec: Any, name: str) -> Interval:
    """Return a figure of a spec with its range; both ends are the figure where none is known.

    Examples
    --------
    >>> from paramscale.specs.site import SiteSpec
    >>> interval_of(SiteSpec(pue=1.2, facts={"pue": (1.1, 1.4)}), "pue").high
    np.float64(1.4)
    """
    value = getattr(spec, name)
    fact = spec.facts.get(name)
    if fact is None or np.isnan(fact.low):
        return Interval(value, value, value)
    return Interval(value, np.float64(fact.low), np.float64(fact.high))
