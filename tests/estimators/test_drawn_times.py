"""Draws of calibrated times and memory: as wide as the stated interval, moving together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import paramscale as ps

SERVING = ps.ServingSpec(
    batch=np.array([1.0, 8.0, 64.0])[:, None], prompt_tokens=[256, 4096], engine="vllm",
    schedule="continuous",
)  # fmt: skip
RUN = ps.TrainingSpec(tokens=1e12, batch_tokens=[2**20, 2**22], sequence_length=4096)
HERE: dict[str, Any] = {
    "model": "llama-3.1-8b", "hardware": "h100-sxm", "serving": SERVING, "training": RUN,
    "parallel": ps.ParallelSpec(data=8, zero_stage=3),
}  # fmt: skip
LEVELS = ("ttft_s", "tpot_s", "step_time_s", "training_time_s", "mfu_fraction")
MEMORY = ("activation_bytes", "training_memory_bytes")


@pytest.fixture(scope="module")
def drawn() -> ps.Estimates:
    return ps.estimate(**HERE, draws=400)


@pytest.fixture(scope="module")
def stated() -> ps.Estimates:
    return ps.estimate(**HERE)


@pytest.mark.parametrize("name", [*LEVELS, *MEMORY])
def test_draws_are_as_wide_as_the_stated_interval(
    drawn: ps.Estimates, stated: ps.Estimates, name: str
) -> None:
    """The 5 % and 95 % quantiles are the stated ends within a tenth of the width; same value."""
    one, other = drawn[name], stated[name]
    np.testing.assert_array_equal(one.value, other.value)
    for end in ("low", "high"):
        width = np.abs(np.log(getattr(other, end) / other.value))
        off = np.log(getattr(one, end) / getattr(other, end))
        assert np.all(np.abs(off) < 0.1 * width)


def test_points_of_a_grid_move_together(drawn: ps.Estimates) -> None:
    """Most of the error is a level, so that ratios of points are surer than the points."""
    found = np.log(drawn["tpot_s"].draws.reshape(400, -1))
    assert np.all(np.corrcoef(found.T) > 0.9)
    assert np.std(found[:, 0] - found[:, -1]) < 0.5 * np.std(found[:, 0])
    assert np.std(found[:, 0] - found[:, -1]) > 0.0  # coefficients change the shape


def test_first_and_further_tokens_err_apart(drawn: ps.Estimates) -> None:
    """Their errors on what was left out are not correlated; what is made of both is drawn too."""
    first, further = (np.log(drawn[name].draws[:, 0, 0]) for name in ("ttft_s", "tpot_s"))
    assert abs(np.corrcoef(first, further)[0, 1]) < 0.3
    latency = drawn["request_latency_s"].draws
    made = drawn["ttft_s"].draws + 255.0 * drawn["tpot_s"].draws
    np.testing.assert_allclose(latency, made)


def test_a_run_is_as_its_step(drawn: ps.Estimates) -> None:
    """Time of the run and MFU follow the same draws of the step."""
    step, run = drawn["step_time_s"].draws, drawn["training_time_s"].draws
    np.testing.assert_allclose(run / step, np.broadcast_to(run[0] / step[0], step.shape))
    mfu = drawn["mfu_fraction"].draws * step
    np.testing.assert_allclose(mfu, np.broadcast_to(mfu[0], mfu.shape), rtol=1e-9)


def test_no_draw_beats_a_bound(drawn: ps.Estimates) -> None:
    """Every draw is above the roofline, every MFU below 1."""
    use = {"ttft_s": "prefill_roofline", "tpot_s": "decode_roofline"}
    bound = ps.estimate(**HERE, quantities=list(use), use=use)
    for name in use:
        assert np.all(drawn[name].draws >= bound[name].value * (1.0 - 1e-12))
    assert np.all(drawn["mfu_fraction"].draws <= 1.0)


def test_what_is_exact_stays_exact(drawn: ps.Estimates) -> None:
    """Counts, weights and states have no draws, though they stand beside what is drawn."""
    for name in ("parameters", "weight_bytes", "gradient_bytes", "optimizer_bytes"):
        assert drawn[name].low == drawn[name].value == drawn[name].high


def test_the_seed_decides() -> None:
    """The same seed gives the same draws; refused points stay NaN."""
    given = {**HERE, "quantities": "tpot_s", "draws": 8}
    one, same, other = (ps.estimate(**given, seed=seed)["tpot_s"].draws for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    grid = ps.ParallelSpec(tensor=[2, 3])
    found = ps.estimate(**{**given, "serving": ps.ServingSpec(), "parallel": grid})["tpot_s"]
    assert np.isnan(found.high).tolist() == [False, True]


def test_activations_know_how_unsure_they_are() -> None:
    """Code that runs step by step was measured family by family; fused code is less sure."""
    widths = []
    for fused in (False, True):
        run = ps.TrainingSpec(tokens=1e9, sequence_length=2048, fused=fused)
        found = ps.estimate(model="llama-3.1-8b", training=run)["activation_bytes"]
        assert found.low < found.value < found.high
        widths.append(float(np.log(found.high / found.value)))
    assert 0.02 < widths[0] < widths[1] < 0.3


def test_a_step_says_why_it_is_unsure() -> None:
    """Framework, machine, experts and guesses each widen the interval and are named."""

    def said(model: str, machine: str, **options: float) -> tuple[tuple[str, ...], float]:
        run = ps.TrainingSpec(tokens=1e9, batch_tokens=2**20, framework="nemo")
        found = ps.estimate(
            model=model, hardware=machine, training=run, parallel=ps.ParallelSpec(data=8),
            quantities=["step_time_s", "mfu_fraction"], options=options,
        )  # fmt: skip
        assert found.remarks("mfu_fraction") == found.remarks("step_time_s")
        step = found["step_time_s"]
        return found.remarks("step_time_s"), float(np.log(step.high / step.value))

    remarks, known = said("llama-3.1-8b", "h100-sxm")
    assert remarks == ()
    for model, machine, options, text in (
        ("llama-3.1-8b", "mi300x", {}, "AMD MI300X was not measured"),
        ("mixtral-8x7b", "h100-sxm", {}, "routed experts"),
        ("llama-3.1-8b", "h100-sxm", {"training_step.guesses": 1.0}, "is a guess"),
    ):
        remarks, wide = said(model, machine, **options)
        assert len(remarks) == 1
        assert text in remarks[0]
        assert wide > known
