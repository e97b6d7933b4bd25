"""Inputs that vary, and the measures at many points of them in few calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.fields import MADE, field_of
from paramscale.analysis.search.axes import WIDE, is_integer
from paramscale.analysis.search.limits import format_measure
from paramscale.analysis.search.study import Measured, Study
from paramscale.analysis.space import space_of
from paramscale.core.reasons import refusals_as_nan
from paramscale.core.record import Interval
from paramscale.errors import SpecError

__all__ = ["Input", "inputs_of", "measure_rows"]

Array = npt.NDArray[np.float64]

_STEP = 0.01  # of a real number, for its elasticity
_SIZE_STEP = 0.2  # of the size of a family member, which comes in steps


@attrs.frozen(eq=False)
class Input:
    """One input.

    Attributes
    ----------
    path : str
    base : value
        Where the others vary.
    values : sequence
        Low and high, or everything that is tried.
    texts : tuple of str
        The values as texts.
    numeric, whole : bool
        Whether it holds numbers, and whole ones.
    span : bool
        Whether the values are the ends of a range.
    """

    path: str
    base: Any
    values: tuple[Any, ...]
    texts: tuple[str, ...]
    numeric: bool
    whole: bool
    span: bool

    def around(self) -> tuple[float, float]:
        """Return the numbers next to the base between which the elasticity is taken."""
        step = _SIZE_STEP if self.path in MADE else _STEP
        low, high = self.base / (1.0 + step), self.base * (1.0 + step)
        if self.whole and self.path not in MADE:
            low = max(min(np.floor(low), self.base - 1.0), min(self.base, 1.0))
            high = max(np.ceil(high), self.base + 1.0)
        return float(low), float(high)

    def at(self, unit: Array) -> Array | list[Any]:
        """Return the values at numbers between 0 and 1: uniform, in ratios where it is wide."""
        if not self.span:
            places = np.minimum((unit * len(self.values)).astype(int), len(self.values) - 1)
            found = [self.values[place] for place in places]
            return np.array(found) if self.numeric else found
        low, high = self.values
        if low > 0.0 and high / low >= WIDE:
            inner: Array = low * (high / low) ** unit
        else:
            inner = low + (high - low) * unit
        rounded: Array = np.rint(inner) if self.whole and self.path not in MADE else inner
        return rounded


def inputs_of(study: Study, over: Mapping[str, Any]) -> tuple[Input, ...]:
    """Return the inputs: a tuple is a range, a number a factor both ways, a list holds values.

    Raises
    ------
    UnknownNameError
        If a path names no field.
    SpecError
        If a range has no meaning, or the scenario holds no value to start from.
    """
    if not isinstance(over, Mapping) or not over:
        raise SpecError(
            f"over is {over!r}; say what is uncertain: {{'training.tokens': (1e12, 2e12),"
            " 'site.pue': 1.1}; a tuple is a range, a number a factor both ways"
        )
    return tuple(_one(study, path, given) for path, given in over.items())


def _one(study: Study, path: str, given: Any) -> Input:
    field = field_of(path, study.world)
    base = _base(study, path)
    whole = field.numeric and is_integer(study, field)
    if field.numeric and _number(given):
        if not (given > 1.0 and np.isfinite(given)):
            raise SpecError(f"the factor of {path} is {given}; it must be greater than 1")
        given = (base / given, base * given)
        given = tuple(map(float, np.rint(given))) if whole and path not in MADE else given
    if field.numeric and isinstance(given, tuple) and len(given) == 2 and all(map(_number, given)):
        low, high = map(float, given)
        if not low < high:
            raise SpecError(f"the range of {path} is {given!r}; the first number must be smaller")
        ends = (format_measure(path, low), format_measure(path, high))
        return Input(path, base, (low, high), ends, True, whole, True)
    axis = space_of(study.specs, {path: given}, world=study.world).axes[0]
    if axis.size < 2:
        raise SpecError(f"{path} has one value; give a range (low, high), a factor, or several")
    values = axis.values[0]
    if axis.labelled:
        return Input(path, base, tuple(values), tuple(map(str, axis.coordinates()[path])),
                     False, False, False)  # fmt: skip
    texts = tuple(format_measure(path, each) for each in values)
    return Input(path, base, tuple(map(float, values)), texts, True, whole, False)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _base(study: Study, path: str) -> Any:
    """Return what the scenario holds at a path."""
    field = field_of(path, study.world)
    if path in MADE or (not field.steps and field.numeric):
        name = path.rpartition(".")[2]
        return float(study.estimate(study.specs, quantities=[name])[name].value)
    thing: Any = study.specs.get(field.spec)
    for step in field.steps:
        thing = thing[step] if isinstance(step, int) else getattr(thing, step, None)
    if not field.numeric:
        return thing
    if thing is None or np.isnan(thing):
        raise SpecError(f"the scenario holds no {path} from which it could vary; give it a value")
    return float(thing)


def measure_rows(study: Study, columns: Mapping[str, Array | list[Any]], size: int) -> Measured:
    """Return the measures at points, one a row; those of equal labels are estimated together."""
    labels = {k: v for k, v in columns.items() if not isinstance(v, np.ndarray)}
    groups: dict[tuple[int, ...], list[int]] = {}
    for row in range(size if labels else 0):
        groups.setdefault(tuple(id(each[row]) for each in labels.values()), []).append(row)
    rows = list(groups.values()) or [list(range(size))]
    found = {name: np.full((3, size), np.nan) for name in study.measures}
    with refusals_as_nan():
        for group in rows:
            here = study.at({path: values[group[0]] for path, values in labels.items()})
            numbers = {k: v[group] for k, v in columns.items() if isinstance(v, np.ndarray)}
            for name, each in here.measure(numbers).items():
                found[name][:, group] = [np.broadcast_to(end, len(group)) for end in each]
    return {name: Interval(*ends) for name, ends in found.items()}
