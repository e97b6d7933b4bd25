"""Plot training memory predicted against measured: ``docs/images/training_memory.png``.

    python tools/plot_training_memory.py --data FOLDER [--out FILE]

Left: activations, from the tables of the oracle. Right: peak memory of runs with its interval, and
what papers give for states and activations of one device. Needs matplotlib (``paramscale[plot]``).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from paramscale.validation.row import Comparison
from paramscale.validation.score import PACKAGED
from paramscale.validation.tables.activations import activations, full_size_activations
from paramscale.validation.tables.training_memory import (
    paper_memory,
    peak_memory,
    peak_memory_of_other_teams,
)

OUT = Path(__file__).resolve().parents[1] / "docs/images/training_memory.png"
MARKS = "osD^vPX*d<"


def panel(axes: Any, groups: dict[str, list[Comparison]], unit: float, words: str) -> None:
    """Draw measured against predicted bytes, a mark a group, with the line of equality."""
    for mark, (name, rows) in zip(MARKS, groups.items(), strict=False):
        measured = [row.truth / unit for row in rows]
        predicted = [row.predicted / unit for row in rows]
        spread = [
            [max(row.predicted - row.low, 0.0) / unit for row in rows],
            [max(row.high - row.predicted, 0.0) / unit for row in rows],
        ]
        banded = all(row.low == row.low for row in rows)
        axes.errorbar(
            measured, predicted, yerr=spread if banded else None, fmt=mark, markersize=4,
            elinewidth=0.6, alpha=0.7, label=f"{name} ({len(rows)})",
        )  # fmt: skip
    ends = [
        min(axes.get_xlim()[0], axes.get_ylim()[0]),
        max(axes.get_xlim()[1], axes.get_ylim()[1]),
    ]
    ends[0] = max(ends[0], min(row.truth for rows in groups.values() for row in rows) / unit / 2)
    axes.plot(ends, ends, color="0.5", linewidth=0.8, zorder=0)
    axes.set(xscale="log", yscale="log", xlabel=f"measured {words}", ylabel=f"predicted {words}")
    axes.legend(fontsize=7, frameon=False)
    axes.grid(alpha=0.2)


def grouped(rows: Iterable[Comparison], name: str) -> dict[str, list[Comparison]]:
    """Return the rows with an estimate, by group."""
    found: dict[str, list[Comparison]] = defaultdict(list)
    for row in rows:
        if not row.refused:
            found[f"{name}{row.group}"].append(row)
    return found


def main() -> None:
    """Draw both panels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of measurements")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9.5, 4.4), layout="constrained")
    kept = grouped(activations(given.data), "tiny models, ")
    kept |= grouped(full_size_activations(given.data), "full size, ")
    panel(left, kept, 1e6, "activations [MB]")
    peaks = grouped(peak_memory(given.data), "peak: ")
    peaks |= grouped(peak_memory_of_other_teams(PACKAGED), "peak: ")
    papers = grouped((row for row in paper_memory(given.data) if row.truth > 1e6), "papers: ")
    panel(right, {**peaks, **papers}, 1e9, "memory of a device [GB]")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(given.out, dpi=130)


if __name__ == "__main__":
    main()
