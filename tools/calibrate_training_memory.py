"""Refit the levels of training memory: ``src/paramscale/catalogue/data/training_memory.csv``.

    python tools/calibrate_training_memory.py --data FOLDER [--write]

The terms of the peak follow from arithmetic; what is fitted is one factor on their sum, and its
interval. A framework's habits move the whole of its rows, so that the factor of a *new* team is
what matters. With the mean log ratio m of each of n teams, a team's own deviation (prior 6 %) and a
prior of 3 % around the arithmetic, the centre is

    c = sum(m) / (n + (0.06 / 0.03)^2),

and the interval holds nine of ten rows of a new team: 1.645 times the root of the mean square over
teams of their mean squared log ratios. The rows are those of the folder, of one team, and those of
``validation/data/systems/peak_memory.csv``, which were collected to check the arithmetic; they
decide the width of the interval, and the centre hardly moves by them.
Activations are arithmetic; what is taken from measurements is their scatter. For code that runs
step by step it is that of families of models, each with its worst mode; for frameworks that of the
peaks here, with everything but activations and working set taken away.

Printed are errors with each model and each frozen format left out, and, for runs of which only the
layout is known, how many are predicted to fit on the machine that they ran on.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import paramscale as ps
from paramscale.catalogue.training_memory import level
from paramscale.errors import ParamscaleError
from paramscale.systems.training_memory import training_state
from paramscale.validation.row import read_rows
from paramscale.validation.tables.activations import activations, full_size_activations, predict
from paramscale.validation.training_memory_rows import memory_of
from paramscale.validation.training_scenarios import run_of

HERE = Path(__file__).resolve().parents[1] / "src/paramscale/catalogue/data/training_memory.csv"
SAVED = Path(__file__).resolve().parents[1] / "tests/architecture/activations.jsonl"
OTHERS = HERE.parents[2] / "validation/data/systems/peak_memory.csv"
PEAK = "peak_memory_bytes_per_device"
TEAM, PRIOR = 0.06, 0.03
CONVENTIONS = ("allocated", "reserved", "device")
NORMAL = 1.6449  # 5 % on either side


def rows_of(folder: Path) -> list[dict[str, str]]:
    """Return the rows that are scored."""
    return [*read_rows(folder / "systems/training.csv"), *read_rows(OTHERS)]


def ratios(rows: list[dict[str, str]]) -> Iterator[tuple[dict[str, str], float]]:
    """Yield each row with a peak, and the log of measured bytes over the sum of the terms."""
    for row in rows:
        if not row[PEAK]:
            continue
        try:
            memory = memory_of(row)
            found = ps.estimate(
                model=memory.model, training=memory.training, parallel=memory.parallel,
                quantities="training_memory_bytes", use={"training_memory_bytes": memory.counted},
            )["training_memory_bytes"]  # fmt: skip
        except ParamscaleError:
            continue
        terms = float(found.value) / level(f"{memory.counted}_factor").value
        yield row, float(np.log(float(row[PEAK]) / terms))


def by_team(found: list[tuple[dict[str, str], float]]) -> list[list[float]]:
    """Return the log ratios of each team."""
    teams: dict[str, list[float]] = defaultdict(list)
    for row, value in found:
        teams[row["source_group"]].append(value)
    return list(teams.values())


def centre(found: list[tuple[dict[str, str], float]]) -> float:
    """Return the log factor of a team that is not among the rows."""
    teams = by_team(found)
    return sum(float(np.mean(team)) for team in teams) / (len(teams) + (TEAM / PRIOR) ** 2)


def half_width(found: list[tuple[dict[str, str], float]]) -> float:
    """Return half of the 90 % interval of a new team's row, in logs."""
    middle = centre(found)
    squares = [np.mean((np.array(team) - middle) ** 2) for team in by_team(found)]
    return NORMAL * float(np.sqrt(np.mean(squares)))


def left_out(found: list[tuple[dict[str, str], float]], column: str) -> None:
    """Print the errors of the rows of each value of a column, with the others fitted."""
    for name in sorted({row[column] for row, _ in found}):
        others = [pair for pair in found if pair[0][column] != name]
        mine = np.array([value for row, value in found if row[column] == name])
        middle, half = (centre(others), half_width(others)) if others else (0.0, np.nan)
        error, inside = np.abs(np.expm1(middle - mine)), np.abs(mine - middle) <= half
        print(f"  without {name:24} {len(mine):3} rows  median {np.median(error):.3f}"
              f"  worst {np.max(error):.3f}  covered {np.mean(inside):.2f}")  # fmt: skip


