"""Refit ``catalogue/data/power_calibration.csv`` from the tables of measured energy.

    python tools/calibrate_power.py FOLDER [--left-out] [--write]

FOLDER is laid out like the folder of measurements; its ``energy/inference_energy.csv`` is read.
The coefficients of power are fitted at *measured* throughput, so that what a board draws and how
fast an engine is are not mixed: a robust (Cauchy) loss on the logarithm of the power, rows weighted
so that a configuration with many points does not outvote one with few, and priors from kernels that
were measured alone. Engines that only these tables know (vLLM of 2024, transformers) get factors on
the host's times, which go into ``calibration.csv``. ``--left-out`` prints the errors of power, and
of energy at the expected throughput, with groups left out of the fit.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from paramscale.systems.coefficients import _rows, coefficients
from paramscale.systems.regime import regime_of
from power_fit import FACTORS, Case, Fit, cases, fit_engine, fit_stalls

DATA = Path(__file__).parents[1] / "src/paramscale/catalogue/data"
TARGET, ENGINES = DATA / "power_calibration.csv", DATA / "calibration.csv"
HEADER = (
    "memory", "machine", "coefficient", "value", "deviation", "unit", "measured_on", "source",
    "script",
)  # fmt: skip
SCRIPT = Path(__file__).name
SOURCE = "energy/inference_energy.csv: ML.ENERGY V1, V2 and V3"

#: Logarithms of factors that hold 90 % of measured powers, and that widen them by what is new; from
#: the errors with groups left out, rounded.
WIDTHS = {
    "known": 0.28, "machine": 0.20, "memory": 0.20, "vendor": 0.30, "engine": 0.30, "training": 0.2,
    "idle_experts": 0.40,
}  # fmt: skip


#: Coefficients that are factors of others.
FACTORS_OF = ("dynamic", "multiply_expert", "padding")

#: Coefficients of machines that the table does not have, from least, mean and most power of a chip
#: in production: 175, 220 and 262 W of 450 for TPU v3, 121, 170 and 192 W of 340 for TPU v4.
FIXED = (
    ("Google TPU v3", "static", 0.25), ("Google TPU v3", "busy", 0.10),
    ("Google TPU v3", "prompt16", 0.38),
    ("Google TPU v4", "static", 0.26), ("Google TPU v4", "busy", 0.09),
    ("Google TPU v4", "prompt16", 0.45),
)  # fmt: skip
FIXED_SOURCE = "Jouppi et al. 2023 (arXiv:2304.01433), Table 4: measured power, worked out"


def labels(found: list[Case]) -> dict[str, list[str]]:
    """Return by what cases are left out together."""
    return {
        "family": [case.what.model.family for case in found],
        "machine": [case.what.hardware.name for case in found],
        "laboratory and engine": [case.dataset for case in found],
    }


def line(ratio: Any, label: str, width: Any = None) -> str:
    """Return the errors of predicted over measured values in a line, and how many are covered."""
    off = np.log(ratio)
    median, far = np.median(abs(np.expm1(off))), np.exp(np.quantile(abs(off), 0.9))
    text = (
        f"{label:58s} {len(off):4d} rows: median {median:6.1%} bias {np.median(np.expm1(off)):7.1%}"
        f"  90 % within x{far:.2f}  within x2 {np.mean(abs(off) < np.log(2.0)):6.1%}"
    )
    return text if width is None else f"{text}  covered {np.mean(abs(off) <= width):6.1%}"


#: What is new where a group is left out.
_NEW = {"machine": ("machine",), "laboratory and engine": ("engine",)}


def report(fit: Fit, x: Any, *, thorough: bool) -> None:
    """Print errors in the sample, and with groups left out."""
    every = np.full(len(fit.cases), True)
    energy, late = fit.energy(x)
    _lines(fit, fit.predict(x) / fit.truth, energy, late, every, "in sample")
    if not thorough:
        return
    for name, groups in labels(fit.cases).items():
        group = np.array(groups)
        power, energy, late = np.empty((3, len(group)))
        for each in dict.fromkeys(groups):
            test = group == each
            left = fit.fit(~test)
            power[test] = (fit.predict(left) / fit.truth)[test]
            energy[test], late[test] = (found[test] for found in fit.energy(left))
        _lines(fit, power, energy, late, every, f"{name} left out", _NEW.get(name, ()))
        for each in dict.fromkeys(groups):
            _lines(fit, power, energy, late, group == each, f"  {each[:34]}", _NEW.get(name, ()))


def _lines(
    fit: Fit, power: Any, energy: Any, late: Any, use: Any, label: str, new: tuple[str, ...] = ()
) -> None:
    scope = np.array([case.what.group == "in_scope" for case in fit.cases])
    own = np.sqrt(sum(WIDTHS[tier] ** 2 for tier in ("known", *new)))
    width = np.hypot(own, late)
    for name, which in (("", use & scope), (" (old engine)", use & ~scope)):
        if which.any():
            print(line(power[which], f"power{name} {label}", own))
            print(line(energy[which], f"energy{name} {label}", width[which]))


def table(fit: Fit, x: Any) -> Iterator[tuple[str, ...]]:
    """Yield the rows: coefficients, then on what they were measured, then widths."""
    inverse = np.linalg.pinv(fit.jacobian.T @ fit.jacobian)
    deviation = np.sqrt(np.diag(inverse))
    for prior, value, wide in zip(fit.priors, np.exp(x), deviation, strict=True):
        unit = "factor" if prior.coefficient in FACTORS_OF else "of the limit"
        yield (
            prior.memory, prior.machine, prior.coefficient, f"{value:.4g}", f"{wide:.2g}", unit,
            "", f"{SOURCE}; prior: {prior.source}", SCRIPT,
        )  # fmt: skip
    for machine, name, share in FIXED:
        yield ("", machine, name, f"{share:g}", "", "of the limit", "", FIXED_SOURCE, SCRIPT)
    what = [case.what for case in fit.cases]
    for name, found in (
        ("machine", {each.hardware.name for each in what}),
        ("memory", {each.hardware.memory_type for each in what}),
        ("vendor", {each.hardware.vendor for each in what}),
        ("engine", {each.serving.engine for each in what}),
    ):
        text = ";".join(sorted(found))
        yield ("", "", f"measured_{name}", "", "", "", text, SOURCE, SCRIPT)
    for name, value in WIDTHS.items():
        yield ("", "", f"width_{name}", f"{value:g}", "", "log factor", "", SOURCE, SCRIPT)


def stall_rows(found: list[Case]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of ``calibration.csv`` of steps that read prompts besides."""
    values, ratio, deviation = fit_stalls(found)
    print(line(ratio, "throughput vllm in sample"))
    for name, value in values.items():
        source = "energy/inference_energy.csv: ML.ENERGY V3 (vLLM 0.11.1)"
        wide = f"{deviation[name]:.2g}"
        yield ("continuous", "", "", name, f"{value:.4g}", wide, "s", "", source, SCRIPT)


