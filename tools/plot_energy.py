"""Draw the figure of docs/energy.md into docs/images (needs matplotlib).

python tools/plot_energy.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullFormatter

import paramscale as ps
from paramscale.validation.row import Comparison, read_rows
from paramscale.validation.tables.inference_energy import inference_energy

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
GROUPS = (("in_scope", "#2a6f97", "vLLM 2024 and 2025"), ("old engine", "#e09f3e", "FastChat 2023"))
MODEL = "qwen3-235b-a22b-2507"


def _scatter(axes: Any, rows: list[Comparison], quantity: str, label: str) -> None:
    """Draw predictions against measurements, with their intervals."""
    ends = [np.inf, 0.0]
    for group, colour, name in GROUPS:
        some = [row for row in rows if row.quantity == quantity and row.group == group]
        if not some:
            continue
        truth, value, low, high = (
            np.array([getattr(row, field) for row in some])
            for field in ("truth", "predicted", "low", "high")
        )
        error = np.median(np.abs(value / truth - 1.0))
        inside = np.mean((low <= truth) & (truth <= high))
        text = f"{name}: {len(some)} rows,\nmedian error {error:.1%}, {inside:.0%} inside"
        bars = [value - low, high - value]
        axes.errorbar(truth, value, yerr=bars, fmt="none", ecolor=colour, alpha=0.07)
        axes.plot(truth, value, ".", color=colour, markersize=3, label=text)
        ends = [min(ends[0], truth.min(), value.min()), max(ends[1], truth.max(), value.max())]
    ends = [ends[0] * 0.8, ends[1] * 1.25]
    axes.plot(ends, ends, color="black", linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    axes.set(xlabel=f"measured [{label}]", ylabel=f"predicted [{label}]")
    axes.legend(frameon=False, loc="upper left", fontsize=8)


def _crossing(axes: Any, folder: Path) -> None:
    """Draw the energy of FP8 over that of bf16 on eight H100, measured and predicted."""
    found: dict[str, dict[int, float]] = {}
    for row in read_rows(folder / "energy/inference_energy.csv"):
        place = (row["task"], row["hardware"], row["num_devices"])
        if "235B" in row["model"] and place[:2] == ("lm-arena-chat", "H100"):
            if float(place[2]) != 8.0:
                continue
            joules = float(row["j_per_output_token"])
            sizes = found.setdefault(row["weight_precision"], {})
            sizes[round(float(row["batch_avg"]))] = joules
    shared = sorted(set(found["fp8"]) & set(found["bfloat16"]))
    measured = [found["fp8"][size] / found["bfloat16"][size] for size in shared]
    batch = np.geomspace(8, 256, 40)
    eight, sixteen = (
        ps.estimate(
            model=MODEL, hardware="h100-sxm", parallel=ps.ParallelSpec(tensor=8, expert=8),
            serving=ps.ServingSpec(
                batch=np.rint(batch), prompt_tokens=350, output_tokens=870, output_variation=1.0,
                weight_format=name, engine="vllm", schedule="continuous",
            ),
            quantities="chip_energy_per_token_j",
        )["chip_energy_per_token_j"].value
        for name in ("fp8", "bf16")
    )  # fmt: skip
    axes.plot(batch, eight / sixteen, color="#2a6f97", label="predicted")
    axes.plot(shared, measured, "o", color="#d1495b", label="measured")
    axes.axhline(1.0, color="black", linewidth=0.8)
    axes.set(xscale="log", xlabel="sequences that run", ylabel="energy of FP8 over bf16")
    axes.set_xticks([8, 16, 32, 64, 128, 256], ["8", "16", "32", "64", "128", "256"])
    axes.minorticks_off()
    axes.set_title("Qwen3-235B-A22B on eight H100")
    axes.legend(frameon=False)


def draw(folder: Path) -> plt.Figure:
    """Energy and power against measurements, and where 8 bits begin to pay for experts."""
    rows = list(inference_energy(folder))
    figure, grid = plt.subplots(1, 3, figsize=(15, 4.8))
    _scatter(grid[0], rows, "energy_per_token_j", "J an output token")
    grid[0].set_title("energy of the accelerators")
    _scatter(grid[1], rows, "power_w", "W, all accelerators")
    grid[1].set_title("mean power")
    for axis in (grid[1].xaxis, grid[1].yaxis):
        axis.set_ticks([300, 1000, 3000], ["300", "1,000", "3,000"])
        axis.set_minor_formatter(NullFormatter())
    _crossing(grid[2], folder)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    draw(Path(sys.argv[1])).savefig(IMAGES / "energy_measured.png", dpi=75)
