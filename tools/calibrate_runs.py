"""Refit what published runs took longer than the formula of one device, from their device-hours.

    python tools/calibrate_runs.py FOLDER [--write]

FOLDER is laid out like the folder of measurements; its ``energy/training_energy.csv`` is read. The
logarithm of hours over formula is a level, a small effect of the class of machine, and a slope in
the active parameters: larger runs are spread over more devices, wait more and fail more. Rows of
Epoch count a fifth, since their tokens are those of the data set, and only where they mean tokens
at all (between 8 and 70 % of the peak). A robust (Cauchy) loss; families are left out together.

Widths hold 5 % of the runs of left-out families beyond either end, rows of Epoch by their weight.
They differ: no run is much faster than its steps, while evaluation, waiting, restarts or repeated
stages make some take two to four times as long. Distilled runs count here, not in the fit.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from paramscale.systems.training_coefficients import of_framework, of_machine
from paramscale.validation.row import count_of, read_rows
from paramscale.validation.tables.training import published_runs
from paramscale.validation.training_models import machine_of

FILE = Path(__file__).parents[1] / "src/paramscale/catalogue/data/training_calibration.csv"
CLASSES = ("A100", "H100")
WHY = "device-hours of energy/training_energy.csv, by tools/calibrate_runs.py"
WIDE = f"logarithm of the factor that 5 % of the runs of left-out families pass: {WHY}"
ENDS = ("below", "above")

#: Weight of a row of Epoch, deviation of a class and of the slope, log error of an outlier.
EPOCH, CLASS, SLOPE, SCALE = 0.2, 0.17, 0.05, 0.3

#: Active parameters at which the level stands.
MIDDLE = 1e10


class Run(NamedTuple):
    """A published run: what it took over the formula without overhead, and what it is like."""

    name: str
    family: str
    word: str
    parameters: float
    took: float
    epoch: bool
    distilled: bool

    @property
    def weight(self) -> float:
        """What it counts."""
        return EPOCH if self.epoch else 1.0


def runs(folder: Path) -> Iterator[Run]:
    """Yield the runs that tell: hours and tokens known, none twice."""
    rows = {row["model"]: row for row in read_rows(folder / "energy/training_energy.csv")}
    hours: list[float] = []
    for case in published_runs(folder):
        row = rows[case.row]
        epoch = "[Epoch]" in case.row
        if case.refused or not (epoch or case.group == "in_scope"):
            continue
        machine = machine_of(row["hardware"])
        size = 1e9 * count_of(row, "active_params_b", count_of(row, "params_b"))
        spent = count_of(row, "device_hours")
        done = 6e9 * size * count_of(row, "tokens_b")
        share = done / (3600.0 * spent) / float(machine.peak_flops_per_s("bf16"))
        twice = any(abs(spent / other - 1.0) < 0.05 for other in hours)
        if epoch and (twice or not 0.08 < share < 0.7 or count_of(row, "year") < 2020):
            continue
        hours.append(spent)
        word = next((word for word in CLASSES if word in machine.name), "")
        now = _overhead(machine.name, size)
        name = case.row.replace("[Epoch] ", "")
        family = re.split(r"[\s\-_.\d(]", name)[0].lower()
        took = float(np.log(case.truth / case.predicted * now))
        yield Run(name, family, word, size, took, epoch, "distilled" in row["notes"])


def _overhead(machine: str, size: float) -> float:
    """Return the overhead that the packaged file has."""
    slope = of_framework("run_growth", "")
    return of_machine("run_overhead", machine) * (size / MIDDLE) ** slope


def fit(found: list[Run]) -> Any:
    """Return level, effects of the classes, and slope, from runs that are not distilled."""
    found = [run for run in found if not run.distilled]
    columns = [np.array([run.word == word for run in found], float) for word in CLASSES]
    growth = np.log([run.parameters / MIDDLE for run in found])
    a = np.column_stack([np.ones(len(found)), *columns, growth])
    y = np.array([run.took for run in found])
    base = np.array([run.weight for run in found])
    prior = np.diag([0.0, *[(SCALE / CLASS) ** 2] * len(CLASSES), (SCALE / SLOPE) ** 2])
    weight, x = base, np.zeros(a.shape[1])
    for _ in range(50):
        x = np.linalg.solve(a.T @ (a * weight[:, None]) + prior, a.T @ (weight * y))
        weight = base / (1.0 + ((y - a @ x) / SCALE) ** 2)
    return x


def ask(x: Any, run: Run) -> float:
    """Return the logarithm of the overhead of a run."""
    classes = [float(run.word == word) for word in CLASSES]
    return float(x @ [1.0, *classes, np.log(run.parameters / MIDDLE)])


def left_out(found: list[Run], run: Run, label: str) -> float:
    """Return the logarithm of predicted over true hours, with what `label` names left out."""
    known = [each for each in found if getattr(each, label) != getattr(run, label)]
    return ask(fit(known), run) - run.took


def widths(found: list[Run]) -> tuple[float, float]:
    """Return the logarithms of the factors below and above that 5 % of left-out runs pass."""
    off = np.array([-left_out(found, run, "family") for run in found])
    order = np.argsort(off)
    weight = np.array([run.weight for run in found])[order]
    below = (np.cumsum(weight) - 0.5 * weight) / weight.sum()
    low, high = np.interp([0.05, 0.95], below, off[order])
    return -float(low), float(high)


def line(off: Any, label: str, wide: tuple[float, float]) -> str:
    """Return errors in a line."""
    share, inside = abs(np.expm1(off)), (off <= wide[0]) & (off >= -wide[1])
    return (
        f"{label:34s} {len(off):3d} runs: median {np.median(share):5.1%} mean {share.mean():5.1%}"
        f" bias {np.median(np.expm1(off)):6.1%}  covered {np.mean(inside):5.1%}"
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    found = list(runs(asked.folder))
    x, wide = fit(found), widths(found)
    groups = {
        "": [run for run in found if not (run.epoch or run.distilled)],
        " (distilled too)": [run for run in found if not run.epoch],
        " (Epoch)": [run for run in found if run.epoch],
    }
    for label, tested in groups.items():
        print(line(np.array([ask(x, t) - t.took for t in tested]), f"in sample{label}", wide))
        for out in ("name", "family"):
            off = np.array([left_out(found, t, out) for t in tested])
            print(line(off, f"{out} left out{label}", wide))
    rows = [
        ("run_overhead", word, x[0] + effect) for word, effect in zip(CLASSES, x[1:], strict=False)
    ]
    values = [(name, word, np.exp(value), WHY) for name, word, value in rows]
    values += [("run_overhead", "", np.exp(x[0]), WHY), ("run_growth", "", x[-1], WHY)]
    values += [(f"width_run_{end}", "", each, WIDE) for end, each in zip(ENDS, wide, strict=True)]
    print([(name, word, f"{value:.4g}") for name, word, value, _ in values])
    if asked.write:
        names = {name for name, *_ in values}
        with FILE.open(encoding="utf-8", newline="") as stream:
            kept = [row for row in csv.reader(stream) if row[0] not in names]
        with FILE.open("w", encoding="utf-8", newline="") as stream:
            new = [
                [name, word, "", f"{value:.4g}", "", "width" if why is WIDE else "published", why]
                for name, word, value, why in values
            ]
            csv.writer(stream, lineterminator="\n").writerows([*kept, *new])
    return 0


if __name__ == "__main__":
    sys.exit(main())
