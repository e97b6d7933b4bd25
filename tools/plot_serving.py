"""Draw the figures of docs/serving.md into docs/images (needs matplotlib).

python tools/plot_serving.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import paramscale as ps
from paramscale.validation.row import Comparison
from paramscale.validation.tables.inference import inference

#: Dots an inch; thousands of points make large files.
SHARPNESS = {"serving_measured": 64, "serving_curves": 120}

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"

#: Quantity, group, title, unit and factor of each panel.
PANELS = (
    ("tpot_s", "in_scope: serving", "serving: time per output token", "ms", 1e3),
    ("ttft_s", "in_scope: serving", "serving: first token", "s", 1.0),
    ("throughput_tokens_per_s", "in_scope: serving", "serving: output tokens/s", "tokens/s", 1.0),
    ("throughput_tokens_per_s", "in_scope: offline", "offline: output tokens/s", "tokens/s", 1.0),
    ("tpot_s", "in_scope: single stream decode", "single stream: decode step", "ms", 1e3),
    ("ttft_s", "in_scope: single stream prefill", "single stream: prompt", "s", 1.0),
)


def _panel(axes: Any, rows: list[Comparison], title: str, unit: str, factor: float) -> None:
    """Draw predictions with their intervals against measurements."""
    truth = np.array([row.truth for row in rows]) * factor
    value = np.array([row.predicted for row in rows]) * factor
    low = np.array([row.low for row in rows]) * factor
    high = np.array([row.high for row in rows]) * factor
    hits = (low <= truth) & (truth <= high)
    for mask, colour, label in ((hits, "#2a6f97", "inside"), (~hits, "#d1495b", "outside")):
        bars = [value[mask] - low[mask], high[mask] - value[mask]]
        axes.errorbar(
            truth[mask], value[mask], yerr=bars, fmt="none", ecolor=colour, elinewidth=0.6,
            alpha=0.06,
        )  # fmt: skip
        axes.plot(truth[mask], value[mask], ".", color=colour, markersize=3, label=label)
    ends = [min(truth.min(), value.min()) * 0.8, max(truth.max(), value.max()) * 1.2]
    axes.plot(ends, ends, color="black", linewidth=0.8)
    error = np.median(np.abs(value / truth - 1.0))
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    axes.set(xlabel=f"measured [{unit}]", ylabel=f"predicted [{unit}]")
    axes.set_title(f"{title}\n{len(rows)} rows, median error {error:.1%}, {hits.mean():.0%} inside")
    axes.legend(frameon=False, loc="upper left", fontsize=8)


def against_measurements(folder: Path) -> plt.Figure:
    """Predicted against measured, a panel a regime."""
    compared = list(inference(folder))
    figure, grid = plt.subplots(3, 2, figsize=(9, 12.5))
    for axes, (quantity, group, title, unit, factor) in zip(grid.flat, PANELS, strict=True):
        rows = [row for row in compared if row.quantity == quantity and row.group == group]
        _panel(axes, rows, title, unit, factor)
    figure.tight_layout()
    return figure


def curves() -> plt.Figure:
    """Throughput a device against the speed of each request, over the batch."""
    figure, axes = plt.subplots(figsize=(7.5, 5))
    batch = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256], dtype=float)
    machines = (("h100-sxm", "#2a6f97"), ("b200", "#e09f3e"), ("a100-sxm-80gb", "#6a994e"))
    for name, colour in machines:
        serving = ps.ServingSpec(
            batch=batch, prompt_tokens=2048, output_tokens=512, engine="vllm",
            schedule="continuous",
        )  # fmt: skip
        given: dict[str, Any] = {"model": "llama-3.1-8b", "hardware": name, "serving": serving}
        found = ps.estimate(**given, quantities=["tpot_s", "throughput_tokens_per_s"])
        tpot, rate = found["tpot_s"], found["throughput_tokens_per_s"].value
        bound = ps.estimate(**given, quantities="tpot_s", use={"tpot_s": "decode_roofline"})
        axes.plot(1 / tpot.value, rate, "o-", color=colour, label=name)
        axes.fill_betweenx(rate, 1 / tpot.high, 1 / tpot.low, color=colour, alpha=0.15)
        fastest = 1 / bound["tpot_s"].value
        axes.plot(fastest, batch * fastest, ":", color=colour, linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel="tokens/s of one request")
    axes.set(ylabel="tokens/s of all requests")
    axes.set_title("Llama 3.1 8B, vLLM, 2,048 + 512 tokens, 1 to 256 at once (dotted: bound)")
    axes.legend(frameon=False)
    figure.tight_layout()
    return figure


def main(folder: Path) -> None:
    """Write the figures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, figure in (
        ("serving_measured", against_measurements(folder)),
        ("serving_curves", curves()),
    ):
        figure.savefig(IMAGES / f"{name}.png", dpi=SHARPNESS[name])
        plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
