"""Draw the figures of docs/optimize.md into docs/images (needs matplotlib).

python tools/plot_optimize.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import paramscale as ps

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"


def front() -> plt.Figure:
    """Time per token against its cost, over machines, batches and layouts."""
    found = ps.optimize(
        model="llama-3.1-8b", pareto=["tpot_s", "cost_per_token_usd"],
        over={"hardware": ["h100-sxm", "b200", "a100-sxm-80gb", "l40s"], "serving.batch": (1, 512),
              "parallel.tensor": [1, 2, 4]},
        subject_to={"missing_memory_bytes": "<= 0"},
    )  # fmt: skip
    figure, axes = plt.subplots(figsize=(7.2, 4.8))
    found.plot(axes)
    axes.set_title("Llama-3.1-8B, 2,048 + 256 tokens: best trade-offs", fontsize=10)
    figure.tight_layout()
    return figure


def profiles() -> plt.Figure:
    """Least loss of a budget, over sizes and over tokens."""
    best = ps.optimize(
        model="llama-3.1-8b", minimize="loss_nats",
        over={"model.parameters": (1e9, 1e12), "training.tokens": (1e10, 1e14)},
        subject_to={"training_flops": ("<=", 5.76e23)}, use={"training_flops": "six_nd"},
    )  # fmt: skip
    axes = best.plot()
    axes[0].figure.suptitle("Least loss for 576 ZFLOP; grey: within 1 %", fontsize=10)
    return axes[0].figure


def tornado() -> plt.Figure:
    """What the time per token depends on."""
    found = ps.sensitivity(
        model="llama-3.1-8b", hardware="h100-sxm", serving=ps.ServingSpec(batch=8),
        quantities="tpot_s", samples=0,
        over={"model.parameters": (4e9, 16e9), "serving.batch": (1, 64),
              "serving.prompt_tokens": (512, 8192), "serving.weight_format": ["bf16", "fp8"],
              "hardware.memory_bandwidth_bytes_per_s": 1.2},
    )  # fmt: skip
    figure, axes = plt.subplots(figsize=(8.2, 3.6))
    found.plot("tpot_s", axes)
    axes.set_title("Time per output token of Llama-3.1-8B on an H100, 8 sequences", fontsize=10)
    figure.tight_layout()
    return figure


FIGURES = {
    "optimize_front": front,
    "optimize_profiles": profiles,
    "optimize_tornado": tornado,
}

if __name__ == "__main__":
    for name, draw in FIGURES.items():
        draw().savefig(IMAGES / f"{name}.png", dpi=110)
