"""Bounds of time: never below a physical limit, unknown where a figure is not known."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest

import paramscale as ps
from tests.estimators.configs import CONFIGS, model_of

H100 = ps.hardware["h100-sxm"]
#: Data sheet: dense bf16 peak and bandwidth of the SXM card.
PEAK, BANDWIDTH = 989.4e12, 3.35e12


def _bounds(**specs: Any) -> ps.Estimates:
    """Return estimates whose times are the bounds, not what is expected."""
    use = {"ttft_s": "prefill_roofline", "tpot_s": "decode_roofline"}
    return ps.estimate(use=use, **specs)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("batch", [1, 64])
def test_no_time_beats_a_limit(name: str, batch: int) -> None:
    """At least FLOPs over the peak, and at least the weights read over the bandwidth."""
    serving = ps.ServingSpec(batch=batch, prompt_tokens=512, output_tokens=64)
    e = _bounds(model=model_of(name), hardware=H100, serving=serving)
    for time, work in (("ttft_s", "prefill_flops"), ("tpot_s", "decode_flops")):
        assert e[time].value >= e[work].value / H100.bf16_flops_per_s
        least = e["active_parameters"].value - e["embedding_parameters"].value
        assert e[time].value >= 2.0 * least / H100.memory_bandwidth_bytes_per_s
        assert e[time].kind == "bound"


def test_decode_of_one_sequence_reads_weights_and_cache() -> None:
    """Llama 3.1 8B at batch 1: its matrices and the cache, once, over 3.35 TB/s."""
    serving = ps.ServingSpec(prompt_tokens=1000, output_tokens=2)
    e = _bounds(model=model_of("llama-3.1-8b"), hardware=H100, serving=serving)
    matrices = 8_030_261_248 - 128_256 * 4096 + 4096  # all but the table, and one row of it
    moved = 2 * matrices + 131_072 * (1000 + 1)
    assert float(H100.memory_bandwidth_bytes_per_s) == pytest.approx(BANDWIDTH, rel=1e-3)
    assert e["tpot_s"].value == pytest.approx(moved / BANDWIDTH, rel=1e-3)


def test_a_long_prompt_is_bound_by_compute() -> None:
    """A prompt of 8192 tokens takes its FLOPs over the dense peak."""
    serving = ps.ServingSpec(prompt_tokens=8192)
    e = _bounds(model=model_of("llama-3.1-8b"), hardware=H100, serving=serving)
    assert e["ttft_s"].value == pytest.approx(e["prefill_flops"].value / PEAK, rel=1e-3)


def test_devices_divide_the_bound() -> None:
    """Eight devices are at best eight times as fast."""
    one, eight = (
        _bounds(model=model_of("llama-3.1-8b"), hardware=H100, parallel=ps.ParallelSpec(tensor=n))
        for n in (1, 8)
    )
    assert eight["tpot_s"].value == one["tpot_s"].value / 8


def test_experts_are_read_as_they_are_hit() -> None:
    """One token reads 2 of Mixtral's 8 experts; a large batch reads all of them."""
    batches = np.array([1.0, 512.0])
    serving = ps.ServingSpec(batch=batches, prompt_tokens=1, output_tokens=2)
    e = _bounds(model=model_of("mixtral-8x7b"), hardware=H100, serving=serving)
    tables = 32_000 * 4096
    few = 2 * (12_879_925_248 - tables) / BANDWIDTH
    assert e["tpot_s"].value[0] == pytest.approx(few, rel=2e-3)
    assert e["tpot_s"].value[1] > 2 * (46_702_792_704 - tables) / BANDWIDTH * 0.999


@pytest.mark.parametrize("figure", ["memory_bandwidth_bytes_per_s", "peaks"])
def test_unknown_figures_give_unknown_times(figure: str) -> None:
    """NaN in, NaN out: nothing is filled in."""
    peaks = ("fp32", "tf32", "bf16", "fp16", "fp8", "fp4")
    names = [f"{name}_flops_per_s" for name in peaks] if figure == "peaks" else [figure]
    machine = attrs.evolve(H100, **dict.fromkeys(names, np.nan))
    e = _bounds(model=model_of("llama-3.1-8b"), hardware=machine)
    assert np.isnan(e["ttft_s"].value)
    assert np.isnan(e["tpot_s"].value)
    assert e["weight_bytes"].value > 0


@pytest.mark.parametrize("key", ps.hardware)
def test_every_machine_gives_a_bound_or_nan(key: str) -> None:
    """On every row: NaN where a figure is missing, else at least both limits."""
    machine = ps.hardware[key]
    e = _bounds(model=model_of("llama-3.1-8b"), hardware=machine)
    peak, bandwidth = machine.peak_flops_per_s("bf16"), machine.memory_bandwidth_bytes_per_s
    if np.isnan(peak) or np.isnan(bandwidth):
        assert np.isnan(e["ttft_s"].value)
        return
    assert e["ttft_s"].value >= e["prefill_flops"].value / peak
    assert e["tpot_s"].value >= 2 * 7.5e9 / bandwidth


def test_a_grid_of_machines_is_one_estimate() -> None:
    """Machines in an array give each its own bound; an unknown one stays NaN among them."""
    bandwidths = np.array([1e12, np.nan, 4e12])
    machine = attrs.evolve(H100, memory_bandwidth_bytes_per_s=bandwidths)
    times = _bounds(model=model_of("llama-3.1-8b"), hardware=machine)["tpot_s"].value
    assert times.shape == (3,)
    assert np.isnan(times[1])
    assert times[0] == pytest.approx(4 * times[2])
