"""Names for the dimensions that array-valued fields of specs broadcast to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.errors import SpecError

__all__ = ["Axes", "name_axes"]

Array = npt.NDArray[Any]


@attrs.frozen(eq=False)
class Axes:
    """Named dimensions of the points, and coordinates along them.

    Parameters
    ----------
    dims : tuple of str
        One name a dimension, outermost first; empty for one that nothing varies along.
    shape : tuple of int
        The broadcast shape of the points.
    coords : mapping of str to (tuple of str, array)
        By name, the dimensions that a coordinate runs along and its values there.
    """

    dims: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    coords: Mapping[str, tuple[tuple[str, ...], Array]] = attrs.field(factory=dict)

    def squeeze(self, value: Any) -> tuple[tuple[str, ...], Array]:
        """Return the names of the dimensions along which a value varies, and the value there.

        Examples
        --------
        >>> axes = Axes(("a", "b"), (2, 3))
        >>> dims, values = axes.squeeze(np.ones((2, 1)))
        >>> dims, values.shape
        (('a',), (2,))
        """
        array = np.asarray(value)
        if array.ndim > len(self.dims):
            raise SpecError(
                f"a value of shape {array.shape} has more dimensions than the points {self.shape}"
            )
        names = self.dims[len(self.dims) - array.ndim :]
        shape = self.shape[len(self.dims) - array.ndim :]
        dropped = tuple(
            index
            for index, size in enumerate(array.shape)
            if size == 1 and (shape[index] > 1 or not names[index])
        )
        kept = tuple(name for index, name in enumerate(names) if index not in dropped)
        return kept, array.squeeze(axis=dropped)


def name_axes(arrays: Iterable[tuple[str, Array]]) -> Axes:
    """Return named axes for arrays that broadcast against each other.

    A dimension is named by the first array that varies along it and nothing else, by its path,
    such as ``"serving.batch"``; further arrays become coordinates. Where each array that varies
    along it varies along others too, it is called ``"path_0"``, ``"path_1"``, ... after the first.

    Parameters
    ----------
    arrays : iterable of (str, array)
        Path and values of every array-valued field.

    Examples
    --------
    >>> axes = name_axes([("box.width", np.ones((3, 1))), ("box.height", np.ones(4))])
    >>> axes.dims, axes.shape
    (('box.width', 'box.height'), (3, 4))
    """
    found = [(path, np.asarray(array)) for path, array in arrays]
    try:
        shape = np.broadcast_shapes(*(array.shape for _, array in found))
    except ValueError as error:
        listed = ", ".join(f"{path} {array.shape}" for path, array in found)
        raise SpecError(f"these fields do not broadcast against each other: {listed}") from error
    dims = _names(found, shape)
    axes, coords = Axes(dims, shape), {}
    for path, array in found:
        along, values = ((path,), array.ravel()) if path in dims else axes.squeeze(array)
        if along:
            coords[path] = (along, values)
    return Axes(dims, shape, coords)


def _names(found: list[tuple[str, Array]], shape: tuple[int, ...]) -> tuple[str, ...]:
    """Return a name for each dimension of the broadcast shape."""
    names: list[str] = []
    for index, size in enumerate(shape):
        back = len(shape) - index  # dimensions are counted from the last, as numpy does
        along = [each for each in found if each[1].ndim >= back and each[1].shape[-back] == size]
        alone = [path for path, array in along if array.size == size and path not in names]
        if alone:
            names.append(alone[0])
        else:
            names.append(f"{along[0][0]}_{index}" if size != 1 else "")
    return tuple(names)
