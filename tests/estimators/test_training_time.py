"""Time of training: limits that nothing beats, published figures, and how the parts behave."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import paramscale as ps
from paramscale.errors import MissingInputError, SpecError
from paramscale.specs.passes import Pass
from paramscale.systems.power import clock_share
from paramscale.systems.training_load import training_load
from paramscale.validation.training_scenarios import run_of, scenario_of

QUANTITIES = (
    "step_time_s", "mfu_fraction", "hfu_fraction", "training_tokens_per_s", "training_time_s",
    "training_device_s", "step_flops",
)  # fmt: skip
MODELS = ("llama-3.1-8b", "llama-3.1-405b", "gpt2", "qwen3-30b-a3b", "deepseek-v3", "mamba2-1.3b")
MACHINES = ("h100-sxm", "a100-sxm-40gb", "gb300", "tpu-v5e", "mi300x", "v100-sxm-32gb", "rtx-4090")


def training(**changes: Any) -> ps.TrainingSpec:
    """Return a run of Llama-like size, with changes."""
    plain: dict[str, Any] = {"tokens": 1e12, "batch_tokens": 2.0**22, "sequence_length": 4096}
    return ps.TrainingSpec(**(plain | changes))


def step(
    model: Any = "llama-3.1-8b",
    hardware: Any = "h100-sxm",
    parallel: ps.ParallelSpec | None = None,
    options: dict[str, Any] | None = None,
    **changes: Any,
) -> Any:
    """Return the estimated step of a run."""
    return ps.estimate(
        model=model, hardware=hardware, training=training(**changes),
        parallel=parallel or ps.ParallelSpec(data=8, zero_stage=3), quantities=QUANTITIES,
        options=options,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(MODELS), st.sampled_from(MACHINES),
    st.sampled_from(["bf16", "fp8", "mxfp8", "nvfp4", "fp32"]),
    st.sampled_from(["none", "operators", "full"]), st.sampled_from([1, 2, 4, 8]),
    st.sampled_from([1, 2, 8]), st.sampled_from([1, 3, 64]), st.sampled_from([0, 1, 3]),
    st.sampled_from(["", "megatron-bridge", "llm-foundry", "maxtext"]), st.integers(6, 17),
)  # fmt: skip
def test_no_step_beats_the_peak(
    model: str, machine: str, form: str, recomputed: str, tensor: int, pipeline: int, data: int,
    zero: int, framework: str, log_length: int,
) -> None:  # fmt: skip
    """Time is at least FLOPs over the peak, MFU at most 1, and the interval holds the value."""
    hardware = ps.hardware[machine]
    narrow = ps.formats[form].bits_per_weight < 16.0
    assume(not narrow or "16" not in hardware.compute_type(ps.formats[form]))  # else it is refused
    parallel = ps.ParallelSpec(tensor=tensor, pipeline=pipeline, data=data, zero_stage=zero)
    length = 2.0**log_length
    found = step(
        model, hardware, parallel, {"training_step.uneven": True}, matmul_format=form,
        recomputation=recomputed, framework=framework, sequence_length=length,
        batch_tokens=length * data * 4,
    )  # fmt: skip
    if np.isnan(hardware.peak_flops_per_s(ps.formats[form])):  # no source gives it
        assert np.isnan(found["step_time_s"].value)
        return
    peaks: tuple[Any, ...] = (
        hardware.peak_flops_per_s(ps.formats[form]),
        hardware.peak_flops_per_s("bf16"),
    )
    bound = found["step_flops"].value / (np.nanmax(peaks) * parallel.devices)
    times = found["step_time_s"]
    assert bound <= times.low * (1 + 1e-9)
    assert times.low <= times.value <= times.high
    if form != "fp32":  # its units are slower than those that attention runs on
        assert found["mfu_fraction"].high <= 1.0 + 1e-9
        assert 0.0 < found["mfu_fraction"].value <= found["hfu_fraction"].value * (1 + 1e-9)


def test_llama_405b_runs_at_the_published_share_of_the_peak() -> None:
    """Grattafiori et al. 2024, table 4: 400 TFLOP/s a GPU (41 %) with TP 8, PP 16, DP 128."""
    parallel = ps.ParallelSpec(tensor=8, pipeline=16, data=128, virtual_stages=8, zero_stage=1)
    found = step(
        "llama-3.1-405b", parallel=parallel, sequence_length=8192, batch_tokens=2048 * 8192
    )
    assert found["mfu_fraction"].value == pytest.approx(0.41, rel=0.15)
    assert found["mfu_fraction"].low < 0.40 < found["mfu_fraction"].high


def test_megatron_at_a_trillion_parameters() -> None:
    """Narayanan et al. 2021, table 1: 163 TFLOP/s of 312 on 3,072 A100, recomputation counted."""
    model = ps.ModelSpec.of_size(1.008e12, like="gpt2-xl")
    parallel = ps.ParallelSpec(tensor=8, pipeline=64, data=6)
    found = step(
        model, "a100-sxm-80gb", parallel, {"training_step.uneven": True}, sequence_length=2048,
        batch_tokens=3072 * 2048, recomputation="full", framework="megatron-2021",
    )  # fmt: skip
    assert found["hfu_fraction"].value == pytest.approx(163 / 312, rel=0.1)


def test_the_bubble_is_that_of_the_paper() -> None:
    """The bubble is (p - 1) / (v m) of the rest of the pipeline."""

    def parts(virtual: int) -> Any:
        parallel = ps.ParallelSpec(pipeline=8, data=1, virtual_stages=virtual)
        e = step(parallel=parallel, batch_tokens=4096 * 32)
        return e["step_time_s"].parts

    plain, chunked = parts(1), parts(4)
    busy = sum(
        plain[name] for name in plain
        if name not in ("pipeline bubble", "gradient reduction", "optimizer")
    )  # fmt: skip
    assert plain["pipeline bubble"] / busy == pytest.approx(7 / 32)
    assert chunked["pipeline bubble"] == pytest.approx(plain["pipeline bubble"] / 4)


def test_parts_add_up_to_the_step() -> None:
    """The causes of a step explain all of it."""
    time = step()["step_time_s"]
    assert sum(time.parts.values()) == pytest.approx(time.value)


def test_full_recomputation_costs_a_forward_pass() -> None:
    """Recomputing everything takes up to a third more, and HFU rises over MFU by as much."""
    plain, again = step(), step(recomputation="full")
    assert 1.2 < again["step_time_s"].value / plain["step_time_s"].value < 1.34
    assert 1.2 < again["hfu_fraction"].value / again["mfu_fraction"].value < 1.34
    assert plain["hfu_fraction"].value == pytest.approx(plain["mfu_fraction"].value)


def test_mfu_follows_the_convention_of_the_flops() -> None:
    """Full squares of attention make the same step look faster."""
    e = ps.estimate(
        model="llama-3.1-8b", hardware="h100-sxm", training=training(),
        parallel=ps.ParallelSpec(data=8), quantities=["mfu_fraction", "step_time_s"],
        use={"step_flops": "full_attention"},
    )  # fmt: skip
    causal = step(parallel=ps.ParallelSpec(data=8))
    assert e["step_time_s"].value == causal["step_time_s"].value
    assert e["mfu_fraction"].value > causal["mfu_fraction"].value


def test_what_is_new_widens_the_interval() -> None:
    """An unmeasured framework, machine, or a guess each widen it; experts too."""

    def width(*args: Any, **more: Any) -> Any:
        found = step(*args, **more)["step_time_s"]
        return np.log(found.high / found.value)

    known = width(framework="nemo")
    assert width() > known
    assert width(hardware="mi300x", framework="nemo") > known
    assert width(options={"training_step.guesses": 1}, framework="nemo") > known
    assert width("qwen3-30b-a3b", framework="nemo") > known


def test_run_is_steps_over_goodput() -> None:
    """Calendar time is steps x step / goodput, device time that times the devices."""
    parallel = ps.ParallelSpec(data=128, zero_stage=3)
    found = step(parallel=parallel)
    steps = 1e12 / 2.0**22
    useful = ps.estimate(parallel=parallel, quantities="goodput_fraction")["goodput_fraction"].value
    expected = steps * found["step_time_s"].value / useful
    assert found["training_time_s"].value == pytest.approx(expected)
    assert found["training_device_s"].value == pytest.approx(128 * expected)


def test_goodput_of_the_llama_run() -> None:
    """Grattafiori et al. 2024, section 3.3.4: at least 90 % effective time on 16,384 devices."""
    parallel = ps.ParallelSpec(data=16_384)
    e = ps.estimate(parallel=parallel, quantities="goodput_fraction")
    assert e["goodput_fraction"].value == pytest.approx(0.91, abs=0.01)


def test_a_run_without_a_batch_is_told_from_its_size() -> None:
    """Without a batch the step is missing, and the run comes from published ones."""
    run = ps.TrainingSpec(tokens=2e12, sequence_length=4096)
    e = ps.estimate(model="llama-2-7b", hardware="a100-sxm-80gb", training=run)
    assert "step_time_s" not in e
    hours = e["training_device_s"].value / 3600
    assert e["training_device_s"].estimator == "device_class"
    assert hours == pytest.approx(184_320, rel=0.2)  # the model card
    with pytest.raises(MissingInputError, match="batch_tokens"):
        ps.estimate(
            model="llama-2-7b", hardware="a100-sxm-80gb", training=run, quantities="step_time_s"
        )


def test_layouts_that_do_not_divide() -> None:
    """One bad layout is an error, in a grid it is NaN."""
    with pytest.raises(SpecError, match="divide"):
        step(parallel=ps.ParallelSpec(tensor=7))
    grid = step(parallel=ps.ParallelSpec(tensor=np.array([4.0, 7.0, 8.0])))["step_time_s"].value
    assert np.isnan(grid).tolist() == [False, True, False]


def test_grid_equals_points() -> None:
    """A grid of layouts, micro-batches and batches gives what each point gives."""
    tensor, micro = np.array([1.0, 2.0, 8.0]), np.array([[1.0], [2.0]])
    grid = step(parallel=ps.ParallelSpec(tensor=tensor, data=4, zero_stage=1), micro_batch=micro)
    for i, j in np.ndindex(2, 3):
        parallel = ps.ParallelSpec(tensor=tensor[j], data=4, zero_stage=1)
        point = step(parallel=parallel, micro_batch=micro[i, 0])
        for name in ("step_time_s", "mfu_fraction", "training_time_s"):
            assert grid[name].value[i, j] == pytest.approx(point[name].value, rel=1e-12)


def test_more_devices_do_not_make_a_step_slower() -> None:
    """At a fixed batch data ranks shorten the step, with falling efficiency."""
    data = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0])
    found = step(parallel=ps.ParallelSpec(data=data, zero_stage=1))
    assert np.all(np.diff(found["step_time_s"].value) < 0)
    assert np.all(np.diff(found["mfu_fraction"].value) < 1e-12)


def test_adapters_take_less_than_training_all() -> None:
    """Frozen matrices need no gradients of their own: about two thirds of the matrix work."""
    plain = step()["step_time_s"].parts["matrices"]
    adapted = step(lora_rank=16)["step_time_s"].parts["matrices"]
    assert adapted / plain == pytest.approx(2 / 3)


def test_a_machine_without_a_link_still_gives_a_bound() -> None:
    """Where no source gives the link, collectives cost nothing and the interval is wide."""
    hardware = attrs.evolve(ps.hardware["h100-sxm"], name="mine", interconnect_bytes_per_s=np.nan)
    found = step(hardware=hardware, parallel=ps.ParallelSpec(tensor=8))["step_time_s"]
    assert np.isfinite(found.value)
    assert found.parts["tensor parallel"] == 0.0


def test_a_pipeline_without_batches_is_refused() -> None:
    """Rows of measurements that leave the bubble open are refused, with the reason."""
    row = {
        "model": "LLAMA3_70B", "hardware": "NVIDIA H100 80GB SXM", "n_devices": "64", "tp": "4",
        "pp": "8", "seq_len_tokens": "8192", "precision": "FP8", "software": "NeMo",
        "sharding": "", "recompute": "", "vp": "", "global_batch_seqs": "", "micro_batch_seqs": "1",
    }  # fmt: skip
    with pytest.raises(SpecError, match="bubble"):
        scenario_of(run_of(row))
    made = scenario_of(run_of(row | {"global_batch_seqs": "128"}))
    assert made.options["training_step.guesses"] == 1.0  # the virtual stages
    assert made.specs["parallel"].data == 2.0


def test_exchanges_hide_behind_computing_and_no_further() -> None:
    """More overlap is never slower; what computing is too short to hide stays exposed."""
    overlap = np.array([0.0, 0.5, 1.0])
    far = ps.ParallelSpec(data=64, expert=64, zero_stage=1, exchange_overlap=overlap)
    parts = step("deepseek-v3", "h800-sxm", far)["step_time_s"].parts
    exchanged, busy = parts["expert parallel"], parts["matrices"] + parts["attention"]
    assert np.all(np.diff(exchanged) <= 0.0)
    whole = exchanged[0]
    assert exchanged[2] == pytest.approx(max(whole - busy - parts["elementwise"], 0.0), abs=1e-9)


def test_tokens_travel_once_to_each_node() -> None:
    """Of k experts chosen alike a token visits n (1 - (1 - 1/n)^k) of n nodes."""
    seconds = {}
    for expert in (16.0, 64.0):
        layout = ps.ParallelSpec(data=64, expert=expert, zero_stage=1, exchange_overlap=0.0)
        found = step("deepseek-v3", "h800-sxm", layout)["step_time_s"]
        seconds[expert] = found.parts["expert parallel"]
    visits = {nodes: nodes * (1 - (1 - 1 / nodes) ** 8) * (1 - 1 / nodes) for nodes in (2, 8)}
    assert seconds[64.0] / seconds[16.0] == pytest.approx(visits[8] / visits[2])


@pytest.mark.parametrize("name", ["llama-3.1-8b", "llama-2-13b"])
def test_kernels_apart_move_what_a_compiler_fuses(name: str) -> None:
    """Norms: four fp32 tensors between kernels; gates: one in 16 bits; each written and read."""
    model = ps.models[name]
    step = Pass(1.0, 1024.0)
    norms = inner = 0.0
    for count, op in model.operations(step):
        norms += float(count * op.moved_in) if op.kind == "elementwise" else 0.0
        inner += float(count * op.moved_in) if op.name == "down" else 0.0
    assert training_load(model.operations(step)).apart_bytes == 32.0 * norms + 4.0 * inner


def _seconds(**changes: Any) -> float:
    return float(step(**changes)["step_time_s"].value)


def test_eager_steps_are_slower_where_norms_are_root_mean_squares() -> None:
    """Layer norms are one kernel in PyTorch too; OPT has no gate either."""
    slower = {
        name: _seconds(model=name, fused=False) / _seconds(model=name)
        for name in ("llama-3.1-8b", "opt-6.7b")
    }
    assert 1.05 < slower["llama-3.1-8b"] < 1.4
    assert slower["opt-6.7b"] == 1.0


def test_a_cap_of_power_slows_attention_as_it_slows_matrices() -> None:
    """At long contexts, where attention is most of the step, a cap costs as much as at short."""
    board = ps.hardware["h100-sxm"]
    capped = attrs.evolve(board, power_cap_w=500.0)
    longer = [
        step(hardware=machine, sequence_length=65536, batch_tokens=8 * 65536)["step_time_s"]
        for machine in (capped, board)
    ]
    attention = [found.parts["attention"] for found in longer]
    assert attention[0] / attention[1] == pytest.approx(1.0 / clock_share(capped))
