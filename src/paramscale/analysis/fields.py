"""Any field of any spec by its path, such as ``"serving.batch"``: looked up, and set to a value.

A path is the name of a spec (``"hardware"``), a field of it (``"site.pue"``), a field further in
(``"model.layers[0].blocks[1].inner"``), the size of a family member (``"model.parameters"``), or a
quantity whose value is given (``"mfu_fraction"``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.core.collection import Estimators
from paramscale.errors import SpecError, UnknownNameError, did_you_mean
from paramscale.specs.model import ModelSpec

__all__ = ["Field", "field_of", "field_paths", "is_numeric", "with_fields"]

#: Fields that a spec does not store but can be made from: ``(spec, value) -> spec``.
MADE: dict[str, Callable[[Any, Any], Any]] = {
    "model.parameters": lambda model, size: ModelSpec.of_size(size, like=model),
}

_STEP = re.compile(r"\.?([A-Za-z]\w*)|\[(\d+)\]")

Step = str | int


@attrs.frozen
class Field:
    """One field that an axis may run along.

    Attributes
    ----------
    path : str
        How it is written.
    spec : str
        The spec, or the quantity, that it belongs to.
    steps : tuple of str or int
        The way from the spec to the field; empty where the spec itself is meant.
    numeric : bool
        Whether it may hold an array.
    """

    path: str
    spec: str
    steps: tuple[Step, ...]
    numeric: bool


def field_paths(world: Estimators) -> list[str]:
    """Return the path of every spec, and of every field that specs of each kind have."""
    paths = [*MADE]
    for name, kind in world.kinds.items():
        paths.append(name)
        paths += [f"{name}.{each.name}" for each in _fields(kind.cls)]
    return paths


def field_of(path: str, world: Estimators) -> Field:
    """Return the field of a path.

    Raises
    ------
    UnknownNameError
        If nothing is called so; names that are near are proposed.

    Examples
    --------
    >>> from paramscale.analysis.estimate import ESTIMATORS
    >>> field_of("serving.batch", ESTIMATORS).numeric, field_of("hardware", ESTIMATORS).numeric
    (True, False)
    >>> field_of("serving.bacth", ESTIMATORS)
    Traceback (most recent call last):
    paramscale.errors.UnknownNameError: no field is called 'serving.bacth'; did you mean ...
    """
    world.registry.load()
    steps = _steps(path)
    if not steps or not isinstance(steps[0], str):
        raise UnknownNameError("field", path, field_paths(world))
    spec, inside = steps[0], steps[1:]
    if spec not in world.kinds:
        if not inside and spec in world.vocabulary and not world.vocabulary[spec].internal:
            return Field(path, spec, (), numeric=True)
        raise UnknownNameError("field", path, [*field_paths(world), *world.vocabulary])
    if not inside:
        return Field(path, spec, (), numeric=False)
    if path in MADE:
        return Field(path, spec, inside, numeric=True)
    known = {each.name: each for each in _fields(world.kinds[spec].cls)}
    if inside[0] not in known:
        raise UnknownNameError("field", path, field_paths(world))
    # what stands further in depends on the blocks of a model: it is looked up when it is set
    numeric = len(inside) > 1 or "scales" in known[str(inside[0])].metadata
    return Field(path, spec, inside, numeric)


def is_numeric(values: Sequence[Any] | npt.NDArray[Any]) -> bool:
    """Tell whether values are numbers all, so that one array can hold them.

    Examples
    --------
    >>> is_numeric([1, 2.5]), is_numeric([None, 1e9]), is_numeric([True, False])
    (True, False, False)
    """
    if isinstance(values, np.ndarray):
        return values.dtype.kind in "iuf"
    return all(isinstance(x, (int, float, np.number)) and not isinstance(x, bool) for x in values)


def with_fields(
    specs: Mapping[str, Any], values: Mapping[Field, Any], world: Estimators
) -> dict[str, Any]:
    """Return specs in which some fields have other values; what is not there is made of them.

    Parameters
    ----------
    specs : mapping
        Specs, and quantities that are given, by name.
    values : mapping of Field to value
        Numbers, arrays, names, or whatever the field holds. Whole specs are put in their places
        first, then sizes are changed, then the other fields of each spec all at once.
    world : Estimators
        Knows the kinds of spec.

    Raises
    ------
    SpecError
        If a value has no meaning, or a path leads nowhere.

    Examples
    --------
    >>> from paramscale.analysis.estimate import ESTIMATORS as world
    >>> batch = field_of("serving.batch", world)
    >>> with_fields({}, {batch: [1, 8]}, world)
    {'serving': ServingSpec(batch=[1., 8.])}
    """
    found = dict(specs)
    for field, value in values.items():
        if not field.steps:
            kind = world.kinds.get(field.spec)
            found[field.spec] = value if kind is None or value is None else kind.accept(value)
    trees: dict[str, dict[Step, Any]] = {}
    for field, value in values.items():
        if field.path in MADE:
            found[field.spec] = MADE[field.path](_there(found, field), value)
        elif field.steps:
            _plant(trees.setdefault(field.spec, {}), field.steps, value)
    for spec, tree in trees.items():
        found[spec] = _changed_spec(found.get(spec), spec, tree, world)
    return found


def _fields(cls: type) -> list[attrs.Attribute[Any]]:
    if not attrs.has(cls):
        return []
    return [each for each in attrs.fields(cls) if each.init and not each.name.startswith("_")]


def _steps(path: str) -> tuple[Step, ...]:
    """Return the steps of a path, nothing where it is no path."""
    steps: list[Step] = []
    place = 0
    while place < len(path):
        found = _STEP.match(path, place)
        if found is None:
            return ()
        steps.append(found[1] or int(found[2]))
        place = found.end()
    return tuple(steps)


def _there(specs: Mapping[str, Any], field: Field) -> Any:
    spec = specs.get(field.spec)
    if spec is None:
        raise SpecError(f"{field.path} changes a {field.spec}, but the scenario has none")
    return spec


def _plant(tree: dict[Step, Any], steps: tuple[Step, ...], value: Any) -> None:
    """Put a value at the end of the way that leads to it."""
    for step in steps[:-1]:
        tree = tree.setdefault(step, _Tree())
    tree[steps[-1]] = value


class _Tree(dict[Step, Any]):
    """What to change further in; told apart from a value that is a mapping."""


def _changed_spec(spec: Any, name: str, tree: dict[Step, Any], world: Estimators) -> Any:
    kind = world.kinds[name]
    base = kind.make_default() if spec is None else spec
    if base is not None:
        return _changed(base, tree, name)
    try:
        return kind.cls(**{str(step): value for step, value in tree.items()})
    except TypeError as error:  # a field without a default is missing
        raise SpecError(
            f"the scenario has no {name}, and it cannot be made of {', '.join(map(str, tree))}"
            f" alone ({error}); give {kind.example}"
        ) from None


def _changed(thing: Any, tree: Mapping[Step, Any], path: str) -> Any:
    """Return a thing in which what a tree says is changed, at every depth."""
    if isinstance(thing, tuple):
        items = list(thing)
        for step, value in tree.items():
            if not isinstance(step, int) or step >= len(items):
                raise SpecError(f"{path} has {len(items)} entries; {path}[{step}] is none of them")
            items[step] = _new_value(items[step], value, f"{path}[{step}]")
        return tuple(items)
    if not attrs.has(type(thing)):
        raise SpecError(f"{path} is {thing!r}, in which there is nothing to change")
    known = [each.name for each in _fields(type(thing))]
    changes = {}
    for step, value in tree.items():
        if step not in known:
            owner = f"{path}, a {type(thing).__name__},"
            raise SpecError(f"{owner} has no field {step!r}{did_you_mean(step, known)}")
        changes[str(step)] = _new_value(getattr(thing, str(step)), value, f"{path}.{step}")
    evolve = getattr(thing, "evolved", None)
    return evolve(**changes) if evolve else attrs.evolve(thing, **changes)


def _new_value(old: Any, value: Any, path: str) -> Any:
    return _changed(old, value, path) if isinstance(value, _Tree) else value
