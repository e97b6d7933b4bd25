"""A million energies of an output token, beside a NumPy expression of the same size.

python -m pytest benchmarks/test_energy.py --benchmark-only
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import paramscale as ps

SHAPE = (100, 100, 100)


def axes() -> list[Any]:
    """Return batches, prompts and outputs along three axes."""
    values = (np.geomspace(1, 512, 100), np.linspace(64, 4000, 100), np.linspace(16, 2000, 100))
    shapes = ((-1, 1, 1), (1, -1, 1), (1, 1, -1))
    return [np.rint(x).reshape(shape) for x, shape in zip(values, shapes, strict=True)]


@pytest.mark.benchmark(group="one million energies")
def test_energies(benchmark: Any) -> None:
    """Level: at most 0.3 s on one core, times and intervals included."""
    batch, prompt, output = axes()
    serving = ps.ServingSpec(
        batch=batch, prompt_tokens=prompt, output_tokens=output, engine="vllm",
        schedule="continuous",
    )  # fmt: skip
    found = benchmark(
        lambda: ps.estimate(
            model="llama-3.1-8b", hardware="h100-sxm", serving=serving,
            quantities="chip_energy_per_token_j",
        )
    )  # fmt: skip
    assert found["chip_energy_per_token_j"].value.shape == SHAPE


@pytest.mark.benchmark(group="one million energies")
def test_energies_in_bare_numpy(benchmark: Any) -> None:
    """Static and busy power over a smooth maximum of two times, bytes and FLOPs, of every point."""
    batch, prompt, output = axes()

    def bare() -> Any:
        context = prompt + 0.5 * output
        read = (16e9 + batch * context * 131072.0) / 2.7e12
        host = 0.003 + 3e-5 * batch + 0.0 * output
        step = (read**1.1 + host**1.1) ** (1.0 / 1.1)
        prompts = batch * prompt * 16e9 / 7e14
        seconds = step + prompts / output
        share = 0.24 + 0.19 * np.minimum(read / seconds, 1.0) + (0.5 * read + prompts) / seconds
        power = 700.0 / (share**-8.0 + 1.0) ** 0.125
        return power * seconds / batch

    assert benchmark(bare).shape == SHAPE
