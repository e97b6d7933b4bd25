"""Measured prompts, decode steps, serving and offline throughput."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from paramscale.analysis.estimate import estimate
from paramscale.core.estimates import Estimates
from paramscale.errors import MissingInputError, SpecError
from paramscale.validation.row import Comparison, compare_each, count_of, read_rows, table
from paramscale.validation.serving_rows import Refused, Served, served

__all__ = ["inference"]

NAME = "systems/inference"

#: Columns of measurements, and the quantity that each is.
_MEASURED = {
    "ttft_s": "ttft_s",
    "tpot_s": "tpot_s",
    "output_tokens_per_s_total": "throughput_tokens_per_s",
    "power_W": "power_w",
}


@table(f"{NAME}.csv")
def inference(folder: Path) -> Iterable[Comparison]:
    """Compare times, throughput and power of served models."""
    return compare_each(read_rows(folder / f"{NAME}.csv"), _compare, "tpot_s", NAME)


def _compare(row: dict[str, str]) -> Iterator[Comparison]:
    measured = _measurements(row)
    if not measured:
        return
    try:
        case = served(row)
        found = _estimate(case, tuple(measured))
    except (Refused, SpecError, MissingInputError) as error:
        for quantity, truth in measured.items():
            yield Comparison(quantity, NAME, row["row_id"], truth, refused=str(error))
        return
    for quantity, truth in measured.items():
        value = found[quantity]
        yield Comparison(
            quantity, NAME, row["row_id"], truth, float(value.value), float(value.low),
            float(value.high), case.group,
        )  # fmt: skip


def _measurements(row: dict[str, str]) -> dict[str, float]:
    """Return what a row measured; a throughput that only repeats a time is left out."""
    found = {}
    for column, quantity in _MEASURED.items():
        if (value := count_of(row, column)) > 0.0:
            found[quantity] = value
    if row["phase"] in ("prefill", "decode") and len(found) > 1:
        found.pop("throughput_tokens_per_s", None)
    return found


def _estimate(case: Served, quantities: tuple[str, ...]) -> Estimates:
    return estimate(
        model=case.model, hardware=case.hardware, serving=case.serving, parallel=case.parallel,
        quantities=quantities,
    )  # fmt: skip
