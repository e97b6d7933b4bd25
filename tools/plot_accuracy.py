"""Draw ``docs/images/accuracy_*.png``: curves by family with the measured points.

Run ``python tools/plot_accuracy.py`` in the repository; it needs matplotlib and ``../shared/data``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from accuracy_check import sibling_of
from accuracy_rows import CORE, Rows, read_rows
from paramscale.laws.accuracy import AccuracyInputs, accuracy_law
from paramscale.laws.family import family_offsets

mpl.use("Agg")
import matplotlib.pyplot as plt  # the backend comes first

OUT = Path(__file__).parents[1] / "docs" / "images"
FAMILIES = ("pythia", "opt", "llama", "llama-2", "llama-3", "qwen1.5", "yi", "starcoder2")
TITLES = ("MMLU", "ARC-Challenge", "HellaSwag", "WinoGrande", "GSM8K", "HumanEval")


def flops(rows: Rows) -> Any:
    """Return training FLOPs, 6 · active parameters · tokens."""
    return 6.0 * rows.active * rows.tokens


def by_family(rows: Rows) -> None:
    """Draw six benchmarks: the points of eight families and the curve that one member gives."""
    figure, grid = plt.subplots(2, 3, figsize=(12, 7), sharex=True, layout="constrained")
    law = accuracy_law()
    for place, (axis, title) in enumerate(zip(grid.flat, TITLES, strict=True)):
        for number, family in enumerate(FAMILIES):
            mine = rows.take(rows.family == family)
            order = np.argsort(mine.parameters, kind="stable")
            models = list(dict.fromkeys(mine.model[order]))
            given = models[len(models) // 2]
            offsets = family_offsets(law, [sibling_of(mine, given)])
            here = mine.take(mine.benchmark == place)
            colour = f"C{number}"
            axis.plot(flops(here), here.score, "o", color=colour, ms=4, label=family)
            known = here.take(here.model == given)
            axis.plot(flops(known), known.score, "o", color=colour, ms=9, mfc="none")
            size = np.geomspace(mine.parameters.min(), mine.parameters.max(), 60)
            tokens = np.interp(np.log(size), np.log(mine.parameters[order]), mine.tokens[order])
            value, *_ = offsets.predict(place, AccuracyInputs(size, size, tokens))
            axis.plot(6.0 * size * tokens, value, "-", color=colour, lw=1.2)
        axis.axhline(law.chance[place], color="grey", lw=0.7, ls=":")
        axis.set(title=title, xscale="log", ylim=(-0.02, 1.0))
    for axis in grid[1]:
        axis.set_xlabel("training FLOPs")
    grid[0, 0].set_ylabel("accuracy")
    grid[1, 0].set_ylabel("accuracy")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=8, frameon=False)
    figure.suptitle("Points: measured. Lines: the law, told the ringed member of each family only.")
    figure.savefig(OUT / "accuracy_families.png", dpi=110)
    plt.close(figure)


def unknown_family(rows: Rows) -> None:
    """Draw MMLU and GSM8K of all general families beside what the law says of an unknown one."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    law, size = accuracy_law(), np.geomspace(7e7, 2e11, 200)
    for axis, name in zip(axes, ("mmlu", "gsm8k"), strict=True):
        which = CORE.index(name)
        here = rows.take((rows.benchmark == which) & (rows.code == 0.0))
        drawn = axis.scatter(here.parameters, here.score, c=np.log10(here.tokens), s=18, zorder=3)
        for tokens, year, colour in ((3e11, 2023.2, "C0"), (15e12, 2024.3, "C2")):
            given = AccuracyInputs(size, size, tokens, year, 0.0)
            z = law.logit(which, law.across, given)
            spread = np.sqrt(law.covariance[which, which])
            _, low, high = law.banded(which, law.across, z, spread, "both")
            label = f"{tokens:.2g} tokens, {year}"
            axis.plot(size, law.fraction(which, law.across, z), color=colour, label=label)
            axis.fill_between(size, low, high, color=colour, alpha=0.15, lw=0)
        axis.axhline(law.chance[which], color="grey", lw=0.7, ls=":")
        axis.set(title=TITLES[which], xscale="log", xlabel="parameters", ylim=(-0.02, 1.0))
        axis.legend(frameon=False, loc="upper left")
    axes[0].set_ylabel("accuracy")
    figure.colorbar(drawn, ax=axes, label="log10 of tokens (points)")
    figure.suptitle("Family unknown: the law with its 90 % intervals; points: all general families")
    figure.savefig(OUT / "accuracy_unknown_family.png", dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    table = read_rows()
    by_family(table)
    unknown_family(table)
