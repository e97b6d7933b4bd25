"""Refit ``catalogue/data/calibration.csv`` from the tables of measurements.

    python tools/calibrate_serving.py FOLDER [--left-out] [--one-point] [--write]

FOLDER is laid out like the folder of measurements; its ``systems/inference.csv`` is read. Each
regime is fitted by itself: a robust (Cauchy) loss on the logarithm of times, rows weighted so that
a configuration with many points does not outvote one with few, and priors from data sheets and
microbenchmarks that keep every fraction physical. ``--left-out`` prints the errors when families,
teams, engines or machines are left out of the fit, from which the widths of intervals are taken.
``--one-point`` prints what is left of these errors when one row of each configuration is given.
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

from one_point import one_point_line
from serving_fit import Case, Fit, cases

TARGET = Path(__file__).parents[1] / "src/paramscale/catalogue/data/calibration.csv"
HEADER = (
    "regime", "memory", "engine", "operation", "value", "deviation", "unit", "measured_on",
    "source", "script",
)  # fmt: skip


def error_line(predicted: Any, truth: Any, label: str) -> str:
    """Return the errors of some predictions in a line."""
    off = np.log(predicted / truth)
    share, far = np.abs(np.expm1(off)), np.exp(np.quantile(abs(off), 0.9))
    return (
        f"{label:46s} {len(off):5d} rows: median {np.median(share):6.1%} mean {np.mean(share):6.1%}"
        f" bias {np.mean(np.expm1(off)):7.1%}  90 % within x{far:.2f}"
    )


def labels(fit: Fit) -> dict[str, list[str]]:
    """Return by what cases are left out together."""
    return {
        "family": [_family(c) for c in fit.cases],
        "team": [c.row["source_group"] for c in fit.cases],
        "engine": [c.what.serving.engine for c in fit.cases],
        "machine": [c.what.hardware.name for c in fit.cases],
    }


def _family(case: Case) -> str:
    return f"{case.what.model.family}" if case.regime == "continuous" else case.what.model.name


def left_out(fit: Fit, x: Any) -> dict[str, Any]:
    """Return the predictions of every case by fits that left out its group, for each grouping."""
    made = {}
    for name, groups in labels(fit).items():
        group, predicted = np.array(groups), np.full(len(groups), np.nan)
        if len(set(groups)) > 1:
            for each in np.unique(group):
                test = group == each
                predicted[test] = fit.predict(fit.fit(~test, x))[test]
        made[name] = predicted
    return made


def report(fit: Fit, x: Any, *, thorough: bool) -> None:
    """Print errors in the sample, by group, and with groups left out."""
    predicted = fit.predict(x)
    for quantity in dict.fromkeys(fit.quantity):
        of = fit.quantity == quantity
        print(error_line(predicted[of], fit.truth[of], f"{fit.regime} {quantity} in sample"))
    if not thorough:
        return
    for name, outside in left_out(fit, x).items():
        for quantity in dict.fromkeys(fit.quantity):
            of = (fit.quantity == quantity) & np.isfinite(outside)
            if of.any():
                label = f"{fit.regime} {quantity} {name} left out"
                print(error_line(outside[of], fit.truth[of], label))
                for each in dict.fromkeys(np.array(labels(fit)[name])[of]):
                    some = of & (np.array(labels(fit)[name]) == each)
                    print("   ", error_line(outside[some], fit.truth[some], each))


def report_one_point(fit: Fit, x: Any) -> None:
    """Print the errors of left-out groups when one row of each configuration is given."""
    keys = [
        (c.what.model.name, c.what.hardware.name, c.what.serving.engine, c.row["weight_precision"],
         float(c.what.parallel.devices or 1.0), c.row["source_group"])
        for c in fit.cases
    ]  # fmt: skip
    causes = fit.shares(x)
    for name, outside in left_out(fit, x).items():
        for quantity in dict.fromkeys(fit.quantity):
            of = np.flatnonzero((fit.quantity == quantity) & np.isfinite(outside))
            off = np.log(fit.truth[of] / outside[of])
            wide = np.full(len(of), _stated(fit.regime, quantity, name))
            label = f"{fit.regime} {quantity} {name} out"
            shares = [causes[i] if quantity == "tpot_s" else {} for i in of]
            line = one_point_line(label, off, wide, [keys[i] for i in of], shares)
            if line:
                print(line)


def _stated(regime: str, quantity: str, new: str) -> float:
    """Return the log width that the library states where a group is new to it."""
    widths = WIDTHS[regime]
    of = "ttft_s" if quantity in ("ttft_s", "prompt_s") else "tpot_s"
    return float(np.hypot(widths[f"{of}_known"], widths.get(f"{of}_{new}", 0.0)))


#: Logs of factors that hold 90 % of measurements, and by which one new thing widens them: from the
#: errors with families (``known``), machines and engines left out, rounded; see docs/serving.md.
WIDTHS = {
    "continuous": {
        "tpot_s_known": 0.31, "tpot_s_machine": 0.28, "tpot_s_engine": 0.30,
        "ttft_s_known": 1.0, "ttft_s_machine": 0.40, "ttft_s_engine": 0.40,
    },
    "static": {
        "tpot_s_known": 0.32, "tpot_s_machine": 0.15, "tpot_s_engine": 0.30,
        "ttft_s_known": 0.40, "ttft_s_machine": 0.25, "ttft_s_engine": 0.40,
    },
    "single_stream": {
        "tpot_s_known": 0.21, "tpot_s_machine": 0.12, "tpot_s_engine": 0.25,
        "ttft_s_known": 0.40, "ttft_s_machine": 0.20, "ttft_s_engine": 0.40,
    },
}  # fmt: skip


def table(fit: Fit, x: Any) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a regime: coefficients, then on what it was measured, then widths."""
    inverse = np.linalg.pinv(fit.jacobian.T @ fit.jacobian)
    deviation = np.zeros(len(x))
    deviation[fit.free] = np.sqrt(np.diag(inverse))
    groups = ";".join(sorted({c.row["source_group"] for c in fit.cases}))
    source, script = f"systems/inference.csv: {groups}", Path(__file__).name
    for prior, value, wide in zip(fit.priors, np.exp(x), deviation, strict=True):
        said = source if wide else prior.source
        yield (
            fit.regime, prior.memory, prior.engine, prior.operation, f"{value:.4g}", f"{wide:.2g}",
            prior.unit, "", said, script,
        )  # fmt: skip
    for what, names in (
        ("machine", {c.what.hardware.name for c in fit.cases}),
        ("engine", {c.what.serving.engine for c in fit.cases}),
        ("memory", {c.what.hardware.memory_type for c in fit.cases}),
        ("vendor", {c.what.hardware.vendor for c in fit.cases}),
    ):
        text = ";".join(sorted(names))
        yield (fit.regime, "", "", f"measured_{what}", "", "", "", text, source, script)
    for name, value in WIDTHS[fit.regime].items():
        yield (fit.regime, "", "", name, f"{value:g}", "", "log factor", "", source, script)


def write(fitted: dict[str, tuple[Fit, Any]]) -> None:
    """Write the calibration into the catalogue; rows of other tools stay."""
    with TARGET.open(encoding="utf-8", newline="") as stream:
        others = [
            row for row in csv.reader(stream) if row[-1] not in ("script", Path(__file__).name)
        ]
    with TARGET.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        for fit, x in fitted.values():
            writer.writerows(table(fit, x))
        writer.writerows(others)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--left-out", action="store_true")
    parser.add_argument("--one-point", action="store_true")
    parser.add_argument("--regime", default="")
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args(arguments)
    every = list(cases(chosen.folder))
    fitted = {}
    for regime in ("continuous", "static", "single_stream"):
        if chosen.regime in ("", regime):
            fit = Fit(regime, [c for c in every if c.regime == regime])
            x = fit.fit(np.ones(len(fit.cases), dtype=bool))
            fitted[regime] = (fit, x)
            report(fit, x, thorough=chosen.left_out)
            if chosen.one_point:
                report_one_point(fit, x)
    if chosen.write:
        write(fitted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
