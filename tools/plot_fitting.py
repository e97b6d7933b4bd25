"""Draw the figures of docs/fitting.md into docs/images (needs matplotlib).

python -m tools.plot_fitting
"""

from __future__ import annotations

import warnings
from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from tests.fitting.measured import RUNS, comparable

from paramscale.errors import IdentifiabilityWarning
from paramscale.fitting import audit, compare_laws, example_runs, fit_isoflop, fit_law
from paramscale.fitting.audit import Audit
from paramscale.fitting.runs import as_runs
from paramscale.fitting.select import excess
from paramscale.laws import compute_optimum

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
CUT = 1.6e18


def save(figure: plt.Figure, name: str) -> None:
    """Write one figure."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    figure.savefig(IMAGES / f"{name}.png", dpi=130, bbox_inches="tight")
    plt.close(figure)


def valleys() -> None:
    """Loss against size at each budget, with the optima."""
    runs = example_runs()
    fit = fit_isoflop(*runs[:3], flops=runs.flops, method="akima")
    figure, axes = plt.subplots(figsize=(6.4, 4.4))
    budgets = np.unique(runs.flops)
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.92, len(budgets)))
    for budget, colour in zip(budgets, colours, strict=True):
        at = (runs.flops == budget) & (runs.loss < 6.6)
        order = np.argsort(runs.parameters[at])
        axes.plot(runs.parameters[at][order], runs.loss[at][order], "o-", ms=3, lw=1, color=colour)
        if budget in budgets[::2] or budget == budgets[-1]:
            last = order[-1]
            axes.annotate(
                f"{budget:.1e}", (runs.parameters[at][last], runs.loss[at][last]), fontsize=7,
                xytext=(4, -2), textcoords="offset points", color=colour,
            )  # fmt: skip
    best = fit.minima
    axes.plot([m.parameters for m in best], [m.loss for m in best], "r*", ms=8,
              label=f"optimum; N ∝ C^{fit.size_exponent:.3f}")  # fmt: skip
    axes.set(xscale="log", xlabel="parameters (with head)", ylabel="validation loss [nats/token]",
             title="IsoFLOP valleys; number at the right: FLOPs")  # fmt: skip
    axes.set_xlim(right=3e9)
    axes.legend()
    save(figure, "fitting_isoflop")


def extrapolation() -> None:
    """A law of small runs, its band, and what larger runs gave."""
    runs = example_runs()
    small = runs.flops <= CUT
    law = fit_law(*(each[small] for each in runs[:3]), purpose="extrapolate", draws=400)
    plain = fit_law(*(each[small] for each in runs[:3]))
    flops = np.geomspace(1e16, 1e21, 80)
    point = compute_optimum(law.as_law(), flops)
    value, low, high = law.predict(point.parameters, point.tokens)
    figure, axes = plt.subplots(figsize=(6.4, 4.4))
    axes.fill_between(flops, low, high, alpha=0.25, color="tab:blue", label="90 % interval")
    axes.plot(flops, value, color="tab:blue", label="fit to small runs, for extrapolation")
    axes.plot(flops, plain(point.parameters, point.tokens), "--", color="tab:orange",
              label="textbook fit to the same runs")  # fmt: skip
    near = excess(as_runs(*runs[:3])) <= np.log(1.03)
    for mask, style, label in (
        (near & small, "ko", "fitted"),
        (near & ~small, "r^", "held out, up to 16 times the compute"),
    ):
        axes.plot(runs.flops[mask], runs.loss[mask], style, ms=4, label=label)
    axes.axvline(CUT, color="grey", lw=0.8)
    axes.set(xscale="log", yscale="log", xlabel="training compute [FLOPs]",
             ylabel="loss at the best size [nats/token]")  # fmt: skip
    axes.set_yticks([2, 2.5, 3, 4, 5, 6], ["2", "2.5", "3", "4", "5", "6"])
    axes.minorticks_off()
    axes.legend(fontsize=8)
    save(figure, "fitting_extrapolation")


def errors() -> None:
    """Signed error against how far beyond the runs, one colour a data set."""
    figure, axes = plt.subplots(figsize=(6.4, 4.4))
    parts: list[Audit] = []
    for name, runs in comparable().items():
        found = audit(*runs, cuts=10)
        parts.append(found)
        axes.plot(found.factor, 100 * found.error, ".", ms=4, label=name, alpha=0.7)
    factor = np.concatenate([each.factor for each in parts])
    half = np.concatenate([50 * np.log(each.high / each.low) for each in parts])
    edges = np.geomspace(1, 100, 9)
    middle = np.sqrt(edges[:-1] * edges[1:])
    width = [np.median(half[(factor > low) & (factor <= high)]) for low, high in pairwise(edges)]
    axes.plot(middle, width, "k-", lw=1.2, label="median 90 % half width")
    axes.plot(middle, -np.array(width), "k-", lw=1.2)
    axes.axhline(0, color="grey", lw=0.6)
    axes.set(xscale="log", xlim=(1, 110), ylim=(-14, 14),
             xlabel="compute of the run over the largest fitted",
             ylabel="predicted over measured loss − 1 [%]")  # fmt: skip
    axes.legend(fontsize=7, ncol=3, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    save(figure, "fitting_audit")


def disagreement() -> None:
    """Published laws through one run, and what trusting the wrong one costs."""
    flops = np.geomspace(1.2e20, 1e26, 40)
    found = compare_laws(1e9, 2e10, 2.53, flops)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2))
    for name, losses in zip(found.names, found.losses, strict=True):
        shown = name in ("besiroglu2024", "hoffmann2022_a3", "muennighoff2023", "gadre2024_c4")
        left.plot(flops, losses, lw=1.6 if shown else 0.6, color=None if shown else "silver",
                  label=name if shown else None, zorder=2 if shown else 1)  # fmt: skip
    left.fill_between(flops, *found.band, alpha=0.12, color="tab:blue", label="all")
    left.set(xscale="log", xlabel="training compute [FLOPs]",
             ylabel="loss of the median allocation [nats/token]",
             title="anchored at 1B parameters, 20B tokens")  # fmt: skip
    left.legend(fontsize=7)
    worst = sorted(found.worst_regret.items(), key=lambda item: item[1])
    right.barh([name for name, _ in worst], [1000 * each for _, each in worst], color="tab:blue")
    right.tick_params(axis="y", labelsize=7)
    right.set(xlabel="worst regret, 1.2e20 to 1e26 FLOPs [millinats]",
              title="cost of allocating by this law\nif another is true")  # fmt: skip
    figure.tight_layout()
    save(figure, "fitting_compare")


def main() -> None:
    """Draw all figures; that of the audit needs shared/data."""
    warnings.simplefilter("ignore", IdentifiabilityWarning)
    valleys()
    extrapolation()
    disagreement()
    if RUNS.is_dir():
        errors()


if __name__ == "__main__":
    main()
