"""Measured energy of training runs, inside the boundary that a row states.

Scored are rows whose energy was measured; energy that is hours times a constant says nothing of
power, and is checked as arithmetic by the table of carbon. Device-hours are taken as the row states
them, else estimated from size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from paramscale.analysis.estimate import estimate
from paramscale.errors import ParamscaleError, SpecError
from paramscale.specs.account import AccountSpec
from paramscale.specs.site import SiteSpec
from paramscale.specs.training import TrainingSpec
from paramscale.validation.row import Cells, Comparison, compare_each, count_of, read_rows, table
from paramscale.validation.training_models import machine_of, model_of

__all__ = ["training_energy"]

NAME = "energy/training_energy"
_ENERGY, _MWH, _HOUR = "training_energy_j", 3.6e9, 3600.0


@table("./energy/training_energy.csv")
def training_energy(folder: Path) -> Iterable[Comparison]:
    """Compare the energy of runs in which it was measured."""
    rows = read_rows(folder / f"{NAME}.csv")
    return compare_each(rows, _compare, _ENERGY, NAME)


def _compare(row: Cells) -> Iterator[Comparison]:
    truth = count_of(row, "energy_mwh") * _MWH
    if np.isnan(truth) or "x_hours" in (row.get("energy_kind") or ""):
        return
    place, group = (_ENERGY, NAME, row["model"]), _group(row)
    try:
        found = _estimated(row)
    except ParamscaleError as error:
        yield Comparison(*place, truth, group=group, refused=str(error))
        return
    value, low, high = map(float, (found.value, found.low, found.high))
    yield Comparison(*place, truth, value, low, high, group)


def _group(row: Cells) -> str:
    measured = (row.get("energy_kind") or "").startswith("measured")
    sure = "tokens unverified" not in (row.get("notes") or "")
    return "in_scope" if measured and sure else "out_of_scope"


def _estimated(row: Cells) -> Any:
    tokens = 1e9 * count_of(row, "tokens_b")
    if np.isnan(tokens):
        raise SpecError("the row states no tokens")
    cells = {**row, "params_total": "", "params_active": ""}
    for name, given in (("params_total", "params_b"), ("params_active", "active_params_b")):
        if not np.isnan(size := count_of(row, given)):
            cells[name] = repr(1e9 * size)
    model, _ = model_of(cells)
    scope, pue = row.get("energy_scope") or "", count_of(row, "pue", 1.0)
    boundary = "server" if "system" in scope else "chip"
    known: dict[str, Any] = {}
    if not np.isnan(hours := count_of(row, "device_hours")):
        known["training_device_s"] = hours * _HOUR
    return estimate(
        model=model, hardware=machine_of(row["hardware"]),
        training=TrainingSpec(tokens=tokens, sequence_length=2048),
        account=AccountSpec(boundary="facility" if "x PUE" in scope else boundary),
        site=SiteSpec(pue=pue), quantities=_ENERGY, **known,
    )[_ENERGY]  # fmt: skip
