"""Memory of training, per device: states, layouts, adapters, conventions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paramscale as ps
from paramscale.catalogue.training_memory import level
from paramscale.errors import SpecError, UnknownNameError
from paramscale.systems.training_memory import training_state
from paramscale.systems.training_share import stages_of
from paramscale.systems.training_states import Elements, state_bytes

QUANTITIES = ["activation_bytes", "gradient_bytes", "optimizer_bytes", "training_memory_bytes"]


def memory(
    model: str = "llama-3.1-8b", parallel: ps.ParallelSpec | None = None, **fields: Any
) -> ps.Estimates:
    """Return all quantities of training memory."""
    training = ps.TrainingSpec(**{"tokens": 1e12, "sequence_length": 2048, **fields})
    specs: dict[str, Any] = {"model": model, "training": training}
    if parallel is not None:
        specs["parallel"] = parallel
    return ps.estimate(**specs, quantities=QUANTITIES)


@pytest.mark.parametrize(("stage", "gigabytes"), [(0, 120.0), (1, 31.4), (2, 16.6), (3, 1.9)])
def test_zero(stage: int, gigabytes: float) -> None:
    """7.5 B parameters on 64 ranks: Rajbhandari et al. 2020 (arXiv:1910.02054), figure 1."""
    held = Elements(dense=np.float64(7.5e9))
    parallel = ps.ParallelSpec(data=64, zero_stage=stage)
    found = sum(state_bytes(held, ps.TrainingSpec(tokens=1), parallel)) / 1e9
    assert round(float(found), 1) == pytest.approx(gigabytes, abs=0.06)


@pytest.mark.parametrize(
    ("optimizer", "bytes_each"),
    [("adam", 8.0), ("adam8bit", 2.03125), ("adam4bit", 1.0625), ("sgd", 0.0), ("momentum", 4.0)],
)
def test_states_of_optimizers(optimizer: str, bytes_each: float) -> None:
    """Bytes of states an element: two fp32 moments, two of 8 or 4 bits with scales, one, none."""
    held = Elements(dense=np.float64(1e9))
    training = ps.TrainingSpec(tokens=1, optimizer=optimizer)
    assert state_bytes(held, training, ps.ParallelSpec()).optimizer == bytes_each * 1e9


@pytest.mark.parametrize(
    ("loss", "bytes_a_logit"), [("eager", 14.0), ("fused", 4.0), ("chunked", 0.0)]
)
def test_bytes_of_the_loss(loss: str, bytes_a_logit: float) -> None:
    """Step by step: logits in 16 bits, then three times fp32; fused: logits and gradients."""
    model, training = ps.models["llama-3.1-8b"], {"recomputation": "full", "micro_batch": 1}
    held = {
        name: training_state(
            model,
            ps.TrainingSpec(tokens=1, sequence_length=65536, loss_kernel=name, **training),
            ps.ParallelSpec(),
        )
        for name in (loss, "chunked")
    }
    reserved = [held[name].allocated + held[name].idle for name in (loss, "chunked")]
    logits = 65536.0 * 128256.0
    assert (reserved[0] - reserved[1]) / logits == pytest.approx(bytes_a_logit, rel=0.02)


def test_gradients_used_up_at_once_are_not_held() -> None:
    """An optimizer in the backward pass needs no room for gradients."""
    usual, at_once = (memory(optimizer_in_backward=flag) for flag in (False, True))
    assert at_once["gradient_bytes"].value == 0.0
    less = usual["training_memory_bytes"].value - at_once["training_memory_bytes"].value
    assert less > 0.9 * usual["gradient_bytes"].value


def test_stages_of_a_pipeline_stay_gathered() -> None:
    """With FSDP and a pipeline a stage holds its weights in 16 bits and its gradients in fp32."""
    training = ps.TrainingSpec(tokens=1, sequence_length=2048, gradient_format="fp32")
    model = ps.models["llama-3.1-70b"]
    held = training_state(model, training, ps.ParallelSpec(pipeline=8, data=64, zero_stage=3))
    layers = sum(float(n * op.weights) for n, op in model.operations(ps.Pass(1, 1))
                 if op.part not in ("token_embedding", "head"))  # fmt: skip
    assert held.gathered == pytest.approx(6.0 * (layers / 8 + 128256 * 8192), rel=0.01)


def test_adafactor_and_muon_lie_between() -> None:
    """Adafactor keeps little more than nothing, Muon half of Adam and Adam's share of tables."""
    states = {
        name: memory(optimizer=name, master_weights=False)["optimizer_bytes"].value
        for name in ("adam", "adafactor", "muon", "sgd")
    }
    assert states["sgd"] < states["adafactor"] < 0.01 * states["adam"]
    assert 0.5 * states["adam"] < states["muon"] < 0.7 * states["adam"]


