"""Plot counts predicted against published: ``docs/images/counts_measured.png``.

    python tools/plot_counts.py FOLDER

Left: FLOPs of a training step per token. Right: bytes of weights in files, and of caches as the
reference code holds them. Needs matplotlib (``paramscale[plot]``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from paramscale.validation.row import Comparison
from paramscale.validation.score import compare_folder

OUT = Path(__file__).resolve().parents[1] / "docs/images/counts_measured.png"


def draw(axes: Any, rows: list[Comparison], label: str, mark: str) -> None:
    """Draw some rows, with their number and median error in the label."""
    truth = np.array([row.truth for row in rows])
    found = np.array([row.predicted for row in rows])
    error = np.median(np.abs(found / truth - 1.0))
    label = f"{label} ({len(rows)} rows, median error {error:.2%})"
    axes.plot(truth, found, mark, markersize=4, alpha=0.6, label=label)


def main(folder: Path) -> None:
    """Draw both panels."""
    rows = [row for row in compare_folder(folder) if not row.refused and row.truth > 0.0]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
    groups = (
        ("step_flops", "systems/flops_per_token", "published tables", "o", left),
        ("weight_bytes", "systems/memory", "weights of GGUF files", "s", right),
        ("kv_cache_bytes", "systems/memory", "caches in papers", "D", right),
        ("kv_cache_bytes", "oracle/truth", "caches of the reference code", ".", right),
    )
    for quantity, table, label, mark, axes in groups:
        some = [row for row in rows if (row.quantity, row.table) == (quantity, table)]
        some = [row for row in some if row.group != "out_of_scope"]
        if some:
            draw(axes, some, label, mark)
    titles = ("FLOP/token", "FLOPs of a training step per token"), ("bytes", "weights and caches")
    for axes, (unit, title) in zip((left, right), titles, strict=True):
        axes.set(xscale="log", yscale="log", xlabel=f"published [{unit}]")
        axes.set(ylabel=f"predicted [{unit}]", title=title)
        ends = [
            min(axes.get_xlim()[0], axes.get_ylim()[0]),
            max(axes.get_xlim()[1], axes.get_ylim()[1]),
        ]
        axes.plot(ends, ends, color="0.5", linewidth=0.8, zorder=0)
        axes.legend(fontsize=8, frameon=False, loc="lower right")
    figure.savefig(OUT, dpi=100)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
