"""Planning a layout: it divides, it fits, it is the fastest, and it is like the published ones."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest

import paramscale as ps
from paramscale.analysis.plan_parallelism import PlannedLayout, Plans, plan_parallelism
from paramscale.errors import SpecError

LLAMA = ps.TrainingSpec(tokens=15.6e12, batch_tokens=2048 * 8192, sequence_length=8192)
SMALL = ps.TrainingSpec(tokens=1e12, batch_tokens=2.0**20, sequence_length=4096)


def asked(layout: PlannedLayout, model: str, machine: str = "h100-sxm") -> tuple[Any, Any]:
    """Return the time of a step and the memory of a layout, estimated by itself."""
    e = ps.estimate(
        model=model, hardware=machine, training=layout.training, parallel=layout.parallel,
        quantities=["step_time_s", "training_memory_bytes"],
    )  # fmt: skip
    return e["step_time_s"].value, e["training_memory_bytes"].value


@pytest.fixture(scope="module")
def llama() -> Plans:
    """Return the plan of Llama-3.1-405B on 16,384 H100."""
    return plan_parallelism("llama-3.1-405b", "h100-sxm", 16_384, LLAMA)


def test_llama_lands_on_a_layout_as_good_as_the_published_one(llama: Plans) -> None:
    """Grattafiori et al. 2024, table 4: TP 8, PP 16, DP 128 at 38 to 43 % MFU."""
    best = llama.best
    assert best is not None
    published = ps.ParallelSpec(tensor=8, pipeline=16, data=128, virtual_stages=8, zero_stage=1)
    same = attrs.evolve(best, parallel=published)
    assert best.step_time_s <= asked(same, "llama-3.1-405b")[0] * 1.001
    assert 0.36 < best.mfu_fraction < 0.45
    assert best.parallel.tensor == 8
    assert best.parallel.pipeline in (8, 16, 32)


def test_results_are_those_of_single_estimates(llama: Plans) -> None:
    """The grid of all layouts gives what each gives alone."""
    for layout in llama:
        time, memory = asked(layout, "llama-3.1-405b")
        assert layout.step_time_s == pytest.approx(time)
        assert layout.memory_bytes == pytest.approx(memory)
        assert layout.memory_bytes <= 0.95 * ps.hardware["h100-sxm"].memory_bytes
        assert layout.parallel.devices == 16_384


def test_runners_up_are_slower_and_differ(llama: Plans) -> None:
    """Layouts come fastest first, each of other degrees."""
    times = [each.step_time_s for each in llama]
    assert times == sorted(times)
    degrees = {(p.tensor, p.pipeline, p.data) for p in (each.parallel for each in llama)}
    assert len(degrees) == len(times) == 5
    assert "TP8 PP16" in repr(llama)


def test_a_small_model_needs_no_recomputation() -> None:
    """8 B parameters on 64 devices fit as they are."""
    found = plan_parallelism("llama-3.1-8b", "h100-sxm", 64, SMALL)
    assert found.best is not None
    assert found.best.training.recomputation == "none"
    assert found.best.parallel.tensor == 1


def test_a_model_that_does_not_fit_is_an_answer() -> None:
    """405 B parameters do not fit on eight devices; how much is missing is said."""
    run = attrs.evolve(LLAMA, batch_tokens=64.0 * 8192)
    found = plan_parallelism("llama-3.1-405b", "h100-sxm", 8, run)
    assert not found.fits
    assert found.best is None
    assert "lacks" in repr(found)
    assert found.least_memory_bytes > found.limit_bytes


def test_experts_are_spread() -> None:
    """A layout of an expert model divides its experts over data ranks."""
    run = ps.TrainingSpec(tokens=1e12, batch_tokens=4096.0 * 4096, sequence_length=4096)
    layouts = [
        each.parallel for each in plan_parallelism("deepseek-v3", "gb200", 256, run, keep=40)
    ]
    assert any(each.expert > 1 for each in layouts)
    assert all(np.remainder(each.data * each.context, each.expert) == 0 for each in layouts)


@pytest.mark.parametrize(
    ("devices", "changes", "text"),
    [
        (0, {}, "devices must be a whole number"),
        (8, {"batch_tokens": None}, "batch_tokens"),
        (8, {"batch_tokens": 5000.0}, "no whole number of sequences"),
        (11, {"batch_tokens": 4096.0 * 2}, "multiple of the data ranks"),
    ],
)
def test_bad_input_is_named(devices: int, changes: dict[str, Any], text: str) -> None:
    """What cannot be planned is said in words."""
    with pytest.raises(SpecError, match=text):
        plan_parallelism("gpt2", "h100-sxm", devices, attrs.evolve(SMALL, **changes))


#: DeepSeek-AI 2024 (arXiv:2412.19437): 2,048 H800, 16 stages, 64 expert ranks over 8 nodes, ZeRO-1,
#: 14.8 T tokens in 2.664 M device-hours (table 1), sequences of 4,096, batches of 15,360 of them.
DEEPSEEK = ps.TrainingSpec(
    tokens=14.8e12, batch_tokens=15_360 * 4096, sequence_length=4096, precision="fp8"
)


@pytest.mark.parametrize(("overlap", "within"), [(1.0, 0.15), (None, 0.8)])
def test_the_hours_of_deepseek_v3(overlap: float | None, within: float) -> None:
    """Published hours lie in the interval; near the value where the schedule is stated."""
    layout = ps.ParallelSpec(
        pipeline=16, data=128, expert=64, zero_stage=1, exchange_overlap=overlap
    )
    found = ps.estimate(
        model="deepseek-v3", hardware="h800-sxm", training=DEEPSEEK, parallel=layout,
        quantities="training_device_s",
    )["training_device_s"]  # fmt: skip
    published = 2.664e6 * 3600.0
    assert found.low < published < found.high
    assert found.value == pytest.approx(published, rel=within)


def test_a_schedule_that_hides_exchanges_makes_faster_plans() -> None:
    """With the overlap stated the best plan of DeepSeek-V3 is near the published step of 19.9 s."""
    plain, hidden = (
        ps.plan_parallelism(
            "deepseek-v3", "h800-sxm", 2048, DEEPSEEK, exchange_overlap=overlap, keep=1
        ).best
        for overlap in (None, 1.0)
    )
    published = 2.664e6 * 3600.0 / 2048 / (14.8e12 / float(DEEPSEEK.batch_tokens))
    assert hidden.step_time_s < plain.step_time_s
    assert hidden.step_time_s == pytest.approx(published, rel=0.2)
    assert plain.low < published < plain.high
    assert hidden.parallel.exchange_overlap == 1.0