def engine_rows(found: list[Case]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of ``calibration.csv`` of the engines that only these tables know."""
    for engine in FACTORS:
        factors, ratio, deviation = fit_engine(found, engine)
        print(line(ratio, f"throughput {engine} in sample"))
        mine = [case for case in found if case.what.serving.engine == engine]
        regime = regime_of(mine[0].what.serving)
        source = "energy/inference_energy.csv: " + ";".join(sorted({c.dataset for c in mine}))
        for name, value in factors.items():
            yield (
                regime, "", engine, name, f"{value:.4g}", f"{deviation[name]:.2g}", "factor", "",
                source, SCRIPT,
            )  # fmt: skip
        yield (regime, "", engine, "measured_engine", "", "", "", engine, source, SCRIPT)


def write_times(rows: list[tuple[str, ...]]) -> None:
    """Replace rows of ``calibration.csv``, which the fits after this one then use."""
    with ENGINES.open(encoding="utf-8", newline="") as stream:
        header, *others = list(csv.reader(stream))
    new = {row[:4] for row in rows}
    kept = [row for row in others if tuple(row[:4]) not in new]
    with ENGINES.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *kept, *rows])
    _rows.cache_clear()
    coefficients.cache_clear()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--left-out", action="store_true")
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args(arguments)
    found = cases(chosen.folder)
    for rows in (stall_rows, engine_rows):
        made = list(rows(found))
        if chosen.write:
            write_times(made)
    fit = Fit(found)
    x = fit.fit(np.full(len(found), True))
    report(fit, x, thorough=chosen.left_out)
    if chosen.write:
        with TARGET.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows(table(fit, x))
    return 0


if __name__ == "__main__":
    sys.exit(main())
