"""Rows of training runs as accounts: which factor counts, once, and what is refused."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from paramscale.validation.score import PACKAGED
from paramscale.validation.tables.training_carbon import training_carbon
from paramscale.validation.tables.training_cost import training_cost

COLUMNS = (
    "model", "params_b", "tokens_b", "hardware", "n_devices", "device_hours", "tdp_w",
    "avg_power_w", "pue", "energy_mwh", "energy_kind", "energy_scope", "grid_kgco2e_per_kwh",
    "tco2e_operational", "carbon_basis", "verified", "usable_for", "year", "cost_usd", "cost_kind",
)  # fmt: skip


def compared(folder: Path, **cells: object) -> dict[str, tuple[float, str]]:
    """Return prediction and refusal of one row by group."""
    path = folder / "energy" / "training_energy.csv"
    path.parent.mkdir(exist_ok=True)
    row = dict.fromkeys(COLUMNS, "") | {"model": "a run", "verified": "yes"} | cells
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerow(row)
    return {each.group: (each.predicted, each.refused) for each in training_carbon(folder)}


@pytest.mark.parametrize(
    ("scope", "kilograms"),
    [("system x PUE", 40_000), ("GPU x PUE", 40_000), ("GPU only, before PUE", 48_000)],
)
def test_pue_is_multiplied_only_where_the_row_did_not(
    tmp_path: Path, scope: str, kilograms: float
) -> None:
    """Energy of a site holds its PUE; that of boards gets it."""
    found = compared(
        tmp_path, energy_mwh=100, pue=1.2, grid_kgco2e_per_kwh=0.4, energy_scope=scope,
        tco2e_operational=40, carbon_basis="location",
    )  # fmt: skip
    assert found["accounting"][0] == pytest.approx(kilograms)


def test_hours_and_watts_stand_for_energy(tmp_path: Path) -> None:
    """Without energy: device-hours x mean watts x PUE."""
    found = compared(
        tmp_path, device_hours=1000, avg_power_w=300, tdp_w=400, pue=1.1, tco2e_operational=1,
        carbon_basis="location, France",
    )  # fmt: skip
    assert found["accounting"][0] == pytest.approx(300 * 1.1 * 0.056039)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"energy_mwh": 1, "carbon_basis": "location"}, "neither an intensity"),
        ({"grid_kgco2e_per_kwh": 0.4}, "neither energy nor device-hours"),
        ({"energy_mwh": 1, "carbon_basis": "location Atlantis"}, "no site is called 'Atlantis'"),
    ],
)
def test_what_a_row_does_not_say_is_refused(
    tmp_path: Path, cells: dict[str, object], told: str
) -> None:
    """Nothing is filled in."""
    found = compared(tmp_path, tco2e_operational=1, **cells)
    assert told in found["accounting"][1]


def test_circular_and_unseen_rows_do_not_count(tmp_path: Path) -> None:
    """An intensity made from the carbon proves nothing; figures from memory are passed over."""
    cells = {"energy_mwh": 1, "grid_kgco2e_per_kwh": 0.4, "tco2e_operational": 0.4}
    assert "accounting" not in compared(tmp_path, carbon_basis="implied grid", **cells)
    assert compared(tmp_path, **(cells | {"verified": "yes except tco2e"})) == {}
    assert compared(tmp_path, **(cells | {"model": "a family"})) == {}


def test_cost_is_compared_where_it_is_written_off(tmp_path: Path) -> None:
    """A V100 of 2018 for 1,000 hours; a rent per hour, or an unknown machine, is not."""
    cells = {"hardware": "NVIDIA V100", "device_hours": 1000, "year": 2018, "cost_usd": 700}
    compared(tmp_path, cost_kind="amortised", **cells)
    (found,) = training_cost(tmp_path)
    assert 0.5 < found.predicted / 700 < 2.0
    compared(tmp_path, cost_kind="hours x $2/h", **cells)
    assert list(training_cost(tmp_path)) == []
    compared(tmp_path, cost_kind="amortised", **(cells | {"hardware": "abacus"}))
    (refused,) = training_cost(tmp_path)
    assert "abacus" in refused.refused


def test_the_packaged_rows_are_met_to_their_digits() -> None:
    """Every row that states energy and intensity is met within the rounding of its print."""
    rows = [each for each in training_carbon(PACKAGED) if each.group == "accounting"]
    made = [each for each in rows if not each.refused]
    assert len(made) >= 10
    for each in made:
        assert each.predicted == pytest.approx(each.truth, rel=0.0125), each.row
