"""A sweep as one CSV file: one row a point, regions in the order in which they are done."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import attrs

from paramscale.analysis.sweep.layout import Layout
from paramscale.analysis.sweep.ledger import Ledger
from paramscale.analysis.sweep.region import Part
from paramscale.analysis.sweep.tables import point_columns
from paramscale.analysis.sweep.tiles import Division

__all__ = ["CsvFile"]


@attrs.frozen(eq=False)
class CsvFile:
    """A text file for small sweeps; numbers are written so that they are read back the same.

    Regions are turned into text by whoever computes them and written by one process, which notes
    how long the file is after each; what a kill cut off is taken away before it goes on.
    """

    path: str
    layout: Layout

    @classmethod
    def of(cls, path: str, layout: Layout, division: Division) -> CsvFile:
        """Return the file."""
        return cls(path, layout)

    @property
    def ledger(self) -> Ledger:
        path = Path(self.path)
        return Ledger(path.parent, f".{path.name}.")

    def prepare(self) -> None:
        """Write the header."""
        names = [path for axis in self.layout.space.axes for path in axis.coordinates()]
        for name, column in self.layout.columns.items():
            names += [f"{name}_{i}" for i in range(column.draws)] or [name]
        Path(self.path).write_bytes(_text([names]))

    def __call__(self, part: Part) -> bytes:
        """Return the rows of one region as text."""
        columns = point_columns(self.layout.space, part.columns, part.place)
        return _text(zip(*(each.tolist() for each in columns.values()), strict=True))

    def finish(self, number: int, result: bytes) -> int:
        """Append the rows, after what is known to be whole; return the length of the file."""
        with Path(self.path).open("r+b") as stream:
            stream.truncate(self._whole())
            stream.seek(0, os.SEEK_END)
            stream.write(result)
            stream.flush()
            os.fsync(stream.fileno())
            return stream.tell()

    def _whole(self) -> int:
        """Return the length up to which the file is complete."""
        lengths = self.ledger.done().values()
        if lengths:
            return max(lengths)
        with Path(self.path).open("rb") as stream:
            return len(stream.readline())


def _text(rows: object) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    return stream.getvalue().encode("utf-8")
