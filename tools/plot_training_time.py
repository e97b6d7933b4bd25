"""Draw predicted against measured training times, each predicted without its own team.

Usage::

    python tools/plot_training_time.py --data ../shared/data

The first panel shows the time of a step, predicted by a fit from which the row's team was left out;
the second the device-hours of published runs from size, tokens and machine alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

import matplotlib.pyplot as plt

from calibrate_training import left_out, read
from paramscale.validation.tables.training import published_runs

IMAGE = Path(__file__).parents[1] / "docs/images/training_time.png"


def panel(axes: Any, truth: Any, predicted: Any, unit: str) -> None:
    """Draw the line of agreement with a factor of 1.25 around it."""
    ends = np.array(
        [0.7 * min(truth.min(), predicted.min()), 1.4 * max(truth.max(), predicted.max())]
    )
    axes.fill_between(ends, ends / 1.25, ends * 1.25, color="0.9", label="within a factor of 1.25")
    axes.plot(ends, ends, color="0.5", linewidth=1)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    axes.set_xlabel(f"measured [{unit}]")
    axes.set_ylabel(f"predicted [{unit}]")


def main() -> None:
    """Draw both panels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of measurements")
    folder = parser.parse_args().data
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
    table = read(folder)
    predicted = table.seconds * np.exp(left_out(table, table.team, known=False))
    panel(left, table.seconds, predicted, "s a step")
    for moe, marker, word in ((False, "o", "dense"), (True, "^", "experts")):
        for team in sorted(set(table.team)):
            mask = (table.team == team) & (table.moe == moe)
            if mask.any():
                label = f"{team}, {word}" if moe else team
                left.plot(
                    table.seconds[mask], predicted[mask], marker, ms=4, alpha=0.6, label=label
                )
    left.set_title("Step time, the row's team left out of the fit")
    left.legend(fontsize=7)
    runs = [run for run in published_runs(folder) if run.group == "in_scope" and not run.refused]
    truth, found, low, high = (
        np.array([getattr(run, name) for run in runs]) / 3600.0
        for name in ("truth", "predicted", "low", "high")
    )
    panel(right, truth, found, "h")
    right.errorbar(truth, found, yerr=(found - low, high - found), fmt="o", ms=4, alpha=0.6, lw=0.8)
    right.set_title("Time of published runs, from size and machine alone")
    words = "device-hours where the number of devices is not stated;\nbars: 90 % interval"
    right.text(0.97, 0.04, words, transform=right.transAxes, ha="right", fontsize=7)
    figure.savefig(IMAGE, dpi=110)


if __name__ == "__main__":
    main()
