"""What the benchmarks share: one real model, one machine, one workload."""

from __future__ import annotations

import pytest

import paramscale as ps


@pytest.fixture(scope="session")
def specs() -> dict[str, object]:
    """A scenario of ready specs."""
    return {
        "model": ps.models["llama-3.1-8b"],
        "hardware": ps.hardware["h100-sxm"],
        "serving": ps.ServingSpec(batch=8, prompt_tokens=2048, output_tokens=256),
        "training": ps.TrainingSpec(tokens=15e12, batch_tokens=4e6),
    }
