"""Draw ``docs/images/compression_*.png``: predicted against measured, and sizes in formats.

Run ``python tools/plot_compression.py`` in the repository; it needs matplotlib and
``../shared/data``. Predictions are those of fits that have not seen the model (or the size).
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

import fit_experts
import paramscale as ps
from compression_fit import design, left_out
from fit_compression import SCATTER, label, sets
from paramscale.laws.dense_equivalent import root_rule
from paramscale.validation.expert_rows import expert_runs

mpl.use("Agg")
import matplotlib.pyplot as plt  # the backend comes first

OUT = Path(__file__).parents[1] / "docs" / "images"
PANELS = (
    ("Block formats (GGUF)", "rounded", ("gguf",)),
    ("Codebooks", "rounded", ("codebook",)),
    ("Codes with scales", "rounded", ("gptq", "awq", "rtn")),
    ("Weights set to zero", "cut",
     ("wanda", "sparsegpt", "owl-wanda", "owl-sparsegpt", "magnitude")),
)  # fmt: skip
NAMES = {
    "gguf": "GGUF", "codebook": "AQLM, QuIP#, VPTQ, ...", "gptq": "GPTQ", "awq": "AWQ",
    "rtn": "RTN", "wanda": "Wanda", "sparsegpt": "SparseGPT", "owl-wanda": "OWL + Wanda",
    "owl-sparsegpt": "OWL + SparseGPT", "magnitude": "magnitude",
}  # fmt: skip


def measured() -> None:
    """Draw losses added, each model left out of the fit that predicts it."""
    figure, grid = plt.subplots(2, 2, figsize=(10, 9), layout="constrained")
    found = {}
    for name, rows in sets().items():
        made = design(rows)
        found[name] = rows, left_out(rows, made, SCATTER)
    for axis, (title, which, kinds) in zip(grid.flat, PANELS, strict=True):
        rows, miss = found[which]
        labels = np.array([label(row) for row in rows])
        true = np.array([row.added for row in rows])
        here = np.isin(labels, kinds)
        ends = np.array([true[here].min() / 1.6, true[here].max() * 1.6])
        axis.plot(ends, ends, color="0.4", lw=1)
        axis.fill_between(ends, ends / 1.25, ends * 1.25, color="0.9", label="a factor of 1.25")
        for number, kind in enumerate(kinds):
            mine = labels == kind
            factor = np.exp(np.median(np.abs(miss[mine])))
            predicted = true[mine] * np.exp(-miss[mine])
            text = f"{NAMES[kind]}: {factor:.2f}"
            axis.plot(true[mine], predicted, "o", ms=4, alpha=0.7, color=f"C{number}", label=text)
        axis.set(xscale="log", yscale="log", xlim=ends, ylim=ends, title=title)
        axis.set(xlabel="measured loss added (nats)", ylabel="predicted without the model (nats)")
        axis.legend(fontsize=8, loc="upper left", title="median factor", title_fontsize=8)
    figure.savefig(OUT / "compression_measured.png", dpi=90)


def frontier() -> None:
    """Draw loss against memory for sizes in formats, and who wins at a memory."""
    formats = ["bf16", "q8_0", "q5_k_m", "q4_k_m", "q3_k_m", "q2_k", "iq2_xs"]
    sizes = np.geomspace(0.8e9, 1.2e11, 400)
    budget = {"weight_bytes": np.geomspace(2e9, 1e11, 60)}
    training = ps.TrainingSpec(tokens=15e12)
    found = ps.best_format(sizes, formats, budget, training=training)
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    for number, name in enumerate(formats):
        memory = found.taken["weight_bytes"][:, number] / 1e9
        left.plot(memory, found.loss[:, number], color=f"C{number}", label=name)
        band = found.low[:, number], found.high[:, number]
        left.fill_between(memory, *band, color=f"C{number}", alpha=0.12, lw=0)
    left.set(xscale="log", xlabel="weights (GB)", ylabel="loss (nats)", ylim=(1.88, 2.45))
    left.set(xlim=(2, 100), title="Llama-like models after 15 T tokens")
    left.legend(fontsize=8, title="bands: 90 %", title_fontsize=8, loc="upper right")
    chance = found.chances.sum(axis=1)
    right.stackplot(budget["weight_bytes"] / 1e9, chance.T, labels=formats, alpha=0.8)
    right.set(xscale="log", xlabel="memory for weights (GB)", ylabel="probability of being best")
    right.set(xlim=(2, 100), ylim=(0, 1), title="Best format, with the largest size that fits")
    right.legend(fontsize=8, loc="lower left")
    for axis in (left, right):
        axis.set_xticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
        axis.minorticks_off()
    figure.savefig(OUT / "compression_frontier.png", dpi=90)


def experts() -> None:
    """Draw dense sizes of equal loss, each size of experts left out, beside the root rule."""
    with fit_experts.DATA.open(encoding="utf-8", newline="") as stream:
        every = [run for run in expert_runs(csv.DictReader(stream)) if np.isfinite(run.dense)]
    runs = [run for run in every if run.study == "Clark2022"]
    true = np.array([run.dense for run in runs])
    base = np.array([run.base for run in runs])
    law = true * np.exp(fit_experts.left_out(runs, "base"))
    root = np.array([root_rule(run.total, run.active) for run in runs])
    figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained", sharey=True)
    ends = np.array([true.min() / 1.4, true.max() * 1.4])
    drawn: tuple[tuple[str, Any], ...] = (("Law, the size left out", law), ("Root rule", root))
    for axis, (title, predicted) in zip(axes, drawn, strict=True):
        axis.plot(ends, ends, color="0.4", lw=1)
        axis.fill_between(ends, ends / 1.35, ends * 1.35, color="0.9", label="a factor of 1.35")
        for number, each in enumerate(np.unique(base)):
            here = base == each
            factor = np.exp(np.median(np.abs(np.log(predicted[here] / true[here]))))
            text = f"{each / 1e6:.0f} M active: {factor:.2f}"
            axis.plot(
                true[here], predicted[here], "o", ms=4, alpha=0.7, color=f"C{number}", label=text
            )
        axis.set(xscale="log", yscale="log", xlim=ends, ylim=ends, title=title)
        axis.set_xlabel("dense size of equal loss (parameters)")
        axis.legend(fontsize=8, loc="upper left", title="median factor", title_fontsize=8)
    axes[0].set_ylabel("predicted (parameters)")
    figure.savefig(OUT / "compression_experts.png", dpi=90)


if __name__ == "__main__":
    measured()
    frontier()
    experts()
