"""Coordinates of a search: ranges of real numbers, ladders of numbers, and labels.

Every numeric axis has a coordinate from 0 to `top`. On a ladder only whole coordinates have a
value; between the ends of a range all have one, and equal steps are equal ratios where the range is
wide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.fields import Field, field_of
from paramscale.analysis.search.study import Study
from paramscale.analysis.space import space_of
from paramscale.errors import SpecError

__all__ = [
    "WIDE",
    "Axis",
    "Labels",
    "Range",
    "Real",
    "Rungs",
    "Varied",
    "is_integer",
    "numeric_axis",
    "varied",
]

Array = npt.NDArray[np.float64]

WIDE = 5.0  # ratio of the ends from which equal steps are equal ratios
_MOST_RUNGS = 4096


@attrs.frozen(eq=False)
class Real:
    """All numbers from `low` to `high`."""

    path: str
    low: float
    high: float
    wanted: bool = False  # whether each of its values was asked for
    whole: bool = False

    @property
    def top(self) -> float:
        return 1.0

    @property
    def ratio(self) -> bool:
        """Whether equal steps are equal ratios."""
        return self.low > 0.0 and self.high / self.low >= WIDE

    def value(self, u: Any) -> Array:
        """Return the numbers at some coordinates; the ends are met exactly."""
        u = np.asarray(u, dtype=np.float64)
        if self.ratio:
            inner = self.low * (self.high / self.low) ** u
        else:
            inner = self.low + (self.high - self.low) * u
        return np.where(u >= 1.0, self.high, np.where(u <= 0.0, self.low, inner))

    def coarse(self, n: int) -> Array:
        """Return n coordinates from end to end."""
        return np.linspace(0.0, 1.0, n)


@attrs.frozen(eq=False)
class Rungs:
    """Some numbers in rising order; the coordinate of one is its place."""

    path: str
    values: Array
    wanted: bool = True
    integers: bool = False  # whether what lies between two of them may be tried, too
    whole: bool = True

    @property
    def top(self) -> float:
        return float(len(self.values) - 1)

    def value(self, u: Any) -> Array:
        """Return the numbers at the whole coordinates that are nearest."""
        return np.asarray(self.values[np.rint(u).astype(np.intp)])

    def coarse(self, n: int) -> Array:
        """Return about n whole coordinates from end to end; all of them where all are wanted."""
        if self.wanted or n >= len(self.values):
            return np.arange(len(self.values), dtype=np.float64)
        low, high = self.values[0], self.values[-1]
        if low > 0.0 and high / low >= WIDE:
            return np.unique(self.nearest(np.geomspace(low, high, n)))
        return np.unique(np.rint(np.linspace(0.0, self.top, n)))

    def nearest(self, numbers: Any) -> Array:
        """Return the places of the rungs next to some numbers."""
        middle = 0.5 * (self.values[1:] + self.values[:-1])
        return np.asarray(np.searchsorted(middle, numbers), dtype=np.float64)

    def finer(self, u: float) -> Rungs | None:
        """Return the whole numbers about one rung, or None where none is left out."""
        place = round(u)
        ends = self.values[max(place - 1, 0)], self.values[min(place + 1, int(self.top))]
        if not self.integers or ends[1] - ends[0] <= 2.0:
            return None
        return attrs.evolve(self, values=_whole_numbers(*ends))


Axis: TypeAlias = Real | Rungs


@attrs.frozen(eq=False)
class Labels:
    """Things that no array can hold; each is tried."""

    path: str
    values: tuple[Any, ...]
    texts: tuple[str, ...]


@attrs.frozen(eq=False)
class Range:
    """A range that was asked for, from which an axis is made once the specs are known."""

    field: Field
    low: float
    high: float


Varied: TypeAlias = Labels | Rungs | Range


def varied(study: Study, over: Mapping[str, Any]) -> tuple[Varied, ...]:
    """Return what varies: a tuple of two numbers is a range, all else values to try.

    Raises
    ------
    UnknownNameError
        If a path names no field.
    SpecError
        If there is none, or a range has no extent.
    """
    if not isinstance(over, Mapping) or not over:
        raise SpecError(
            f"over is {over!r}; say what may vary: {{'model.parameters': (1e9, 1e12),"
            " 'serving.batch': [1, 8, 64]}; a tuple is a range, a list holds values"
        )
    return tuple(_one(study, path, given) for path, given in over.items())


def _one(study: Study, path: str, given: Any) -> Varied:
    field = field_of(path, study.world)
    if field.numeric and isinstance(given, tuple) and len(given) == 2 and all(map(_real, given)):
        low, high = map(float, given)
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise SpecError(
                f"the range of {path} is {given!r}; the first number must be smaller than the"
                f" second, both finite; for single values write a list: {list(given)!r}"
            )
        return Range(field, low, high)
    if isinstance(given, range):
        given = list(given)
    axis = space_of(study.specs, {path: given}, world=study.world).axes[0]
    values = axis.values[0]
    if axis.labelled:
        return Labels(path, tuple(values), tuple(map(str, axis.coordinates()[path])))
    if np.isnan(values).any():
        raise SpecError(f"the values of {path} hold NaN at index {int(np.isnan(values).argmax())}")
    return Rungs(path, np.unique(values))


def _real(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def numeric_axis(study: Study, each: Rungs | Range) -> Axis:
    """Return the axis of a range: sizes of a family, whole numbers, or real ones."""
    if isinstance(each, Rungs):
        return each
    if each.field.path == "model.parameters":
        return _sizes(study, each)
    if is_integer(study, each.field):
        low, high = np.ceil(each.low), np.floor(each.high)
        if low > high:
            raise SpecError(
                f"the range of {each.field.path} is ({each.low:g}, {each.high:g}), in which there"
                " is no whole number"
            )
        return Rungs(each.field.path, _whole_numbers(low, high), wanted=False, integers=True)
    return Real(each.field.path, each.low, each.high)


def _whole_numbers(low: float, high: float) -> Array:
    """Return all whole numbers of a range, or some thousands in equal ratios."""
    if high - low < _MOST_RUNGS:
        return np.arange(low, high + 1.0)
    if low < 1.0:
        return np.unique(np.append(low, _whole_numbers(1.0, high)))
    return np.unique(np.rint(np.geomspace(low, high, _MOST_RUNGS)))


def _sizes(study: Study, each: Range) -> Rungs:
    """Return a size for each different member of the model's family in a range.

    Members have whole layers and heads, so that there are some hundreds of them; the size in the
    middle of all that lead to the same one stands for it.
    """
    asked = np.geomspace(each.low, each.high, _MOST_RUNGS)
    specs = study.specs_at({each.field.path: asked})
    found = study.estimate(specs, quantities="parameters")["parameters"].value
    held = np.broadcast_to(found, asked.shape)
    first = np.flatnonzero(np.append(True, np.diff(held) != 0.0))
    last = np.append(first[1:], len(asked)) - 1
    middle = np.sqrt(asked[first] * asked[last])
    inside = (held[first] >= each.low) & (held[first] <= each.high)
    return Rungs(each.field.path, middle[inside] if inside.any() else middle, wanted=False)


def is_integer(study: Study, field: Field) -> bool:
    """Tell whether a field holds whole numbers, by the class that it belongs to."""
    if not field.steps:
        return False
    thing: Any = study.specs.get(field.spec)
    cls = study.world.kinds[field.spec].cls
    for step in field.steps[:-1]:
        thing = thing[step] if isinstance(step, int) else getattr(thing, step, None)
        cls = type(thing)
    if not attrs.has(cls):
        return False
    known = {each.name: each for each in attrs.fields(cls)}
    last = known.get(str(field.steps[-1]))
    return last is not None and bool(last.metadata.get("integer"))
