"""Make the pictures of ``docs/overfitting.md``: law, band and measured runs.

python tools/plot_overfitting.py STUDY/capability/datablations_losses.csv
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from fit_repetition import Runs, read
from paramscale.laws.repetition import repetition_law
from paramscale.laws.repetition_optimum import best_epochs, best_size

matplotlib.use("Agg")
import matplotlib.pyplot as plt

IMAGES = Path(__file__).parent.parent / "docs" / "images"
LAW = repetition_law()


def save(figure: Any, name: str) -> None:
    figure.savefig(IMAGES / name, dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def label(size: float) -> str:
    return f"{size / 1e9:.1f}B" if size >= 1e9 else f"{size / 1e6:.0f}M"


def curves(runs: Runs) -> None:
    """Loss against epochs by size, for two amounts of data."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True)
    chosen = {
        1e8: [1.41e7, 4.4e7, 1.465e8, 6.187e8, 1.0963e9, 2.81e9],
        1.5e9: [2.205e8, 4.212e8, 1.0963e9, 2.16001e9, 2.81e9],
    }
    epochs = np.geomspace(1, 2000, 200)
    for axis, (unique, sizes) in zip(axes, chosen.items(), strict=True):
        for place, size in enumerate(sizes):
            colour = plt.cm.viridis(place / len(sizes))
            low, high = LAW.interval(size, unique * epochs, unique)
            axis.fill_between(epochs, low, high, color=colour, alpha=0.12, lw=0)
            axis.plot(epochs, LAW(size, unique * epochs, unique), color=colour, label=label(size))
            here = (size == runs.N) & (unique == runs.U)
            axis.plot(runs.D[here] / unique, runs.loss[here], "o", color=colour, ms=5, mec="k")
        axis.set(xscale="log", xlabel="epochs", title=f"{unique:.1e} unique tokens")
        axis.legend(title="parameters", fontsize=8)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("loss [nats per token]")
    save(figure, "overfitting_epochs.png")


def valleys(runs: Runs) -> None:
    """Best loss over epochs against size, the band, and the measured minima."""
    figure, axis = plt.subplots(figsize=(7, 4.5))
    sizes = np.geomspace(1e7, 1e10, 121)
    for place, unique in enumerate((1e8, 4e8, 1.5e9)):
        colour = plt.cm.plasma(place / 3)
        axis.plot(sizes, best_epochs(LAW, sizes, unique).loss, color=colour, label=f"{unique:.1e}")
        best = best_size(LAW, unique)
        axis.plot(
            [best.low, best.high], [float(best.loss) - 0.03] * 2, color=colour, lw=5, alpha=0.4
        )
        here = unique == runs.U
        for size in np.unique(runs.N[here]):
            same = here & (size == runs.N)
            tried = np.count_nonzero(same) >= 3
            least = runs.loss[same].min()
            axis.plot(size, least, "o" if tried else ".", color=colour, mec="k")
    axis.set(
        xscale="log", ylim=(2.6, 5.0), xlabel="parameters", ylabel="best loss [nats per token]"
    )
    axis.legend(title="unique tokens")
    axis.grid(alpha=0.3)
    save(figure, "overfitting_sizes.png")


def risks() -> None:
    """Probability of losing 0.05 nats, over parameters per unique token and epochs."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True)
    epochs, ratio = np.geomspace(1, 300, 120), np.geomspace(1e-2, 30, 120)[:, None]
    unique = 1e9
    for axis, decay in zip(axes, (0.1, 1.0), strict=True):
        risk = LAW.risk(LAW.excess(ratio * unique, epochs * unique, unique, decay), 0.05)
        drawn = axis.contourf(
            epochs, ratio[:, 0], risk, levels=np.linspace(0, 1, 11), cmap="YlOrRd"
        )
        axis.set(xscale="log", yscale="log", xlabel="epochs", title=f"weight decay {decay}")
    axes[0].set_ylabel("parameters per unique token")
    figure.colorbar(drawn, ax=axes, label="risk of losing 0.05 nats")
    save(figure, "overfitting_risk.png")


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    runs = read(Path(sys.argv[1]))
    curves(runs)
    valleys(runs)
    risks()


if __name__ == "__main__":
    main()
