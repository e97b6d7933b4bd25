"""A space of scenarios: axes along fields of specs, crossed or paired, numbers or labels.

Numbers become arrays with a dimension of their own and one place along every other, so that what
does not depend on an axis is not computed along it. What an array cannot hold (models, machines,
number formats, words) is labelled: for each choice of labels there is one scenario.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.estimate import collect_inputs
from paramscale.analysis.fields import Field, field_of, is_numeric, with_fields
from paramscale.core.collection import ESTIMATORS, Estimators
from paramscale.core.reasons import refusals_as_nan
from paramscale.core.spec import array_fields
from paramscale.errors import SpecError, UnknownNameError

__all__ = ["Axis", "Case", "Pairing", "Space", "space_of"]

#: Which axes run together: all of them, or groups of their paths.
Pairing = bool | Iterable[str] | Iterable[Iterable[str]]


@attrs.frozen(eq=False)
class Axis:
    """Fields that run together along one dimension.

    Attributes
    ----------
    fields : tuple of Field
        One, or several that are paired.
    values : tuple of sequence
        For each field its values, as many for each: a float64 array, or labels.
    """

    fields: tuple[Field, ...]
    values: tuple[Any, ...]

    @property
    def name(self) -> str:
        """Path of the first field."""
        return self.fields[0].path

    @property
    def size(self) -> int:
        return len(self.values[0])

    @property
    def labelled(self) -> bool:
        """Whether each place along it is a scenario of its own."""
        return not all(isinstance(each, np.ndarray) for each in self.values)

    def coordinates(self) -> dict[str, npt.NDArray[Any]]:
        """Return for each field its numbers, or a text for each of its labels, all different."""
        return {
            field.path: each if isinstance(each, np.ndarray) else np.array(_texts(each))
            for field, each in zip(self.fields, self.values, strict=True)
        }


@attrs.frozen(eq=False)
class Case:
    """One choice of labels, with all numbers as arrays.

    Attributes
    ----------
    index : tuple of int
        Place along each labelled axis.
    specs : dict
        Specs and given quantities by name, as ``estimate(**specs)`` takes them. A numeric axis is
        the dimension of the same order, among the numeric axes, of its arrays.
    """

    index: tuple[int, ...]
    specs: dict[str, Any]


@attrs.frozen(eq=False)
class Space:
    """The axes, and the scenario that they vary.

    Attributes
    ----------
    base : mapping
        Specs and given quantities of the scenario.
    axes : tuple of Axis
        In the order in which they were given.
    """

    base: Mapping[str, Any]
    axes: tuple[Axis, ...]
    world: Estimators = attrs.field(default=ESTIMATORS, repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Places along each axis."""
        return tuple(axis.size for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of points."""
        return prod(self.shape)

    @property
    def labelled(self) -> tuple[Axis, ...]:
        """Axes along which each place is a scenario of its own."""
        return tuple(axis for axis in self.axes if axis.labelled)

    @property
    def numeric(self) -> tuple[Axis, ...]:
        """Axes that are dimensions of arrays."""
        return tuple(axis for axis in self.axes if not axis.labelled)

    def indices(self) -> Iterator[tuple[int, ...]]:
        """Yield the places along all labelled axes, the last one fastest."""
        return product(*(range(axis.size) for axis in self.labelled))

    def cases(self) -> Iterator[Case]:
        """Yield every choice of labels with its specs."""
        return (Case(index, self.specs(index)) for index in self.indices())

    def specs(
        self,
        index: Sequence[int] = (),
        slices: Sequence[slice] | None = None,
        order: Sequence[int] | None = None,
    ) -> dict[str, Any]:
        """Return the specs of one choice of labels.

        Parameters
        ----------
        index : sequence of int
            Place along each labelled axis.
        slices : sequence of slice, optional
            Part of each numeric axis; the whole of it unless given.
        order : sequence of int, optional
            Numeric axes in the order of their dimensions; as they were given, unless said.

        Raises
        ------
        SpecError
            If a value has no meaning.
        """
        values: dict[Field, Any] = {}
        for axis, place in zip(self.labelled, index, strict=True):
            values |= {f: each[place] for f, each in zip(axis.fields, axis.values, strict=True)}
        numeric = self.numeric
        order = range(len(numeric)) if order is None else order
        for dimension, which in enumerate(order):
            axis = numeric[which]
            part = slice(None) if slices is None else slices[which]
            shape = [1] * len(numeric)
            shape[dimension] = -1
            for field, each in zip(axis.fields, axis.values, strict=True):
                values[field] = each[part].reshape(shape)
        with refusals_as_nan():  # a point without meaning does not stop the others
            return with_fields(self.base, values, self.world)

    def point(self, place: Sequence[int]) -> dict[str, Any]:
        """Return the specs of one point, its place along each axis given; arrays have no part.

        A point that is NaN in the space raises here, or when it is estimated, and says why.
        """
        values: dict[Field, Any] = {}
        for axis, i in zip(self.axes, place, strict=True):
            values |= {f: each[i] for f, each in zip(axis.fields, axis.values, strict=True)}
        return with_fields(self.base, values, self.world)


def space_of(
    scenario: object,
    over: Mapping[str, Any],
    *,
    paired: Pairing = False,
    world: Estimators = ESTIMATORS,
) -> Space:
    """Return the space of some fields of a scenario.

    Parameters
    ----------
    scenario : Scenario, mapping or None
        What stays the same; a mapping holds what ``estimate`` takes by name.
    over : mapping of str to sequence
        Path of a field (see :mod:`paramscale.analysis.fields`) to its values: numbers, names, or
        whatever the field holds. A single value is an axis with one place.
    paired : bool or iterable
        Which axes run together and so are one: True for all; or groups of paths,
        ``[("model.parameters", "training.tokens")]``. The others are crossed.
    world : Estimators
        Knows specs and quantities.

    Raises
    ------
    UnknownNameError
        If a path names no field.
    SpecError
        If an axis is empty, paired ones are of unequal lengths, or the scenario holds arrays.

    Examples
    --------
    >>> space = space_of(None, {"serving.batch": [1, 8, 64], "hardware": ["h100-sxm", "b200"]})
    >>> space.shape, [axis.name for axis in space.labelled]
    ((3, 2), ['hardware'])
    >>> [case.specs["hardware"].name for case in space.cases()]
    ['NVIDIA H100 80GB SXM', 'NVIDIA B200']
    """
    world.registry.load()
    if isinstance(scenario, Mapping):
        base = collect_inputs(world, None, scenario)
    else:
        base = collect_inputs(world, scenario, {})
    _refuse_grids(base)
    found = {path: _values(field_of(path, world), each) for path, each in over.items()}
    groups = _groups(list(over), paired)
    return Space(base, tuple(_axis(group, found, world) for group in groups), world)


def _refuse_grids(base: Mapping[str, Any]) -> None:
    """Raise where the scenario is a grid itself: its dimensions and those of axes would mix."""
    for name, spec in base.items():
        arrays = array_fields(name, spec)
        if isinstance(spec, np.ndarray):
            arrays = [(name, spec)]
        for path, array in arrays:
            raise SpecError(
                f"{path} holds an array of shape {array.shape}; make it an axis instead:"
                f" {{{path!r}: [...]}}"
            )


def _values(field: Field, given: Any) -> Any:
    """Return the values of a field as a float64 array, or as a tuple of labels."""
    if isinstance(given, str) or not np.iterable(given) or attrs.has(type(given)):
        given = [given]
    values = given if isinstance(given, np.ndarray) else list(given)
    if len(values) == 0:
        raise SpecError(f"the axis {field.path} is empty; give at least one value")
    if not (field.numeric and is_numeric(values)):
        return tuple(values)
    array = np.array(values, dtype=np.float64)
    if array.ndim != 1:
        raise SpecError(
            f"the axis {field.path} has values of shape {array.shape}; give a flat list of them"
        )
    array.flags.writeable = False
    return array


def _groups(paths: list[str], paired: Pairing) -> list[list[str]]:
    """Return which paths make one axis together, in the order in which they were given."""
    if isinstance(paired, bool):
        return [paths] if paired and paths else [[path] for path in paths]
    asked: list[Any] = list(paired)
    if asked and all(isinstance(each, str) for each in asked):
        asked = [asked]
    group_of: dict[str, list[str]] = {}
    for group in map(list, asked):
        for path in group:
            if path not in paths:
                raise UnknownNameError("axis to pair", path, paths)
            if path in group_of:
                raise SpecError(f"the axis {path} is paired twice")
            group_of[path] = [each for each in paths if each in group]
    groups: list[list[str]] = []
    for path in paths:
        group = group_of.get(path, [path])
        if group not in groups:
            groups.append(group)
    return groups


def _axis(group: list[str], found: Mapping[str, Any], world: Estimators) -> Axis:
    lengths = {path: len(found[path]) for path in group}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{path} has {length}" for path, length in lengths.items())
        raise SpecError(f"paired axes need as many values each, but {listed}")
    return Axis(tuple(field_of(path, world) for path in group), tuple(found[p] for p in group))


def _texts(values: Iterable[Any]) -> list[str]:
    """Return a text for each label; those that would look alike are numbered."""
    texts: list[str] = []
    for value in values:
        text = value if isinstance(value, str) else str(getattr(value, "name", value))
        alike = sum(each == text or each.startswith(f"{text} (") for each in texts)
        texts.append(f"{text} ({alike + 1})" if alike else text)
    return texts
