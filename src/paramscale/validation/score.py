"""How far estimates are from measurements, a line a quantity, table and group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.errors import FileFormatError, ParamscaleError
from paramscale.validation.row import Comparison, Table, tables

__all__ = ["Score", "compare_folder", "score"]


@attrs.frozen
class Score:
    """Errors of one quantity on one table (or one group of its rows), as fractions.

    Attributes
    ----------
    rows, refused : int
        Rows with an estimate, and rows without.
    median_ape, mean_ape : float
        Median and mean of \\|predicted / truth - 1\\|.
    bias : float
        Mean of predicted / truth - 1.
    median_factor : float
        exp of the median of \\|ln(predicted / truth)\\|.
    coverage : float
        Share of the rows with an interval whose truth lies in it; NaN where none has one.
    """

    quantity: str
    table: str
    group: str
    rows: int
    refused: int
    median_ape: float
    mean_ape: float
    bias: float
    median_factor: float
    coverage: float

    def plain(self) -> dict[str, Any]:
        """Return the line as a JSON object; NaN becomes None."""
        return {
            name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in attrs.asdict(self).items()
        }


#: The tables of measurements that come with the library, facts with their sources.
PACKAGED = Path(__file__).parent / "data"


def compare_folder(folder: Path) -> list[Comparison]:
    """Return every comparison that the tables of a folder allow; absent tables are passed over.

    Raises
    ------
    FileFormatError
        If the folder is missing, or holds none of the tables.
    """
    if not folder.is_dir():
        raise FileFormatError(f"the folder of measurements {str(folder)!r} does not exist")
    there = [each for each in tables.values() if (folder / each.path).exists()]
    if not there:
        known = ", ".join(sorted({each.path for each in tables.values()}))
        raise FileFormatError(
            f"{str(folder)!r} holds none of the tables that can be scored: {known}"
        )
    return [row for each in there for row in _read(each, folder)]


def _read(each: Table, folder: Path) -> Iterator[Comparison]:
    """Yield the comparisons of a table; one that cannot be read on is refused, and others follow.

    Most tables refuse single rows; some must be seen as a whole, such as runs that a law is fitted
    to.
    """
    try:
        yield from each.compare(folder)
    except (ArithmeticError, LookupError, TypeError, ValueError, ParamscaleError) as error:
        name = each.path.rpartition(".")[0] or each.path
        refused = f"the table cannot be read on: {error!r}"
        yield Comparison("unreadable", name, "", np.nan, refused=refused)


def score(comparisons: Iterable[Comparison]) -> list[Score]:
    """Return one line a quantity, table and group, in the order in which they were met.

    Examples
    --------
    >>> rows = [Comparison("ttft_s", "t", "1", truth=2.0, predicted=1.0, low=0.5, high=3.0),
    ...         Comparison("ttft_s", "t", "2", truth=1.0, refused="no such machine")]
    >>> line = score(rows)[0]
    >>> line.rows, line.refused, line.median_ape, line.median_factor, line.coverage
    (1, 1, 0.5, 2.0, 1.0)
    """
    groups: dict[tuple[str, str, str], list[Comparison]] = {}
    for row in comparisons:
        groups.setdefault((row.quantity, row.table, row.group), []).append(row)
    return [_line(key, rows) for key, rows in groups.items()]


def _line(key: tuple[str, str, str], rows: list[Comparison]) -> Score:
    made = [row for row in rows if not row.refused and np.isfinite(row.predicted)]
    predicted, truth, low, high = (
        np.array([getattr(row, name) for row in made], dtype=np.float64)
        for name in ("predicted", "truth", "low", "high")
    )
    ratio = _ratio(predicted, truth)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = float(np.exp(_of(np.median, np.abs(np.log(ratio)))))
    banded = np.isfinite(low) & np.isfinite(high)
    inside = ((low <= truth) & (truth <= high))[banded]
    return Score(
        *key,
        rows=len(made),
        refused=len(rows) - len(made),
        median_ape=_of(np.median, np.abs(ratio - 1.0)),
        mean_ape=_of(np.mean, np.abs(ratio - 1.0)),
        bias=_of(np.mean, ratio - 1.0),
        median_factor=factor,
        coverage=_of(np.mean, inside.astype(np.float64)),
    )


def _ratio(
    predicted: npt.NDArray[np.float64], truth: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return predicted over truth; both zero is a hit, only truth zero a miss without bound."""
    both = (predicted == 0) & (truth == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(both, 1.0, predicted / truth)


def _of(reduce: Any, values: npt.NDArray[np.float64]) -> float:
    return float(reduce(values)) if values.size else np.nan
