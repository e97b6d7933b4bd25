"""Reading a packaged CSV table, and the mapping that its items are looked up in."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import resources
from typing import TypeVar

import attrs
import numpy as np

from paramscale.core.registry import Registry
from paramscale.errors import FileFormatError, RegistrationError, UnknownNameError

__all__ = ["Catalogue", "Row", "read_table"]

T = TypeVar("T")


@attrs.frozen
class Row:
    """One row of a table. Its readers raise a `FileFormatError` naming file, line and column.

    Parameters
    ----------
    file : str
        Name of the table.
    line : int
        Line in the file, the header being line 1.
    cells : mapping of str to str
        Text by column.

    Examples
    --------
    >>> row = Row("boxes.csv", 2, {"key": "a", "width_m": "2.5", "aliases": "b;c", "depth_m": ""})
    >>> row.number("width_m"), row.number("depth_m"), row.names("aliases")
    (2.5, nan, ('b', 'c'))
    >>> row.whole("width_m")
    Traceback (most recent call last):
    paramscale.errors.FileFormatError: boxes.csv line 2, column 'width_m': '2.5' is not a whole ...
    """

    file: str
    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Return the cell as text."""
        if column not in self.cells:
            have = ", ".join(self.cells)
            raise FileFormatError(f"{self.file} has no column {column!r}; its columns are {have}")
        return self.cells[column].strip()

    def number(self, column: str) -> float:
        """Return the cell as a number, NaN where it is empty."""
        text = self.text(column)
        try:
            return float(text) if text else np.nan
        except ValueError:
            raise self.error(column, "a number or empty") from None

    def whole(self, column: str) -> int:
        """Return the cell as a whole number."""
        try:
            return int(self.text(column))
        except ValueError:
            raise self.error(column, "a whole number") from None

    def yes(self, column: str) -> bool:
        """Return whether the cell says ``yes``; it must say ``yes`` or ``no``."""
        text = self.text(column)
        if text not in ("yes", "no"):
            raise self.error(column, "'yes' or 'no'")
        return text == "yes"

    def names(self, column: str) -> tuple[str, ...]:
        """Return the parts of a cell that is a list with ``;`` between."""
        return tuple(part.strip() for part in self.text(column).split(";") if part.strip())

    def error(self, column: str, allowed: str) -> FileFormatError:
        """Return the error that a cell is not what is allowed."""
        value = self.cells.get(column)
        return FileFormatError(
            f"{self.file} line {self.line}, column {column!r}: {value!r} is not {allowed}"
        )


def read_table(file: str, package: str = "paramscale.catalogue") -> Iterator[Row]:
    """Yield the rows of a packaged CSV table.

    Parameters
    ----------
    file : str
        Its name, for example ``"hardware.csv"``.
    package : str
        The package that holds it, in its folder ``data``.

    Raises
    ------
    FileFormatError
        If a row has more or fewer cells than the header.

    Examples
    --------
    >>> next(read_table("formats.csv")).text("key")
    'fp32'
    """
    text = resources.files(package).joinpath("data", file).read_text(encoding="utf-8")
    reader = csv.reader(text.splitlines())
    header = next(reader)
    for cells in reader:
        if len(cells) != len(header):
            have = f"{len(cells)} cells, but the header has {len(header)}"
            raise FileFormatError(f"{file} line {reader.line_num}: {have}")
        yield Row(file, reader.line_num, dict(zip(header, cells, strict=True)))


class Catalogue(Registry[T]):
    """A registry filled from a table, in which an item also answers to its aliases.

    Parameters
    ----------
    kind : str
        What it holds, for messages.
    holds : type
        Type of the items.
    read : callable
        Returns ``(key, aliases, item)`` of every row; called at the first look-up.

    Examples
    --------
    >>> sizes = Catalogue("size", float, lambda: [("small", ("s",), 1.0)])
    >>> sizes["S"], list(sizes), "s" in sizes
    (1.0, ['small'], True)
    >>> sizes["smal"]
    Traceback (most recent call last):
    paramscale.errors.UnknownNameError: no size is called 'smal'; did you mean 'small'? Known: small
    """

    def __init__(
        self,
        kind: str,
        holds: type[T],
        read: Callable[[], Iterable[tuple[str, tuple[str, ...], T]]],
    ) -> None:
        self._read = read
        self._names: dict[str, str] = {}
        super().__init__(kind, holds=holds, built_in=self._fill)

    def _fill(self) -> None:
        for key, aliases, item in self._read():
            self.add(key, item)
            for name in (key, *(alias.lower() for alias in aliases)):
                if self._names.setdefault(name, key) != key:
                    taken = self._names[name]
                    raise RegistrationError(f"{self.kind} {key!r}: {name!r} is {taken!r} already")

    def _key(self, name: object) -> str | None:
        """Return the key that a name or alias stands for, whatever its case."""
        self.load()
        if not isinstance(name, str):
            return None
        return name if name in self._items else self._names.get(name.lower())

    def __getitem__(self, name: str) -> T:
        key = self._key(name)
        if key is None:
            raise UnknownNameError(self.kind, name, self._items)
        return self._items[key]

    def __contains__(self, name: object) -> bool:
        return self._key(name) is not None
