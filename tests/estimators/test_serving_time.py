"""Expected times: never below a bound, right on measured points, wider where less is known."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paramscale as ps
from paramscale.errors import SpecError
from paramscale.systems.coefficients import REGIMES, Coefficients, coefficients
from paramscale.systems.regime import regime_of
from paramscale.systems.scope import log_width, unmeasured
from paramscale.systems.sequences import tokens_a_step

BOUNDS = {"ttft_s": "prefill_roofline", "tpot_s": "decode_roofline"}
TIMES = (*BOUNDS, "request_latency_s", "throughput_tokens_per_s")
MODELS = (
    "llama-3.1-8b",
    "gemma-2-9b",
    "mixtral-8x7b",
    "deepseek-v3",
    "mamba2-1.3b",
    "qwen3-next-80b-a3b",
)
MACHINES = ("h100-sxm", "b200", "rtx-4090", "m2-ultra", "mi300x", "tpu-v5e", "a100-sxm-40gb", "t4")


def times(model: str = "llama-3.1-8b", machine: Any = "h100-sxm", **fields: Any) -> ps.Estimates:
    """Return the times of a served model; `layout` is a ParallelSpec."""
    layout = fields.pop("layout", ps.ParallelSpec())
    return ps.estimate(
        model=model, hardware=machine, serving=ps.ServingSpec(**fields), parallel=layout,
        quantities=TIMES,
    )  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(
    model=st.sampled_from(MODELS),
    machine=st.sampled_from(MACHINES),
    batch=st.sampled_from([1, 3, 64, 1000, 8192]),
    prompt=st.sampled_from([1, 17, 2048, 100_000]),
    output=st.sampled_from([0, 1, 2, 500]),
    weights=st.sampled_from(["bf16", "fp8", "nvfp4", "q4_k", "gptq-int4-g128"]),
    engine=st.sampled_from(["", "vllm", "llama.cpp", "gpt-fast", "other"]),
    schedule=st.sampled_from(["", "static", "continuous"]),
    layout=st.sampled_from([(1, 1, 1, 1), (8, 1, 1, 1), (2, 2, 2, 1), (1, 4, 1, 1), (1, 1, 8, 8)]),
    drafts=st.sampled_from([0, 3]),
)
def test_nothing_beats_a_bound(
    model: str, machine: str, batch: int, prompt: int, output: int, weights: str, engine: str,
    schedule: str, layout: tuple[int, ...], drafts: int,
) -> None:  # fmt: skip
    """Whatever is asked: bound <= low <= value <= high."""
    tensor, pipeline, data, expert = layout
    given_specs: dict[str, Any] = {
        "model": attrs.evolve(ps.models[model], max_context=None),  # else it may be refused
        "hardware": machine,
        "serving": ps.ServingSpec(
            batch=batch, prompt_tokens=prompt, output_tokens=output, weight_format=weights,
            engine=engine, schedule=schedule, draft_tokens=drafts,
        ),
        "parallel": ps.ParallelSpec(tensor=tensor, pipeline=pipeline, data=data, expert=expert),
    }  # fmt: skip
    expected = {"ttft_s": "expected_first_token", "tpot_s": "expected_token"}
    found = ps.estimate(**given_specs, quantities=tuple(BOUNDS), use=expected)
    bounds = ps.estimate(**given_specs, quantities=tuple(BOUNDS), use=BOUNDS)
    for name in BOUNDS:
        each, bound = found[name], bounds[name].value
        if not np.isnan(each.value):
            assert each.low >= bound * (1.0 - 1e-12)
            assert each.low <= each.value <= each.high


#: Model, machine, ServingSpec fields, tensor ranks, measured seconds of a step or tokens a second.
MEASURED = [
    # arXiv:2411.00136 (LLM-Inference-Bench), argonne-lcf/LLM-Inference-Bench@4211f5d4e9 line 449
    ("llama-2-7b", "a100-sxm-40gb", {"batch": 1, "prompt_tokens": 128, "output_tokens": 128,
     "engine": "trtllm", "schedule": "static"}, 1, "throughput_tokens_per_s", 84.478),
    # meta-pytorch/gpt-fast@6ecad9b5b6 README.md Benchmarks: Llama-2-7B bf16, 104.9 tokens/s
    ("llama-2-7b", "a100-sxm-80gb", {"prompt_tokens": 5, "output_tokens": 200,
     "engine": "gpt-fast", "schedule": "static"}, 1, "tpot_s", 1 / 104.9),
    # ai-dynamo/aiconfigurator@095f58a51c silicon_sample.csv line 3341: Llama 3.1 70B on B200
    ("llama-3.1-70b", "b200", {"batch": 8, "prompt_tokens": 1024, "output_tokens": 1024,
     "weight_format": "nvfp4", "kv_format": "fp8", "engine": "trtllm",
     "schedule": "continuous"}, 2, "tpot_s", 0.008911),
]  # fmt: skip


@pytest.mark.parametrize(("model", "machine", "fields", "tensor", "quantity", "truth"), MEASURED)
def test_measured_points_lie_in_the_interval(
    model: str, machine: str, fields: dict[str, Any], tensor: int, quantity: str, truth: float
) -> None:
    """Published measurements are within 20 % of the estimate, and within its interval."""
    found = times(model, machine, **fields, layout=ps.ParallelSpec(tensor=tensor))[quantity]
    assert found.value == pytest.approx(truth, rel=0.2)
    assert found.low <= truth <= found.high


def test_more_work_takes_longer() -> None:
    """Larger batches, longer prompts, more bits: each step takes longer; throughput grows."""
    batch = np.array([1.0, 2.0, 8.0, 32.0, 64.0])
    grown = times(batch=batch, engine="vllm", schedule="continuous")
    assert np.all(np.diff(grown["tpot_s"].value) > 0.0)
    assert np.all(np.diff(grown["throughput_tokens_per_s"].value) > 0.0)
    lengths = times(prompt_tokens=np.array([128.0, 1024.0, 8192.0]))
    assert np.all(np.diff(lengths["ttft_s"].value) > 0.0)
    fp8, bf16 = (times(weight_format=name)["tpot_s"].value for name in ("fp8", "bf16"))
    assert fp8 < bf16


def test_sequences_that_do_not_fit_wait() -> None:
    """On a full machine throughput stops growing, the step as well, and the first token is late."""
    batch = np.array([100.0, 1000.0, 8000.0])
    found = times(batch=batch, prompt_tokens=4096, engine="vllm", schedule="continuous")
    assert found["tpot_s"].value[2] == pytest.approx(found["tpot_s"].value[1], rel=0.05)
    assert found["ttft_s"].value[2] > 5 * found["ttft_s"].value[0]
    assert (
        found["throughput_tokens_per_s"].value[2] < 1.5 * found["throughput_tokens_per_s"].value[1]
    )


def test_a_request_is_its_tokens() -> None:
    """Latency = first token + (n - 1) further ones; a batch yields its tokens in that time."""
    found = times(batch=4, output_tokens=65, engine="vllm")
    latency = found["ttft_s"].value + 64 * found["tpot_s"].value
    assert found["request_latency_s"].value == pytest.approx(latency)
    assert found["throughput_tokens_per_s"].value == pytest.approx(4 * 65 / latency)


def test_less_said_is_less_sure() -> None:
    """A new machine, an unstated engine, a new vendor, an assumption: each widens, and is named."""

    def width(machine: Any = "h100-sxm", **fields: Any) -> float:
        found = times(machine=machine, schedule="continuous", **fields)["tpot_s"]
        return math.log(float(found.high / found.value))

    known = width(engine="vllm")
    assert width(engine="") > known * 1.2
    assert width("a100-sxm-80gb", engine="vllm") > known * 1.2
    assert width("mi300x", engine="vllm") > width("a100-sxm-80gb", engine="vllm") * 1.5
    assert width(engine="vllm", assumed=["replicas"]) > known * 1.5
    spec = ps.ServingSpec(schedule="continuous", assumed=["replicas"])
    assert unmeasured(ps.hardware["mi300x"], spec) == (
        "no machine of AMD was measured in this regime",
        "AMD MI300X was not measured; its class was",
        "the engine is not stated",
        "assumed: replicas",
    )
    assert log_width("tpot_s", ps.hardware["h100-sxm"], attrs.evolve(spec, engine="vllm")) > known


def test_drafts_that_hold_save_steps() -> None:
    """With 4 drafts of which 80 % hold a step yields 3.36 tokens (arXiv:2211.17192, eq. 1)."""
    serving = ps.ServingSpec(draft_tokens=4, acceptance_fraction=0.8)
    assert float(tokens_a_step(serving)) == pytest.approx((1 - 0.8**5) / 0.2)
    plain, drafted = (times(draft_tokens=n)["tpot_s"].value for n in (0, 4))
    assert drafted < plain


def test_a_request_rate_queues() -> None:
    """The first token comes later as arrivals approach what prompts can be read."""
    rates = np.array([0.1, 5.0, 15.0])
    found = times(batch=16, engine="vllm", schedule="continuous", request_rate_per_s=rates)
    assert np.all(np.diff(found["ttft_s"].value) > 0.0)
    asked = rates * 256.0
    assert np.all(found["throughput_tokens_per_s"].value <= asked * (1 + 1e-12))


@pytest.mark.parametrize("regime", REGIMES)
def test_coefficients_are_physical(regime: str) -> None:
    """Every fraction of a data-sheet figure lies below 1; times are positive and below 10 ms."""
    for memory in ("", "HBM", "GDDR", "LPDDR"):
        found = coefficients(regime, memory, "")
        for name in ("dense", "expert", "state", "multiply16", "multiply8", "multiply4", "link"):
            assert 0.2 < getattr(found, name) < 1.0
        for name in Coefficients._fields:
            if name.endswith("_s") and name != "first_s":
                assert 0.0 <= getattr(found, name) < 0.01


def test_regimes() -> None:
    """The engine decides, then the schedule."""
    assert regime_of(ps.ServingSpec(engine="llama.cpp")) == "single_stream"
    assert regime_of(ps.ServingSpec(schedule="static")) == "static"
    assert regime_of(ps.ServingSpec(engine="vllm")) == "continuous"


def test_every_row_of_the_calibration_has_a_source() -> None:
    """Each says where it was measured and by which script; none is twice there."""
    from paramscale.catalogue.tables import read_table

    rows = list(read_table("calibration.csv"))
    keys = [tuple(row.text(n) for n in ("regime", "memory", "engine", "operation")) for row in rows]
    assert len(set(keys)) == len(keys)
    for row in rows:
        assert row.text("regime") in REGIMES
        assert row.text("source")
        assert row.text("script") in ("calibrate_serving.py", "calibrate_power.py")


def test_heads_must_divide_over_tensor_ranks() -> None:
    """One layout that does not divide is refused with what to choose; in a grid it is NaN."""
    with pytest.raises(SpecError, match=r"32 heads, which ParallelSpec.tensor=3 does not"):
        times(layout=ps.ParallelSpec(tensor=3))
    grid = times(layout=ps.ParallelSpec(tensor=np.array([2.0, 3.0, 4.0])))
    assert np.isnan(grid["tpot_s"].value).tolist() == [False, True, False]
    assert np.isfinite(times(layout=ps.ParallelSpec(pipeline=5))["tpot_s"].value)  # uneven stages


def test_a_point_beyond_the_calibration_makes_no_bounds_of_the_others() -> None:
    """In a grid that partly leaves the domain of times, points inside keep their expected time."""
    batches = [1.0, 64.0, 200_000.0]
    asked = {"model": "llama-3.1-8b", "hardware": "h100-sxm", "quantities": "tpot_s"}
    grid = ps.estimate(serving=ps.ServingSpec(batch=batches), **asked)["tpot_s"]
    single = [ps.estimate(serving=ps.ServingSpec(batch=b), **asked)["tpot_s"] for b in batches]
    assert grid.inside.tolist() == [True, True, False]
    assert grid.value[:2] == pytest.approx([float(each.value) for each in single[:2]], rel=1e-12)
    assert (grid.kind, single[2].kind) == ("calibrated", "bound")
