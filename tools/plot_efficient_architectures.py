"""Draw the figure of docs/efficient_architectures.md into docs/images (needs matplotlib).

python tools/plot_efficient_architectures.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import paramscale as ps

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"

CONTEXTS = np.geomspace(1024.0, 131072.0, 57).round()


def variants() -> dict[str, ps.ModelSpec]:
    """Return Llama-2-7B, which has a key for every head, and what can be made of its attention."""
    base = attrs.evolve(ps.models["llama-2-7b"], max_context=None)
    return {
        "32 key-value heads": base,
        "8 key-value heads": ps.share_kv(base, 8),
        "1 key-value head": ps.share_kv(base, 1),
        "latent of 512": ps.share_kv(base, latent=512),
        "window of 4096 in 5 of 6 layers": ps.window(base, 4096, share=5 / 6),
        "window of 4096": ps.window(base, 4096),
    }


#: Quantity, label of the axis, and factor.
PANELS = (
    ("kv_cache_bytes", "cache of one sequence [GiB]", 2.0**-30),
    ("decode_flops", "work of one token [GFLOP]", 1e-9),
    ("tpot_s", "time of one token [ms], one H100", 1e3),
)


def _panel(axes: Any, quantity: str, label: str, factor: float) -> None:
    serving = ps.ServingSpec(prompt_tokens=CONTEXTS, output_tokens=0, batch=1)
    styles = ("-", "-", "-", "--", ":", ":")
    colours = ("#22223b", "#2a6f97", "#61a5c2", "#d1495b", "#588157", "#a3b18a")
    for (name, model), style, colour in zip(variants().items(), styles, colours, strict=True):
        found = ps.estimate(
            model=model, hardware="h100-sxm", serving=serving, quantities=[quantity]
        )[quantity]
        axes.plot(CONTEXTS, found.value * factor, style, color=colour, label=name)
    axes.set(xscale="log", xlabel="context [tokens]", ylabel=label)
    axes.set_xticks([1024, 4096, 16384, 65536], ["1k", "4k", "16k", "64k"])
    axes.minorticks_off()
    axes.grid(alpha=0.25)


def main() -> None:
    """Draw the figure."""
    figure, grid = plt.subplots(1, 3, figsize=(12.5, 4.2))
    for axes, panel in zip(grid, PANELS, strict=True):
        _panel(axes, *panel)
    grid[0].set(yscale="log")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, frameon=False)
    figure.suptitle("Llama-2-7B with other attention: what a context costs")
    figure.tight_layout(rect=(0, 0.12, 1, 1))
    figure.savefig(IMAGES / "efficient_attention.png", dpi=110)


if __name__ == "__main__":
    main()
