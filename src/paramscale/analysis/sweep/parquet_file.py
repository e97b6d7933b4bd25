"""A sweep as a folder of Parquet files: one file a region, one row a point."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import attrs

from paramscale.analysis.sweep.layout import Layout
from paramscale.analysis.sweep.ledger import Ledger
from paramscale.analysis.sweep.region import Part
from paramscale.analysis.sweep.tables import not_installed, point_columns
from paramscale.analysis.sweep.tiles import Division

__all__ = ["ParquetFolder"]


@attrs.frozen(eq=False)
class ParquetFolder:
    """A folder that pandas, pyarrow, polars and DuckDB read as one table.

    Each file appears at once and whole, or not at all.
    """

    path: str
    layout: Layout

    @classmethod
    def of(cls, path: str, layout: Layout, division: Division) -> ParquetFolder:
        """Return the folder, or an ImportError about the package."""
        try:
            import pyarrow  # type: ignore[import-untyped,unused-ignore]  # noqa: F401
        except ImportError as error:
            raise not_installed("out='....parquet'", "pyarrow", "parquet") from error
        return cls(path, layout)

    @property
    def ledger(self) -> Ledger:
        return Ledger(Path(self.path), "_")  # readers of folders pass over names with a line

    def prepare(self) -> None:
        """Nothing stands around the files."""

    def __call__(self, part: Part) -> None:
        """Write the file of one region."""
        import pyarrow as pa
        import pyarrow.parquet as pq  # type: ignore[import-untyped,unused-ignore]

        columns = point_columns(self.layout.space, part.columns, part.place)
        arrays = {name: pa.array(values) for name, values in columns.items()}
        coded = {
            name: each.dictionary_encode() if pa.types.is_string(each.type) else each
            for name, each in arrays.items()
        }
        name = f"part-{part.region.number:09d}.parquet"
        fresh = Path(self.path) / f".{name}"
        pq.write_table(pa.table(coded), fresh)
        os.replace(fresh, Path(self.path) / name)

    def finish(self, number: int, result: Any) -> int:
        """Nothing is left to do for a region."""
        return 0
