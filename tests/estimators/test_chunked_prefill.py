"""Prompts read in chunks beside the decoding of others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paramscale as ps
from paramscale.errors import SpecError

TIMES = ("ttft_s", "tpot_s", "longest_gap_s", "throughput_tokens_per_s")
BUSY: dict[str, Any] = {
    "batch": 32, "prompt_tokens": 8192, "output_tokens": 512, "engine": "vllm",
    "schedule": "continuous",
}  # fmt: skip


def times(**fields: Any) -> ps.Estimates:
    given = {"model": "llama-3.1-8b", "hardware": fields.pop("hardware", "h100-sxm")}
    return ps.estimate(**given, serving=ps.ServingSpec(**fields), quantities=TIMES)


@pytest.mark.parametrize("schedule", ["continuous", "static", ""])
@pytest.mark.parametrize("engine", ["vllm", "gpt-fast", "llama.cpp"])
def test_a_chunk_as_long_as_the_prompt_changes_nothing(schedule: str, engine: str) -> None:
    """chunk_tokens >= prompt_tokens is the prompt read whole."""
    fields = {**BUSY, "schedule": schedule, "engine": engine, "prompt_tokens": 512}
    whole, chunked = times(**fields), times(**fields, chunk_tokens=512)
    for name in TIMES:
        assert chunked[name].value == whole[name].value
        assert chunked[name].low == whole[name].low


def test_chunks_trade_the_first_token_for_even_ones() -> None:
    """Smaller chunks: the first token later, no long gaps, and about the same mean time."""
    chunk = np.array([256.0, 1024.0, 4096.0, 8192.0])
    found = times(**BUSY, chunk_tokens=chunk)
    assert np.all(np.diff(found["ttft_s"].value) < 0.0)
    assert np.all(np.diff(found["longest_gap_s"].value) >= 0.0)
    assert np.all(np.diff(found["tpot_s"].value) <= 0.0)  # caches are read again
    assert found["tpot_s"].value[0] < 1.05 * found["tpot_s"].value[-1]
    assert found["longest_gap_s"].value[-1] > 4.0 * found["longest_gap_s"].value[0]


def test_a_step_carries_the_arithmetic_of_a_chunk() -> None:
    """The gap is a step and the FLOPs of a chunk: twice the chunk adds twice as much."""
    chunk = np.array([2048.0, 4096.0])
    model: Any = {"model": "llama-2-7b", "hardware": "a100-sxm-80gb"}
    serving = ps.ServingSpec(**{**BUSY, "prompt_tokens": 4096, "batch": 8}, chunk_tokens=chunk)
    model["model"] = ps.models["llama-3.1-8b"]
    gap = ps.estimate(**model, serving=serving, quantities=["longest_gap_s"])["longest_gap_s"].value
    flops = ps.estimate(model=model["model"], serving=serving)["prefill_flops"].value / 8
    added = (gap[1] - gap[0]) / (flops / 2 / 312e12)
    assert 1.0 < added < 2.5  # at 0.4 to 1 of the peak


def test_decodes_ride_on_a_chunk() -> None:
    """A step of decodes costs several times less beside a chunk (SARATHI, arXiv:2308.16369).

    The abstract says "up to an order of magnitude": weights are read once for both.
    """
    fields = {**BUSY, "batch": 4, "prompt_tokens": 1024, "chunk_tokens": 256}
    alone = times(**{**fields, "prompt_tokens": 1, "chunk_tokens": 1}, hardware="rtx-a6000")
    ridden = times(**fields, hardware="rtx-a6000")["longest_gap_s"].value
    one = {**fields, "batch": 1, "output_tokens": 1}
    chunk = times(**one, hardware="rtx-a6000")["ttft_s"].value / 4
    assert ridden - chunk < 0.5 * alone["tpot_s"].value


@settings(max_examples=60, deadline=None)
@given(
    machine=st.sampled_from(["h100-sxm", "rtx-4090", "mi300x", "t4"]),
    model=st.sampled_from(["llama-3.1-8b", "mixtral-8x7b", "mamba2-1.3b", "deepseek-v3"]),
    engine=st.sampled_from(["", "vllm", "llama.cpp", "gpt-fast"]),
    schedule=st.sampled_from(["", "static", "continuous"]),
    batch=st.sampled_from([1, 7, 500]),
    chunk=st.sampled_from([1, 33, 512, 10_000]),
)
def test_nothing_beats_the_bound_of_chunks(
    machine: str, model: str, engine: str, schedule: str, batch: int, chunk: int
) -> None:
    """Each chunk reads the weights again: bound <= low <= value; fewer chunks are never later."""
    serving = ps.ServingSpec(
        batch=batch, prompt_tokens=3000, chunk_tokens=chunk, engine=engine, schedule=schedule
    )
    specs: dict[str, Any] = {"model": model, "hardware": machine, "serving": serving}
    found = ps.estimate(**specs, quantities="ttft_s", use={"ttft_s": "expected_first_token"})
    bound = ps.estimate(**specs, quantities="ttft_s", use={"ttft_s": "prefill_roofline"})
    first = found["ttft_s"]
    assert bound["ttft_s"].value * (1.0 - 1e-12) <= first.low <= first.value <= first.high


def test_a_chunk_is_a_whole_number() -> None:
    """The words of every other field."""
    with pytest.raises(SpecError, match=r"chunk_tokens must be a whole number greater than 0"):
        ps.ServingSpec(chunk_tokens=0)
