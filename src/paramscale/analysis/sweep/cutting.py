"""Parts of specs that hold arrays, without making and checking them anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import attrs
import numpy as np

__all__ = ["cut", "varying"]

T = TypeVar("T")


def cut(thing: T, slices: Sequence[slice]) -> T:
    """Return a spec, or anything in it, with only a part of the dimensions of its arrays.

    Dimensions along which an array has one place stay as they are. What holds no array is returned
    itself, so that its identity tells that it is unchanged. A part of something valid is valid, so
    that nothing is checked again.

    Parameters
    ----------
    thing : spec, block, tuple, array or number
        What to cut.
    slices : sequence of slice
        Part of each dimension; arrays with fewer dimensions have the last of them.

    Examples
    --------
    >>> from paramscale.specs.serving import ServingSpec
    >>> cut(ServingSpec(batch=[1, 2, 4]), [slice(1, 3)]).batch
    array([2., 4.])
    """
    if isinstance(thing, np.ndarray):
        return _part(thing, slices)  # type: ignore[return-value]
    if isinstance(thing, tuple):
        items = tuple(cut(each, slices) for each in thing)
        same = all(a is b for a, b in zip(items, thing, strict=True))
        make = getattr(type(thing), "_make", tuple)  # named tuples stay what they are
        return thing if same else make(items)  # type: ignore[return-value]
    cls = type(thing)
    if not attrs.has(cls):
        return thing
    changes = {}
    for field in attrs.fields(cls):
        old = getattr(thing, field.name)
        new = cut(old, slices)
        if new is not old:
            changes[field.name] = new
    if not changes:
        return thing
    part: Any = object.__new__(cls)
    for field in attrs.fields(cls):
        value = changes.get(field.name, getattr(thing, field.name))
        if not field.init and isinstance(value, dict):
            value = {}  # a memory of results, which belong to the whole
        object.__setattr__(part, field.name, value)
    return part  # type: ignore[no-any-return]


def _part(array: np.ndarray[Any, Any], slices: Sequence[slice]) -> np.ndarray[Any, Any]:
    kept = slices[len(slices) - array.ndim :]
    index = tuple(
        part if size > 1 else slice(None) for part, size in zip(kept, array.shape, strict=True)
    )
    found = array[index]
    return array if found.shape == array.shape else found


def varying(thing: object, dimensions: int) -> tuple[bool, ...]:
    """Return for each dimension whether any array of a spec varies along it.

    Examples
    --------
    >>> from paramscale.specs.serving import ServingSpec
    >>> varying(ServingSpec(batch=[[1], [2]]), 2)
    (True, False)
    """
    if isinstance(thing, np.ndarray):
        missing = dimensions - thing.ndim
        return (*(False,) * missing, *(size > 1 for size in thing.shape))
    inside: list[object] = []
    if isinstance(thing, tuple):
        inside = list(thing)
    elif attrs.has(type(thing)):
        inside = [getattr(thing, each.name) for each in attrs.fields(type(thing))]  # type: ignore[arg-type]
    found = [varying(each, dimensions) for each in inside]
    return tuple(any(each[i] for each in found) for i in range(dimensions))
