"""Published laws: one row of ``data/laws.csv`` each, its numbers in ``data/coefficients.csv``."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from importlib import resources

from paramscale.core.domain import Domain
from paramscale.core.registry import Registry
from paramscale.errors import FileFormatError
from paramscale.laws.form import form_named
from paramscale.laws.law import Law

__all__ = ["laws"]

_TEXTS = (
    "law_id",
    "paper",
    "arxiv",
    "parameters_convention",
    "tokens_unit",
    "loss_unit",
    "data",
    "source",
    "evidence",
    "note",
)

#: Name in a domain, to the prefix of its two columns.
_RANGES = {
    "parameters": "parameters",
    "training.tokens": "tokens",
    "training_flops": "flops",
    "tokens_per_parameter": "ratio",
}

Cells = dict[str, str]


def _rows(file: str) -> Iterator[tuple[str, Cells]]:
    """Yield ``("laws.csv line 2", cells)`` for each row."""
    text = resources.files("paramscale.laws").joinpath("data", file).read_text(encoding="utf-8")
    reader = csv.DictReader(text.splitlines())
    for cells in reader:
        where = f"{file} line {reader.line_num}"
        if None in cells or None in cells.values():
            raise FileFormatError(f"{where} has not as many cells as the header")
        yield where, cells


def _number(where: str, cells: Cells, column: str) -> float | None:
    text = cells[column].strip()
    try:
        return float(text) if text else None
    except ValueError:
        raise FileFormatError(f"{where}, column {column!r}: {text!r} is not a number") from None


def _domain(where: str, cells: Cells) -> Domain:
    ranges = {
        name: (_number(where, cells, f"{prefix}_low"), _number(where, cells, f"{prefix}_high"))
        for name, prefix in _RANGES.items()
    }
    stated = {name: ends for name, ends in ranges.items() if ends != (None, None)}
    return Domain(stated, note=cells["domain_note"])


def _read() -> dict[str, Law]:
    values: dict[str, dict[str, float]] = defaultdict(dict)
    errors: dict[str, dict[str, float]] = defaultdict(dict)
    for where, cells in _rows("coefficients.csv"):
        law, name = cells["law_id"], cells["coefficient"]
        value, error = (_number(where, cells, each) for each in ("value", "standard_error"))
        if value is None or name in values[law]:
            problem = "has no value" if value is None else "stands twice"
            raise FileFormatError(f"{where}: coefficient {name!r} of {law!r} {problem}")
        values[law][name] = value
        if error is not None:
            errors[law][name] = error
    found = {}
    for where, cells in _rows("laws.csv"):
        law = cells["law_id"]
        residual = _number(where, cells, "mean_absolute_log_residual")
        found[law] = Law(
            **{column: cells[column] for column in _TEXTS},
            form=form_named(cells["form"]),
            coefficients=values.pop(law, {}),
            standard_errors=errors[law],
            domain=_domain(where, cells),
            mean_absolute_log_residual=float("nan") if residual is None else residual,
        )
    if values:
        raise FileFormatError(f"coefficients.csv: laws.csv has no row for {', '.join(values)}")
    return found


#: Published laws by author and year; third parties add theirs by entry points.
laws: Registry[Law] = Registry("law", holds=Law, built_in=_read, group="paramscale.laws")
