"""A sweep as a Zarr store: one array a column, over only the axes it varies along."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.sweep.layout import Layout
from paramscale.analysis.sweep.ledger import Ledger
from paramscale.analysis.sweep.region import Part
from paramscale.analysis.sweep.tables import attributes, not_installed
from paramscale.analysis.sweep.tiles import Division

__all__ = ["ZarrFile"]


@attrs.frozen(eq=False)
class ZarrFile:
    """A store in version 2 of the format, whose chunks are the regions.

    No chunk holds parts of two regions, so that threads and workers never write to the same one.
    Axes along which a column does not vary are left out of its dimensions.
    """

    path: str
    layout: Layout
    division: Division

    @classmethod
    def of(cls, path: str, layout: Layout, division: Division) -> ZarrFile:
        """Return the store, or an ImportError about the package."""
        try:
            import zarr  # noqa: F401
        except ImportError as error:
            raise not_installed("out='....zarr'", "zarr", "zarr") from error
        return cls(path, layout, division)

    @property
    def ledger(self) -> Ledger:
        from pathlib import Path

        return Ledger(Path(self.path))

    def prepare(self) -> None:
        """Make the arrays, all NaN, and write the coordinates."""
        group = _group(self.path, "a")
        space = self.layout.space
        for axis in space.axes:
            for path, values in axis.coordinates().items():
                array = group.create_array(
                    path, shape=values.shape, chunks=values.shape, dtype=values.dtype,
                    attributes={"_ARRAY_DIMENSIONS": [axis.name]}, overwrite=True,
                )  # fmt: skip
                array[:] = values
        lengths = self._chunks()
        for name, column in self.layout.columns.items():
            dims = [axis.name for axis, v in zip(space.axes, column.varies, strict=True) if v]
            shape = [n for n, v in zip(space.shape, column.varies, strict=True) if v]
            chunks = [n for n, v in zip(lengths, column.varies, strict=True) if v]
            lead = [column.draws] if column.draws else []
            group.create_array(
                name, shape=(*lead, *shape), chunks=(*lead, *chunks), dtype=column.dtype,
                fill_value=False if column.boolean else np.nan, overwrite=True,
                attributes={
                    "_ARRAY_DIMENSIONS": [*(["draw"] if lead else []), *dims],
                    "coordinates": " ".join(p for a in space.axes for p in a.coordinates()),
                    **attributes(self.layout, name),
                },
            )  # fmt: skip
        _consolidate(self.path)

    def _chunks(self) -> list[int]:
        numbers = iter(self.division.region)
        return [1 if axis.labelled else next(numbers) for axis in self.layout.space.axes]

    def __call__(self, part: Part) -> None:
        """Write the chunks of one region."""
        group = _group(self.path, "r+")
        start = [0] * len(part.place)
        for name, array in part.columns.items():
            column = self.layout.columns[name]
            where = self.layout.target(column, part.place, start)
            if where is None:  # another region holds the same
                continue
            keep = [True] * bool(column.draws) + list(column.varies)
            squeezed = array[tuple(slice(None) if k else 0 for k in keep)]
            target = tuple(each for each, k in zip(where, keep, strict=True) if k)
            shape = tuple(each.stop - each.start for each in target[bool(column.draws) :])
            lead = squeezed.shape[: bool(column.draws)]
            group[name][target or ...] = np.broadcast_to(squeezed, (*lead, *shape))

    def finish(self, number: int, result: Any) -> int:
        """Nothing is left to do for a region."""
        return 0

    def read(self, name: str) -> npt.NDArray[Any]:
        """Return a whole column, with one place along what it does not vary along."""
        column = self.layout.columns[name]
        array = np.asarray(_group(self.path, "r")[name][...])
        return array.reshape(column.shape(self.layout.space.shape))


@lru_cache(maxsize=8)
def _group(path: str, mode: Any) -> Any:
    import zarr

    if mode == "a":
        return zarr.open_group(path, mode="a", zarr_format=2)
    return zarr.open_group(path, mode=mode)


def _consolidate(path: str) -> None:
    import zarr

    zarr.consolidate_metadata(path)
