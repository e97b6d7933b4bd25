"""Draw one prompt in five boundaries, and one training run in several places.

Usage::

    python tools/plot_footprints.py

The first panel is the median prompt of Gemini Apps (arXiv:2508.15734), from its busy accelerators
to the whole stack; the second the 131 MWh of OLMo 2 7B's boards (arXiv:2501.00656, Table 19) as
greenhouse gas in places of the catalogue, with 90 % intervals.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

import matplotlib.pyplot as plt

import paramscale as ps

IMAGE = Path(__file__).parents[1] / "docs/images/footprints.png"
PLACES = ("SE", "FR", "gcp:us-west1", "DE", "US", "gcp:us-central1", "world", "CN", "PL", "IN")
WATT_HOUR, MWH = 3.6e3, 3.6e9

#: Boundary in words, accelerators' energy [Wh], and the account.
STACK = {"server_overhead_ratio": 83 / 58}
BOUNDARIES: tuple[tuple[str, float, dict[str, Any]], ...] = (
    ("accelerators, busy", 0.10, {"boundary": "chip"}),
    ("accelerators in production", 0.58 * 0.24, {"boundary": "chip"}),
    ("+ hosts", 0.58 * 0.24, {"boundary": "server", **STACK}),
    ("+ idle machines", 0.58 * 0.24, {"boundary": "server", "idle_ratio": 10 / 83, **STACK}),
    ("+ the site (PUE 1.09)", 0.58 * 0.24, {"idle_ratio": 10 / 83, **STACK}),
)


def prompt(axes: Any) -> None:
    """Draw the energy of a prompt in each boundary."""
    values = []
    for _, energy, account in BOUNDARIES:
        found = ps.estimate(
            chip_energy_per_token_j=energy * WATT_HOUR, site=ps.SiteSpec(pue=1.09),
            account=ps.AccountSpec(**account), quantities="energy_per_token_j",
        )  # fmt: skip
        values.append(float(found["energy_per_token_j"].value) / WATT_HOUR)
    places = np.arange(len(values))[::-1]
    axes.barh(places, values, color=["0.75", "C0", "C0", "C0", "C0"])
    for place, value in zip(places, values, strict=True):
        axes.text(value + 0.004, place, f"{value:.2f}", va="center")
    axes.set_yticks(places, [name for name, _, _ in BOUNDARIES])
    axes.set(xlabel="energy of a median prompt [Wh]", xlim=(0, 0.28))
    axes.set_title("One prompt, five boundaries", loc="left")


def run(axes: Any) -> None:
    """Draw the carbon of a run in several places, with intervals."""
    found = [
        ps.estimate(site=place, training_chip_energy_j=131 * MWH,
                    quantities="training_carbon_kgco2e")["training_carbon_kgco2e"]
        for place in PLACES
    ]  # fmt: skip
    value, low, high = (
        np.array([float(getattr(each, end)) / 1e3 for each in found])
        for end in ("value", "low", "high")
    )
    places = np.arange(len(PLACES))[::-1]
    axes.barh(places, value, color="C2", alpha=0.8)
    axes.errorbar(
        value, places, xerr=[value - low, high - value], fmt="none", color="0.2", capsize=3
    )
    axes.set_yticks(places, [ps.sites.place(name) for name in PLACES])
    axes.set(xlabel="training of a 7B model, 131 MWh of boards [tCO2e]", xlim=(0, None))
    axes.set_title("One run, ten places", loc="left")


def main() -> None:
    """Draw both panels."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    prompt(left)
    run(right)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(IMAGE, dpi=110)


if __name__ == "__main__":
    main()
