"""Tables that come with the package, in the folder ``data`` of the room that reads them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib import resources

from paramscale.errors import FileFormatError

__all__ = ["packaged_lines", "packaged_rows", "packaged_values"]


def packaged_lines(package: str, file: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield ``("laws.csv line 2", cells)`` for each row of a packaged table.

    Parameters
    ----------
    package : str
        Whose folder ``data`` holds the file: ``"paramscale.laws"``.
    file : str
        Its name.

    Raises
    ------
    FileFormatError
        If a row has not as many cells as the header.
    """
    text = resources.files(package).joinpath("data", file).read_text(encoding="utf-8")
    reader = csv.DictReader(text.splitlines())
    for cells in reader:
        where = f"{file} line {reader.line_num}"
        if None in cells or None in cells.values():
            raise FileFormatError(f"{where} has not as many cells as the header")
        yield where, cells


def packaged_rows(package: str, file: str) -> list[dict[str, str]]:
    """Return the rows of a packaged table, each by the names of its columns.

    Examples
    --------
    >>> packaged_rows("paramscale.laws", "experts.csv")[0]["coefficient"]
    'gain'
    """
    return [cells for _, cells in packaged_lines(package, file)]


def packaged_values(package: str, file: str, named: str = "coefficient") -> dict[str, float]:
    """Return the column ``value`` of a packaged table by the name that each row bears.

    Raises
    ------
    FileFormatError
        If a value is not a number.

    Examples
    --------
    >>> 0.0 < packaged_values("paramscale.laws", "experts.csv")["fine"] < 1.0
    True
    """
    found = {}
    for where, cells in packaged_lines(package, file):
        try:
            found[cells[named]] = float(cells["value"])
        except (KeyError, ValueError) as error:
            raise FileFormatError(f"{where}: {error}") from None
    return found
