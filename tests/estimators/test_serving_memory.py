"""Memory of serving: what fits, what is missing, how much more there is room for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import paramscale as ps
from paramscale.systems.sequences import USABLE

NAMES = (
    "serving_memory_bytes", "missing_memory_bytes", "largest_batch_count", "longest_context_tokens",
    "fewest_devices", "weight_bytes", "kv_cache_bytes",
)  # fmt: skip


def memory(model: str, machine: str = "h100-sxm", tensor: int = 1, **fields: Any) -> ps.Estimates:
    """Return the memory of a served model."""
    return ps.estimate(
        model=model, hardware=machine, serving=ps.ServingSpec(**fields),
        parallel=ps.ParallelSpec(tensor=tensor), quantities=NAMES,
    )  # fmt: skip


def test_a_batch_of_the_largest_size_fits_and_one_more_does_not() -> None:
    """The count turns `missing_memory_bytes` from zero to positive."""
    fields = {"prompt_tokens": 2048, "output_tokens": 512}
    most = float(memory("llama-3.1-8b", **fields)["largest_batch_count"].value)
    assert most > 100
    for more, fits in ((0, True), (2, False)):
        found = memory("llama-3.1-8b", batch=most + more, **fields)
        assert bool(found["missing_memory_bytes"].value == 0.0) is fits


def test_the_longest_context_fits() -> None:
    """A prompt of that length fits, and a page more than that does not (full attention)."""
    longest = float(
        memory("llama-3.1-8b", batch=8, output_tokens=1)["longest_context_tokens"].value
    )
    fields = {"batch": 8, "output_tokens": 1}
    assert (
        memory("llama-3.1-8b", prompt_tokens=longest - 17, **fields)["missing_memory_bytes"].value
        == 0
    )
    assert (
        memory("llama-3.1-8b", prompt_tokens=longest + 64, **fields)["missing_memory_bytes"].value
        > 0
    )


def test_a_model_that_does_not_fit_is_an_answer() -> None:
    """Llama 3.1 405B in bf16 lacks most of its 810 GB on one card; 11 cards and more hold it."""
    found = memory("llama-3.1-405b", batch=1)
    assert found["missing_memory_bytes"].value > 700e9
    assert found["largest_batch_count"].value == 0
    assert 11 <= found["fewest_devices"].value <= 13
    eight = memory("llama-3.1-405b", tensor=8, weight_format="fp8")
    assert eight["missing_memory_bytes"].value == 0.0


def test_recurrent_states_do_not_grow() -> None:
    """Mamba's state is the same at any length, so that only the model limits the context."""
    assert memory("mamba2-1.3b")["longest_context_tokens"].value == np.inf


def test_windows_that_are_full_do_not_grow() -> None:
    """Half of Gemma 2's layers see 4,096 tokens: longer contexts cost half as much."""
    short = memory("gemma-2-9b", "a100-sxm-80gb", batch=16, prompt_tokens=7000)
    assert short["longest_context_tokens"].value == 8192  # the model's own limit


def test_terms_add_up() -> None:
    """Weights, cache in pages, workspace and context are all there is."""
    found = memory("llama-3.1-8b", batch=4, prompt_tokens=1000, output_tokens=1)
    parts = found["serving_memory_bytes"].parts
    assert set(parts) == {"weights", "cache", "workspace", "runtime_context"}
    assert parts["cache"] == pytest.approx(found["kv_cache_bytes"].value * 1008 / 1001)
    assert sum(parts.values()) == pytest.approx(found["serving_memory_bytes"].value)


def test_room_is_the_usable_memory() -> None:
    """What is missing is counted against the share that engines use."""
    found = memory("llama-3.1-8b", batch=1000, prompt_tokens=4096)
    memory_bytes = ps.hardware["h100-sxm"].memory_bytes
    lacking = found["serving_memory_bytes"].value - USABLE * memory_bytes
    assert found["missing_memory_bytes"].value == pytest.approx(lacking)
