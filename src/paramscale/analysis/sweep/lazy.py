"""Columns as lazy Dask arrays, each chunk of which is computed when somebody asks for it."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.sweep.layout import Column
from paramscale.analysis.sweep.region import Work, collect, region_part
from paramscale.analysis.sweep.run import Engine
from paramscale.analysis.sweep.tables import not_installed
from paramscale.analysis.sweep.tiles import Region
from paramscale.errors import SpecError, UnknownNameError

__all__ = ["lazy_columns"]


def lazy_columns(engine: Engine, chunks: Any) -> dict[str, Any]:
    """Return a Dask array for each column, with one place along what it does not vary along.

    A chunk computes its own quantity alone, and only what that needs.
    """
    try:
        import dask.array as da
        from dask.delayed import delayed
    except ImportError as error:
        raise not_installed("to_xarray(chunks=...)", "dask", "dask") from error
    made: Any = da.from_delayed
    joined: Any = da.block
    lengths, found = _lengths(engine, chunks), {}
    for name, column in engine.layout.columns.items():
        quantity = name if name in engine.job.quantities else name.rpartition("_")[0]
        job = attrs.evolve(engine.job, quantities=(quantity,))
        work = delayed(Work(job, engine.layout, engine.division, collect), traverse=False)
        compute = delayed(_chunk, pure=True)
        sizes = column.shape(engine.job.space.shape)[bool(column.draws) :]
        parts = [_cuts(n, length) for n, length in zip(sizes, lengths, strict=True)]
        blocks = np.empty([len(each) for each in parts], dtype=object)
        for corner in np.ndindex(*blocks.shape):
            place = tuple(each[i] for each, i in zip(parts, corner, strict=True))
            shape = column.shape([each.stop - each.start for each in place])
            blocks[corner] = made(compute(work, name, place), shape, dtype=np.dtype(column.dtype))
        nested = blocks.tolist()
        found[name] = joined(nested) if blocks.ndim else nested
    return found


def _chunk(work: Work, name: str, place: tuple[slice, ...]) -> npt.NDArray[Any]:
    """Return one column on a part of the space."""
    axes = work.job.space.axes
    labels = tuple(p.start for p, axis in zip(place, axes, strict=True) if axis.labelled)
    numbers = tuple(p for p, axis in zip(place, axes, strict=True) if not axis.labelled)
    column: Column = work.layout.columns[name]
    layout = attrs.evolve(work.layout, columns={name: column})
    part = region_part(work.runner(), layout, work.division, Region(0, labels, numbers))
    shape = column.shape([p.stop - p.start for p in place])
    return np.broadcast_to(part.columns[name], shape).astype(column.dtype, copy=True)


def _cuts(size: int, length: int) -> list[slice]:
    return [slice(i, min(i + length, size)) for i in range(0, size, length)]


def _lengths(engine: Engine, chunks: Any) -> list[int]:
    """Return the places of a chunk along each axis; one along labels."""
    numbers = iter(engine.division.region)
    usual = [1 if axis.labelled else next(numbers) for axis in engine.job.space.axes]
    if chunks == "auto":
        return usual
    if not isinstance(chunks, dict):
        raise SpecError(f"chunks={chunks!r}; write 'auto', or {{'axis': places}}")
    names = [axis.name for axis in engine.job.space.axes]
    for name in chunks:
        if name not in names:
            raise UnknownNameError("axis", name, names)
    sizes = zip(names, usual, engine.job.space.axes, strict=True)
    return [
        1 if axis.labelled else _length(chunks.get(name, length), axis.size)
        for name, length, axis in sizes
    ]


def _length(given: Any, size: int) -> int:
    if given == -1:
        return size
    if not isinstance(given, int) or given < 1:
        raise SpecError(f"a chunk has {given!r} places; give a whole number of at least 1, or -1")
    return min(given, size)