def fits(rows: list[dict[str, str]]) -> None:
    """Print predicted memory over the machine's, of runs that did fit, by team and machine."""
    groups: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        if row[PEAK]:
            continue
        try:
            memory, run = memory_of(row), run_of(row)
            found = ps.estimate(
                model=memory.model, training=memory.training, parallel=memory.parallel,
                quantities="training_memory_bytes",
            )["training_memory_bytes"]  # fmt: skip
        except ParamscaleError:
            continue
        share = float(found.value) / float(run.machine.memory_bytes)
        groups[row["source_group"], row["hardware"]].append(share)
    for (team, machine), values in groups.items():
        within = np.mean(np.array(values) <= 1.0)
        print(f"  {team:24} {machine:22} {len(values):3} runs  {within:.0%} predicted to fit,"
              f" median {np.median(values):.2f} of its memory")  # fmt: skip


def levels(found: list[tuple[dict[str, str], float]]) -> dict[str, tuple[float, float, float]]:
    """Return factor, low and high of each convention."""
    middle, band = centre(found), half_width(found)
    ends = np.exp([middle, middle - band, middle + band])
    return {f"{counted}_factor": tuple(ends) for counted in CONVENTIONS}


def activation_levels(folder: Path, rows: list[dict[str, str]]) -> dict[str, Any]:
    """Return the factors that hold nine of ten: families' worst modes, and a team's rows."""
    families: dict[str, float] = defaultdict(float)
    for record in map(json.loads, SAVED.read_text("utf-8").splitlines()):
        off = float(np.log(record["saved_bytes"] / predict(record["config"], record)))
        families[record["model"]] = max(families[record["model"]], abs(off))
    for compare in (activations, full_size_activations):
        for each in compare(folder):
            if not each.refused:
                name = each.row.split()[0]
                families[name] = max(
                    families[name], abs(float(np.log(each.truth / each.predicted)))
                )
    implied = []
    for row, ratio in ratios(rows):
        memory = memory_of(row)
        state = training_state(memory.model, memory.training, memory.parallel)
        active = state.kept + state.working
        if memory.counted == "allocated" and active > 0.3 * state.allocated:
            implied.append(np.log((np.exp(ratio) - 1.0) * state.allocated / active + 1.0))
    found = {}
    for name, off in (("family", list(families.values())), ("framework", implied)):
        high = float(np.exp(np.quantile(np.abs(off), 0.9)))
        found[f"activation_{name}_factor"] = (1.0, 1.0 / high, high)
    return found


def write(fitted: dict[str, Any], rows: int) -> None:
    """Replace the fitted levels in the table, leaving those that are stated."""
    with HERE.open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    for line in table:
        if line["key"] in fitted:
            value, low, high = fitted[line["key"]]
            line.update(
                value=f"{value:.4f}", low=f"{low:.4f}", high=f"{high:.4f}",
                source=f"tools/calibrate_training_memory.py on {_measured(line['key'], rows)}",
            )  # fmt: skip
    with HERE.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def _measured(key: str, rows: int) -> str:
    if key == "activation_family_factor":
        return "oracle/activations*.jsonl and tests/architecture/activations.jsonl"
    return f"{rows} rows of systems/training.csv and validation/data/systems/peak_memory.csv"


def main() -> None:
    """Fit, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with systems/training.csv")
    parser.add_argument("--write", action="store_true", help="replace the fitted levels")
    given = parser.parse_args()
    rows = rows_of(given.data)
    found = list(ratios(rows))
    fitted = levels(found) | activation_levels(given.data, rows)
    errors = np.abs(np.expm1([centre(found) - value for _, value in found]))
    print(f"{len(found)} rows, median error {np.median(errors):.3f}, worst {np.max(errors):.3f}")
    for column in ("source_group", "model", "precision", "phase"):
        print(column)
        left_out(found, column)
    for name, (value, low, high) in fitted.items():
        print(f"{name:27} {value:.4f}  {low:.4f} to {high:.4f}")
    print("runs of which only the layout is known:")
    fits(rows)
    if given.write:
        write(fitted, len(found))


if __name__ == "__main__":
    main()
