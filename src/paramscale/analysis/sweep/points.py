"""A few points of a sweep, with their coordinates and quantities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, overload

from paramscale.analysis.sweep.show import coordinate_text
from paramscale.core.display import html_page, html_table, text_table

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]

__all__ = ["Points"]


class Points(Sequence[dict[str, Any]]):
    """Points as mappings of coordinate and quantity to value, in the order of the question.

    Attributes
    ----------
    places : tuple of tuple of int
        Place of each point along each axis; ``sweep.specs(place)`` are its specs.
    """

    def __init__(
        self, title: str, places: Sequence[tuple[int, ...]], rows: Sequence[dict[str, Any]]
    ) -> None:
        self._title, self._rows = title, tuple(rows)
        self.places = tuple(places)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> Points: ...

    def __getitem__(self, index: int | slice) -> dict[str, Any] | Points:
        if isinstance(index, slice):
            return Points(self._title, self.places[index], self._rows[index])
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows)

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row a point."""
        from paramscale.analysis.sweep.tables import not_installed

        try:
            import pandas as pd
        except ImportError as error:
            raise not_installed("to_pandas()", "pandas", "tables") from error
        return pd.DataFrame(list(self._rows))

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a header and rows of texts, each value with its unit."""
        names = list(self._rows[0]) if self._rows else []
        rows = [[coordinate_text(name, row[name]) for name in names] for row in self._rows]
        return names, rows

    def __repr__(self) -> str:
        header, rows = self.table()
        return "\n".join([self._title, *([text_table(header, rows)] if rows else [])])

    def _repr_html_(self) -> str:
        header, rows = self.table()
        cells = [[escape(cell) for cell in row] for row in rows]
        return html_page(self._title, html_table(header, cells), repr(self))
