"""How long loss added by compression takes: one model, many sizes, sizes times formats.

python -m pytest benchmarks --benchmark-only
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import paramscale as ps
from paramscale.laws.compressed import losses_added
from paramscale.specs.changes import Quantization

FORMATS = ["bf16", "q8_0", "q5_k_m", "q4_k_m", "gptq-int4-g128"]


@pytest.mark.benchmark(group="loss added by compression")
@pytest.mark.parametrize("sizes", [1, 1000])
def test_law(benchmark: Any, sizes: int) -> None:
    """The law alone, of one record."""
    done = (Quantization(method="gptq", weight_bits=4, group=128),)
    size = np.float64(7e9) if sizes == 1 else np.geomspace(1e9, 1e11, sizes)
    found = benchmark(losses_added, done, size, np.float64(2e12))
    assert np.shape(found.value) == np.shape(size)


@pytest.mark.benchmark(group="sizes in formats")
@pytest.mark.parametrize("sizes", [10, 1000])
def test_best_format(benchmark: Any, sizes: int) -> None:
    """Sizes times five formats, with memory and probabilities."""
    grid, run = np.geomspace(1e9, 1e11, sizes), ps.TrainingSpec(tokens=15e12)
    budget = {"serving_memory_bytes": [12e9, 24e9, 80e9]}
    found = benchmark(ps.best_format, grid, FORMATS, budget, training=run, draws=200)
    assert found.loss.shape == (sizes, len(FORMATS))