@pytest.mark.parametrize(("on", "elements"), [("query_value", 4194304), ("all", 19988480)])
def test_adapters_of_llama_2(on: str, elements: int) -> None:
    """Rank 8 on Llama-2-7B: 4,194,304 (litgpt tables) on queries and values, 19,988,480 on all."""
    training = ps.TrainingSpec(tokens=1, lora_rank=8, lora_on=on)
    state = training_state(ps.models["llama-2-7b"], training, ps.ParallelSpec())
    assert state.weights == 2.0 * elements
    assert state.frozen == 2.0 * 6738415616


def test_quantized_frozen_weights() -> None:
    """QLoRA stores matrices of layers in 4 bits and a scale; tables and head stay in 16."""
    held = {}
    for name in ("bf16", "nf4"):
        training = ps.TrainingSpec(tokens=1, lora_rank=8, frozen_format=name)
        held[name] = training_state(ps.models["llama-2-7b"], training, ps.ParallelSpec()).frozen
    layers = 32.0 * (4.0 * 4096**2 + 3.0 * 4096 * 11008)
    assert held["bf16"] - held["nf4"] == layers * (2.0 - 4.5 / 8.0)


@pytest.mark.parametrize(
    ("pipeline", "virtual", "first", "last"),
    [(1, 1, 1.0, 1.0), (8, 1, 8.0, 1.0), (8, 3, 8.0 * (1.0 + 7.0 / 24.0), 8.0 - 7.0 / 3.0)],
)
def test_micro_batches_under_way(pipeline: int, virtual: int, first: float, last: float) -> None:
    """p in the first of p stages, p (1 + (p - 1) / (p v)) interleaved (arXiv:2205.05198)."""
    parallel = ps.ParallelSpec(pipeline=pipeline, virtual_stages=virtual)
    stages = stages_of(ps.TrainingSpec(tokens=1), parallel)
    share = 1.0 / pipeline
    assert stages.kept_layers == pytest.approx((first * share, last * share))


def test_few_micro_batches_fill_no_pipeline() -> None:
    """With two micro-batches a step no stage keeps more than two."""
    parallel = ps.ParallelSpec(pipeline=8)
    training = ps.TrainingSpec(tokens=1, sequence_length=2048, batch_tokens=4096)
    assert stages_of(training, parallel).kept_layers[0] == 2.0 / 8.0


def test_the_stage_with_the_peak() -> None:
    """Of two stages the first keeps two micro-batches; a huge vocabulary moves the peak."""
    parallel = ps.ParallelSpec(pipeline=2)
    small = memory("llama-2-7b", parallel, recomputation="full", micro_batch=8)
    large = memory("gemma-2-2b", parallel, recomputation="full", micro_batch=8)
    logits = [found.explain("activation_bytes") for found in (small, large)]
    assert "logits" in str(logits[1])
    assert large["training_memory_bytes"].value > 8 * 2048 * 256000 * 4


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ({"tensor": 3}, "heads"),
        ({"pipeline": 7}, "layers"),
        ({"pipeline": 4, "virtual_stages": 7}, "layers"),
    ],
)
def test_a_layout_that_does_not_divide(layout: dict[str, Any], words: str) -> None:
    """One layout is refused in words; in a grid its point is NaN and the others are there."""
    with pytest.raises(SpecError, match=words):
        memory(parallel=ps.ParallelSpec(**layout))
    grid: dict[str, Any] = {name: np.array([1.0, value]) for name, value in layout.items()}
    found = memory(parallel=ps.ParallelSpec(**grid))["training_memory_bytes"].value
    assert np.isnan(found).tolist() == [False, True]


