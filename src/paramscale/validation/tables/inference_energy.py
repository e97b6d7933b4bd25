"""Measured energy of served models: joules of the accelerators for an output token, and power."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from paramscale.analysis.estimate import estimate
from paramscale.errors import MissingInputError, SpecError
from paramscale.validation.energy_rows import Measured, measured
from paramscale.validation.row import Comparison, compare_each, count_of, read_rows, table
from paramscale.validation.serving_rows import Refused

__all__ = ["inference_energy"]

NAME = "energy/inference_energy"

#: What is estimated, and how it is called where it is scored: the boards alone are measured.
_SCORED = {"chip_energy_per_token_j": "energy_per_token_j", "power_w": "power_w"}


@table(f"{NAME}.csv")
def inference_energy(folder: Path) -> Iterable[Comparison]:
    """Compare the energy of an output token, and the mean power where a row tells it."""
    rows = enumerate(read_rows(folder / f"{NAME}.csv"), start=1)
    return compare_each(rows, _compare, "energy_per_token_j", NAME)


def _compare(numbered: tuple[int, dict[str, str]]) -> Iterator[Comparison]:
    number, row = numbered
    label = f"{number} {row['model']} on {row['hardware']}"
    truths = {"chip_energy_per_token_j": count_of(row, "j_per_output_token")}
    if (power := count_of(row, "power_total_w")) > 0.0:
        truths["power_w"] = power
    try:
        case = measured(row)
        found = _estimated(case, tuple(truths))
    except (Refused, SpecError, MissingInputError) as error:
        for name, truth in truths.items():
            yield Comparison(_SCORED[name], NAME, label, truth, refused=str(error))
        return
    for name, truth in truths.items():
        value, low, high = found[name]
        yield Comparison(_SCORED[name], NAME, label, truth, value, low, high, case.group)


def _estimated(
    case: Measured, quantities: tuple[str, ...]
) -> dict[str, tuple[float, float, float]]:
    found = estimate(**case.specs(), quantities=quantities)
    return {
        name: (float(found[name].value), float(found[name].low), float(found[name].high))
        for name in quantities
    }
