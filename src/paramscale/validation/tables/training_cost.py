"""Cost of training on bought devices, beside what another model says of the same device-hours.

The truths are estimates too (Cottier et al. 2024: hardware that loses value as newer hardware gets
better, plus energy, in USD of 2023), so the group is called ``another_model``. They differ most for
machines that were old when they were used: here a second of work costs the same all its life.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from paramscale.analysis.estimate import estimate
from paramscale.errors import ParamscaleError
from paramscale.specs.account import AccountSpec
from paramscale.validation.row import Cells, Comparison, compare_each, count_of, read_rows, table
from paramscale.validation.training_models import machine_of

__all__ = ["training_cost"]

TABLE = "energy/training_energy"
_COST = "training_cost_usd"


@table(f"{TABLE}.csv")
def training_cost(folder: Path) -> Iterator[Comparison]:
    """Compare the cost of the rows that state one, with their device-hours."""
    yield from compare_each(read_rows(folder / f"{TABLE}.csv"), _of_row, _COST, TABLE)


def _of_row(row: Cells) -> Iterator[Comparison]:
    truth, hours = count_of(row, "cost_usd"), count_of(row, "device_hours")
    if np.isnan(truth) or np.isnan(hours) or "amortised" not in (row.get("cost_kind") or ""):
        return
    place = (_COST, TABLE, row["model"])
    try:
        found = estimate(
            hardware=machine_of(row["hardware"]), training_device_s=3600.0 * hours, site="US",
            account=AccountSpec(price_year=row["year"]), quantities=_COST,
            use={_COST: "purchase", "training_chip_energy_j": "rated"},
        )[_COST]  # fmt: skip
    except ParamscaleError as error:
        yield Comparison(*place, truth, group="another_model", refused=str(error))
        return
    value, low, high = map(float, (found.value, found.low, found.high))
    yield Comparison(*place, truth, value, low, high, "another_model")