def test_experts_must_divide() -> None:
    """Eight experts do not spread over three ranks."""
    with pytest.raises(SpecError, match=r"8 experts, which ParallelSpec\.expert=3 does"):
        memory("mixtral-8x7b", ps.ParallelSpec(data=3, expert=3))


def test_published_layouts_are_accepted() -> None:
    """Llama-3.1-405B has 126 layers on 16 stages: embedding and head stand for a layer each."""
    parallel = ps.ParallelSpec(tensor=8, pipeline=16, data=128, zero_stage=1)
    found = memory("llama-3.1-405b", parallel, sequence_length=8192, batch_tokens=16e6)
    assert 40e9 < found["training_memory_bytes"].value < 100e9


def test_a_model_that_does_not_fit_is_an_answer() -> None:
    """A trillion parameters on one device is a number."""
    assert memory("kimi-k2")["training_memory_bytes"].value > 1.6e13


def test_parts_add_up_and_conventions_are_ordered() -> None:
    """Tensors are less than what is reserved, and that less than what the device holds."""
    training = ps.TrainingSpec(tokens=1e12)
    values = [
        ps.estimate(
            model="llama-3.1-8b", training=training, quantities="training_memory_bytes",
            use={"training_memory_bytes": name},
        )["training_memory_bytes"]
        for name in ("allocated", "reserved", "device")
    ]  # fmt: skip
    assert values[0].value < values[1].value < values[2].value
    assert all(found.low < found.value < found.high for found in values)


def test_gradients_of_one_pass_are_not_added() -> None:
    """Freed after each step, gradients come as activations go; accumulated, they are added.

    The allocator reserves room for them in either case.
    """
    once = memory("gpt2", micro_batch=64, sequence_length=1024)
    batch = 2 * 64 * 1024
    twice = memory("gpt2", micro_batch=64, sequence_length=1024, batch_tokens=batch)
    reserved = twice["training_memory_bytes"].value / once["training_memory_bytes"].value
    assert reserved == pytest.approx(1.0, abs=1e-3)
    parts = [found["training_memory_bytes"].parts for found in (once, twice)]
    assert parts[0].get("gradients", 0.0) == 0.0
    assert parts[1]["gradients"] == once["gradient_bytes"].value


@settings(max_examples=30, deadline=None)
@given(
    data=st.sampled_from([1, 2, 8, 64]), tensor=st.sampled_from([1, 2, 8]),
    pipeline=st.sampled_from([1, 2, 4]), stage=st.integers(0, 3),
    optimizer=st.sampled_from(["adam", "adam8bit", "muon", "sgd"]),
)  # fmt: skip
def test_more_devices_never_hold_more_states(
    data: int, tensor: int, pipeline: int, stage: int, optimizer: str
) -> None:
    """Twice the data ranks hold at most the states of the former, and all is finite."""
    found = [
        memory(
            parallel=ps.ParallelSpec(
                data=ranks, tensor=tensor, pipeline=pipeline, zero_stage=stage
            ),
            optimizer=optimizer,
        )
        for ranks in (data, 2 * data)
    ]
    for name in ("gradient_bytes", "optimizer_bytes", "activation_bytes"):
        assert 0.0 <= found[1][name].value <= found[0][name].value * (1.0 + 1e-12)


def test_unknown_levels_are_named() -> None:
    """A misspelled level is refused with what there is."""
    with pytest.raises(UnknownNameError, match="allocator_slack_fraction"):
        level("allocator_slack")
