"""Greenhouse gas of published training runs: the accounting, and all of it from size alone.

Two groups. ``accounting``: energy (else device-hours x watts) and intensity as a row states them,
inside the boundary that it states; what is checked is the arithmetic and which factor counts.
``from_size``: hours, and where they were measured the energy, are estimated from model, machine
and tokens; only place and boundary are the row's. A row whose intensity was worked out from its
own carbon says nothing about the accounting: ``out_of_scope`` there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from paramscale.analysis.estimate import estimate
from paramscale.catalogue.sites import sites
from paramscale.errors import ParamscaleError, SpecError
from paramscale.specs.account import AccountSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.site import SiteSpec
from paramscale.specs.training import TrainingSpec
from paramscale.validation.row import Cells, Comparison, compare_each, count_of, read_rows, table
from paramscale.validation.training_models import machine_of, model_of

__all__ = ["training_carbon"]

TABLE = "energy/training_energy"
_CARBON = "training_carbon_kgco2e"
_MWH, _HOUR = 3.6e9, 3600.0

#: How energy was had, where it is device-hours times a constant.
_CONSTANT = ("tdp_x_hours", "assumed_w_x_hours")


@table(f"{TABLE}.csv")
def training_carbon(folder: Path) -> Iterator[Comparison]:
    """Compare the operational carbon of the rows that state it."""
    yield from compare_each(read_rows(folder / f"{TABLE}.csv"), _of_row, _CARBON, TABLE)


def _of_row(row: Cells) -> Iterator[Comparison]:
    seen = (row.get("verified") or "").lower()
    tonnes = count_of(row, "tco2e_operational")
    if np.isnan(tonnes) or seen == "no" or "tco2e" in seen or _is_more(row):
        return
    known = "implied" not in (row.get("carbon_basis") or "")
    yield _compared(row, 1e3 * tonnes, "accounting" if known else "out_of_scope", _stated)
    usable = row.get("usable_for", "hours") or ""
    sized = "hours" in usable or "energy" in usable
    yield _compared(row, 1e3 * tonnes, "from_size" if sized else "out_of_scope", _from_size)


def _is_more(row: Cells) -> bool:
    """Tell whether a row is of more than one run: families, development, years of use."""
    text = f"{row['model']} {row.get('carbon_basis')}".lower()
    return any(word in text for word in ("family", "incl.", "months of use", "net zero"))


def _compared(row: Cells, truth: float, group: str, make: Any) -> Comparison:
    place = (_CARBON, TABLE, row["model"])
    try:
        found = make(row)
    except ParamscaleError as error:
        return Comparison(*place, truth, group=group, refused=str(error))
    value, low, high = map(float, (found.value, found.low, found.high))
    if low == high:  # arithmetic on what the row states; its rounding is no interval of ours
        low = high = np.nan
    return Comparison(*place, truth, value, low, high, group)


def _site(row: Cells) -> SiteSpec:
    """Return the intensity that a row states, else that of the country which it names."""
    grid, pue = count_of(row, "grid_kgco2e_per_kwh"), count_of(row, "pue")
    facts: dict[str, Any] = {}
    if np.isnan(grid):
        found = re.search(r"location,? ([A-Z][A-Za-z ]+)", row.get("carbon_basis") or "")
        if found is None:
            raise SpecError("the row states neither an intensity of electricity nor a country")
        country = sites[found[1].strip()]
        grid = float(country.grid_kgco2e_per_kwh)
        fact = country.facts["grid_kgco2e_per_kwh"]
        facts = {"grid_kgco2e_per_kwh": attrs.evolve(fact, value=None)}
    return SiteSpec(
        name="the row's", pue=1.0 if np.isnan(pue) else pue, grid_kgco2e_per_kwh=grid, facts=facts
    )


def _account(row: Cells) -> AccountSpec:
    """Return the boundary of a row: servers where it measured systems, else accelerators x PUE."""
    system = "system" in (row.get("energy_scope") or "")
    return AccountSpec() if system else AccountSpec(server_overhead_ratio=1.0)


def _stated(row: Cells) -> Any:
    """Return the carbon of the energy, or the device-hours and watts, that a row states."""
    energy, hours = count_of(row, "energy_mwh"), count_of(row, "device_hours")
    watts = count_of(row, "avg_power_w", count_of(row, "tdp_w"))
    scope = row.get("energy_scope") or ""
    if np.isnan(energy):
        energy, scope = hours * watts / 1e6, "accelerators"
    if np.isnan(energy):
        raise SpecError("the row states neither energy nor device-hours and watts")
    # Energy of a whole site holds its PUE already; that of boards gets it here, once.
    name = "training_energy_j" if "x PUE" in scope else "training_chip_energy_j"
    given: dict[str, Any] = {name: energy * _MWH}
    return estimate(site=_site(row), account=_account(row), quantities=_CARBON, **given)[_CARBON]


def _from_size(row: Cells) -> Any:
    """Return the carbon of a run of which model, machine and tokens are known."""
    cells = {**row, "params_total": "", "params_active": ""}
    for name, given in (("params_total", "params_b"), ("params_active", "active_params_b")):
        if not np.isnan(size := count_of(row, given)):
            cells[name] = repr(1e9 * size)
    tokens = 1e9 * count_of(row, "tokens_b")
    if np.isnan(tokens):
        raise SpecError("the row states no tokens")
    model, _ = model_of(cells)
    machine = machine_of(row["hardware"])
    use = {}
    if row.get("energy_kind") in _CONSTANT:  # as the row counts: a constant for each hour
        watts = count_of(row, "avg_power_w", count_of(row, "tdp_w"))
        machine = attrs.evolve(machine, power_limit_w=watts)
        use = {"training_chip_energy_j": "rated"}
    return estimate(
        model=model, hardware=machine, site=_site(row), account=_account(row), use=use,
        training=TrainingSpec(tokens=tokens, sequence_length=2048), quantities=_CARBON,
        parallel=ParallelSpec(data=count_of(row, "n_devices", 1.0)),
    )[_CARBON]  # fmt: skip
