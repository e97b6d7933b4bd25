"""One comparison of an estimate with a measurement, and the registry of tables of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from paramscale.core.registry import Registry, import_submodules
from paramscale.errors import FileFormatError

__all__ = ["Comparison", "read_rows", "scored", "table", "tables"]

#: What the column ``quality`` may say of a row that is not scored.
NOT_SCORED = ("exclude", "suspect", "ambiguous", "wip", "planned")


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


def read_rows(path: Path) -> Iterator[dict[str, str]]:
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
