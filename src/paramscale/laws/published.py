"""Published laws: one row of ``data/laws.csv`` each, its numbers in ``data/coefficients.csv``."""

from __future__ import annotations

from typing import Any

from paramscale.core.domain import Domain
from paramscale.core.packaged import packaged_lines
from paramscale.errors import FileFormatError
from paramscale.laws.form import Form, form_named
from paramscale.laws.law import Law
from paramscale.laws.validity import Laws

__all__ = ["laws"]

_TEXTS = (
    "law_id",
    "gives",
    "counted",
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

#: Name in a domain, to the prefix of its two columns; the size is apart.
_RANGES = {
    "training.tokens": "tokens",
    "training_flops": "flops",
    "tokens_per_parameter": "ratio",
}

Cells = dict[str, str]


def _number(where: str, cells: Cells, column: str) -> float | None:
    return _float(where, column, cells[column])


def _float(where: str, column: str, text: str) -> float | None:
    text = text.strip()
    try:
        return float(text) if text else None
    except ValueError:
        raise FileFormatError(f"{where}, column {column!r}: {text!r} is not a number") from None


def _domain(where: str, cells: Cells, form: Form) -> Domain:
    size = "active_parameters" if "active_parameters" in form.inputs else "parameters"
    stated: dict[str, tuple[float | None, float | None]] = {}
    for name, prefix in {size: "parameters", **_RANGES}.items():
        low, high = (_number(where, cells, f"{prefix}_{end}") for end in ("low", "high"))
        if (low, high) != (None, None):
            stated[name] = (low, high)
    for text in filter(None, cells["other_ranges"].split(";")):
        name, _, ends_text = text.strip().partition(" ")
        ends = ends_text.partition("..")[::2]
        low, high = (_float(where, "other_ranges", end) for end in ends)
        stated[name] = (low, high)
    return Domain(stated, note=cells["domain_note"])


def _coefficients() -> dict[str, dict[str, dict[str, Any]]]:
    """Return for each law its values, standard errors and intervals, by coefficient."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for where, cells in packaged_lines("paramscale.laws", "coefficients.csv"):
        law, name = cells["law_id"], cells["coefficient"]
        held = found.setdefault(law, {"value": {}, "error": {}, "interval": {}})
        value, error, low, high = (
            _number(where, cells, each)
            for each in ("value", "standard_error", "interval_95_low", "interval_95_high")
        )
        if value is None or name in held["value"]:
            problem = "has no value" if value is None else "stands twice"
            raise FileFormatError(f"{where}: coefficient {name!r} of {law!r} {problem}")
        held["value"][name] = value
        if error is not None:
            held["error"][name] = error
        if low is not None and high is not None:
            held["interval"][name] = (low, high)
    return found


def read_laws() -> dict[str, Law]:
    """Return the laws of the tables, by their id."""
    numbers, found = _coefficients(), {}
    for where, cells in packaged_lines("paramscale.laws", "laws.csv"):
        residual = _number(where, cells, "mean_absolute_log_residual")
        held = numbers.pop(cells["law_id"], {"value": {}, "error": {}, "interval": {}})
        form = form_named(cells["form"])
        found[cells["law_id"]] = Law(
            **{column: cells[column] for column in _TEXTS},
            form=form,
            coefficients=held["value"],
            standard_errors=held["error"],
            intervals_95=held["interval"],
            domain=_domain(where, cells, form),
            mean_absolute_log_residual=float("nan") if residual is None else residual,
        )
    if numbers:
        raise FileFormatError(f"coefficients.csv: laws.csv has no row for {', '.join(numbers)}")
    return found


#: Published laws by author and year; third parties add theirs by entry points.
laws = Laws("law", holds=Law, built_in=read_laws, group="paramscale.laws")
