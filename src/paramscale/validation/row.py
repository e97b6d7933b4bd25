"""One comparison of an estimate with a measurement, and the registry of tables of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np

from paramscale.core.registry import Registry, import_submodules
from paramscale.errors import FileFormatError, ParamscaleError

__all__ = [
    "Cells",
    "Comparison",
    "compare_each",
    "count_of",
    "number_in",
    "read_records",
    "read_rows",
    "scored",
    "table",
    "tables",
]

#: A row of a table as it is read.
Cells: TypeAlias = dict[str, str]

#: What the column ``quality`` may say of a row that is not scored.
NOT_SCORED = ("exclude", "suspect", "ambiguous", "wip", "planned")


T = TypeVar("T")


class Comparison(NamedTuple):
    """An estimate beside what was measured.

    Attributes
    ----------
    quantity : str
        What is compared.
    table : str
        File of the measurement, in its folder: ``"systems/inference"``.
    row : str
        Which row of it.
    truth : float
        The measurement.
    predicted : float
        The estimate; NaN where it was refused.
    low, high : float
        Its 90 % interval; NaN where there is none.
    group : str
        A part of the table that is scored by itself, or "".
    refused : str
        Why there is no estimate, or "".
    """

    quantity: str
    table: str
    row: str
    truth: float
    predicted: float = np.nan
    low: float = np.nan
    high: float = np.nan
    group: str = ""
    refused: str = ""


#: Compares what one table of a folder holds; the table is there.
Comparer: TypeAlias = Callable[[Path], Iterable[Comparison]]


class Table(NamedTuple):
    """A table of measurements, and what compares one kind of its columns."""

    path: str
    compare: Comparer


#: The comparisons, by the name of the function that makes them; a table may have several.
tables: Registry[Table] = Registry(
    "table of measurements", built_in=lambda: import_submodules("paramscale.validation.tables")
)


def table(path: str) -> Callable[[Comparer], Comparer]:
    """Return a decorator that registers a comparison of the table at `path` of a folder.

    Parameters
    ----------
    path : str
        File or folder, relative to the folder of measurements.
    """

    def register(compare: Comparer) -> Comparer:
        tables.add(f"{path} {compare.__name__}", Table(path, compare))
        return compare

    return register


def compare_each(
    rows: Iterable[T], compare: Callable[[T], Iterable[Comparison]], quantity: str, name: str
) -> Iterator[Comparison]:
    """Yield the comparisons of every row; one that cannot be read is refused, and the rest goes on.

    Parameters
    ----------
    rows : iterable
        What `compare` takes, one at a time.
    quantity, name : str
        What the rows measure, and their table: for those that cannot be read.
    """
    for number, row in enumerate(rows, start=1):
        try:
            found = list(compare(row))
        except (ArithmeticError, LookupError, TypeError, ValueError, ParamscaleError) as error:
            refused = f"the row cannot be read: {error!r}"
            found = [Comparison(quantity, name, f"row {number}", np.nan, refused=refused)]
        yield from found


def number_in(row: Cells, column: str) -> float | None:
    """Return a number of a row; None where the cell is empty or there is no such column.

    Raises
    ------
    FileFormatError
        If the cell holds something else.
    """
    text = (row.get(column) or "").strip()
    try:
        return float(text) if text else None
    except ValueError:
        raise FileFormatError(f"{column} {text!r} is not a number") from None


def count_of(row: Cells, column: str, default: float = np.nan) -> float:
    """Return a number of a row, or the default where the cell is empty or no number."""
    text = (row.get(column) or "").strip()
    try:
        return float(text) if text else default
    except ValueError:
        return default


def read_records(path: Path) -> Iterator[str]:
    """Yield the lines of a table of JSON objects, one a line."""
    with path.open(encoding="utf-8") as stream:
        yield from stream


def read_rows(path: Path) -> Iterator[Cells]:
    """Yield the rows of a CSV table that are to be scored."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if not reader.fieldnames:
            raise FileFormatError(f"{path} has no header")
        for row in reader:
            if scored(row):
                yield row


def scored(row: dict[str, str]) -> bool:
    """Tell whether a row counts: its quality does not say that it should be left out."""
    return not any(word in (row.get("quality") or "").lower() for word in NOT_SCORED)
