"""Measured training runs: time of a step, and device-hours of whole runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from paramscale.analysis.estimate import estimate
from paramscale.errors import ParamscaleError, SpecError
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.training_coefficients import known_machine
from paramscale.validation.row import Cells, Comparison, compare_each, count_of, read_rows, table
from paramscale.validation.training_models import machine_of, model_of
from paramscale.validation.training_scenarios import run_of, scenario_of, tokens_per_s

__all__ = ["published_runs", "steps_of_other_teams", "training_runs"]

NAME, HOURS = "systems/training", "energy/training_energy"
STEPS = "systems/step_time"


@table(f"{NAME}.csv")
def training_runs(folder: Path) -> Iterable[Comparison]:
    """Compare the time of a step, and the device-hours where a row states them."""
    return compare_each(read_rows(folder / f"{NAME}.csv"), _measured, "step_time_s", NAME)


@table(f"{STEPS}.csv")
def steps_of_other_teams(folder: Path) -> Iterable[Comparison]:
    """Compare steps that were collected from teams beyond those of the calibration, by team."""
    rows = read_rows(folder / f"{STEPS}.csv")
    return compare_each(rows, _step_of_a_team, "step_time_s", STEPS)


def _step_of_a_team(row: Cells) -> Iterator[Comparison]:
    yield _step(row)._replace(table=STEPS, group=row["source_group"])


def _measured(row: Cells) -> Iterator[Comparison]:
    if not np.isnan(count_of(row, "device_hours")):
        yield _whole_run(row, NAME, row["row_id"], row, count_of(row, "tokens_total"))
    elif _is_timed(row):
        yield _step(row)


def _is_timed(row: Cells) -> bool:
    """Tell whether a row measures a speed; LitGPT's rows are of memory, their speed of software."""
    columns = (
        "tokens_per_s_per_device", "tokens_per_s_total", "model_flop_per_s_per_device",
        "hardware_flop_per_s_per_device", "mfu_fraction", "hfu_fraction", "step_time_s",
    )  # fmt: skip
    known = any(not np.isnan(count_of(row, name)) for name in columns)
    return known and "litgpt" not in (row.get("software") or "").lower()


def _step(row: Cells) -> Comparison:
    phase = row.get("phase") or "pretrain"
    group = "in_scope" if phase == "pretrain" else "out_of_scope"
    place = ("step_time_s", NAME, row["row_id"])
    try:
        run = run_of(row)
        if not known_machine(run.machine.name):
            group = "out_of_scope"
        made = scenario_of(run, adapters="lora" in phase or "adapter" in phase)
        training: TrainingSpec = made.specs["training"]
        truth = float(training.tokens) / run.devices / tokens_per_s(row, run)
        if not np.isfinite(truth):
            raise SpecError("nothing printed tells the time of a step")
        found = estimate(**made.specs, quantities="step_time_s", options=made.options)[
            "step_time_s"
        ]
    except ParamscaleError as error:
        return Comparison(*place, np.nan, group=group, refused=str(error))
    value, low, high = map(float, (found.value, found.low, found.high))
    return Comparison(*place, truth, value, low, high, group)


@table("energy/./training_energy.csv")
def published_runs(folder: Path) -> Iterator[Comparison]:
    """Compare the device-hours of published runs, of which size, tokens and machine are known."""
    return compare_each(read_rows(folder / f"{HOURS}.csv"), _published, "training_time_s", HOURS)


def _published(row: Cells) -> Iterator[Comparison]:
    if np.isnan(count_of(row, "device_hours")) or (row.get("verified") or "").lower() == "no":
        return
    cells = {**row, "params_total": "", "params_active": ""}
    for name, given in (("params_total", "params_b"), ("params_active", "active_params_b")):
        if not np.isnan(size := count_of(row, given)):
            cells[name] = repr(1e9 * size)
    yield _whole_run(row, HOURS, row["model"], cells, 1e9 * count_of(row, "tokens_b"))


def _whole_run(row: Cells, name: str, label: str, cells: Cells, tokens: float) -> Comparison:
    devices = count_of(row, "n_devices", 1.0)
    truth = 3600.0 * count_of(row, "device_hours") / devices
    scored = "usable_for" not in row or "hours" in row["usable_for"]
    group = "in_scope" if scored else "out_of_scope"
    place = ("training_time_s", name, label)
    try:
        found = _time(cells, tokens, devices, unstated=not scored)
    except ParamscaleError as error:
        return Comparison(*place, truth, group=group, refused=str(error))
    value, low, high = map(float, (found.value, found.low, found.high))
    return Comparison(*place, truth, value, low, high, group)


def _time(cells: Cells, tokens: float, devices: float, *, unstated: bool) -> Any:
    """Return the estimated time of a run from its size alone.

    Rows that are not usable for hours count the data set in points, and not how often it was seen.
    """
    model, _ = model_of(cells)
    machine = machine_of(cells["hardware"])
    if np.isnan(tokens):
        raise SpecError("the row states no tokens")
    length = count_of(cells, "seq_len_tokens", 2048.0)
    training = TrainingSpec(tokens=tokens, sequence_length=length)
    return estimate(
        model=model, hardware=machine, training=training, parallel=ParallelSpec(data=devices),
        quantities="training_time_s", options={"training_time_s.unstated": float(unstated)},
    )["training_time_s"]  # fmt: skip
