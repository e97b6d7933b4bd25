"""Energy and power of served models: limits of physics, known measurements, formats, caps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paramscale as ps
from paramscale.catalogue.tables import read_table
from paramscale.errors import MissingInputError
from paramscale.systems.power import PowerCoefficients, clock_share, held, power_coefficients
from paramscale.systems.power_scope import power_log_width, power_unmeasured
from paramscale.validation.score import score
from paramscale.validation.tables.inference_energy import inference_energy

MEASUREMENTS = Path(__file__).parents[3] / "shared" / "data"
MODELS = ("llama-3.1-8b", "mixtral-8x7b", "deepseek-v3", "mamba2-1.3b", "gpt-oss-120b")
MACHINES = ("h100-sxm", "b200", "rtx-4090", "mi300x", "a100-sxm-40gb", "t4")
ENERGIES = ("power_w", "chip_energy_per_token_j", "throughput_tokens_per_s")


def served(model: str = "llama-3.1-8b", machine: Any = "h100-sxm", **fields: Any) -> ps.Estimates:
    """Return energies of a model served by vLLM; `layout` is a ParallelSpec, `given` quantities."""
    layout = fields.pop("layout", ps.ParallelSpec())
    wanted, known = fields.pop("quantities", ENERGIES), fields.pop("given", {})
    fields = {"engine": "vllm", "schedule": "continuous", "prompt_tokens": 350} | fields
    return ps.estimate(
        model=model, hardware=machine, serving=ps.ServingSpec(**fields), parallel=layout,
        quantities=wanted, **known,
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    model=st.sampled_from(MODELS),
    machine=st.sampled_from(MACHINES),
    batch=st.sampled_from([1, 3, 64, 1000]),
    prompt=st.sampled_from([1, 200, 4096]),
    output=st.sampled_from([0, 1, 2, 500]),
    weights=st.sampled_from(["bf16", "fp8", "nvfp4", "q4_k"]),
    engine=st.sampled_from(["", "vllm", "vllm-2024", "llama.cpp", "transformers"]),
    layout=st.sampled_from([(1, 1, 1, 1), (8, 1, 1, 1), (2, 2, 2, 1), (1, 4, 1, 1), (1, 1, 8, 8)]),
    cap=st.sampled_from([None, 0.5, 1.0, 2.0]),
)
def test_power_stays_within_the_boards(
    model: str, machine: str, batch: int, prompt: int, output: int, weights: str, engine: str,
    layout: tuple[int, ...], cap: float | None,
) -> None:  # fmt: skip
    """Idle power <= power <= limit, all ends included, and energy x throughput is the power."""
    spec = ps.hardware[machine]
    if cap is not None:
        spec = attrs.evolve(spec, power_cap_w=cap * spec.power_limit_w)
    tensor, pipeline, data, expert = layout
    parallel = ps.ParallelSpec(tensor=tensor, pipeline=pipeline, data=data, expert=expert)
    found = served(
        model, spec, batch=batch, prompt_tokens=prompt, output_tokens=output, layout=parallel,
        weight_format=weights, engine=engine, quantities=(*ENERGIES, "idle_power_w"),
    )  # fmt: skip
    power, energy = found["power_w"], found["chip_energy_per_token_j"]
    limit = float(spec.power_limit_w) * min(cap or 1.0, 1.0) * float(parallel.devices)
    assert power.low <= power.value <= power.high <= limit * (1.0 + 1e-12)
    assert power.value >= 0.99 * min(float(found["idle_power_w"].value), limit) * 0.92
    if output:
        rate = found["throughput_tokens_per_s"].value
        assert energy.value * rate == pytest.approx(float(power.value))
        assert energy.low <= energy.value <= energy.high


#: Model, machine, ServingSpec fields, layout, measured J a token and W of all boards. Single rows
#: of ml-energy/leaderboard@0cd52dab, public/data/models, task lm-arena-chat
#: (prompts of 350 tokens assumed).
MEASURED = [
    ("llama-3.1-8b", "h100-sxm", {"batch": 8, "output_tokens": 389}, (1, 1), 0.4548, 487.0),
    ("llama-3.1-8b", "h100-sxm", {"batch": 255, "output_tokens": 404}, (1, 1), 0.0766, 690.0),
    ("qwen3-14b", "h100-sxm", {"batch": 8, "output_tokens": 620}, (1, 1), 0.7061, 443.0),
    ("llama-3.1-70b", "b200", {"batch": 8, "output_tokens": 352}, (2, 1), 3.5693, 1800.0),
]


@pytest.mark.parametrize(("model", "machine", "fields", "layout", "joules", "watts"), MEASURED)
def test_measured_points_lie_in_the_interval(
    model: str, machine: str, fields: dict[str, Any], layout: tuple[int, int], joules: float,
    watts: float,
) -> None:  # fmt: skip
    """Published measurements are within 20 % of the estimate, and within its interval."""
    found = served(
        model, machine, output_variation=1.0, layout=ps.ParallelSpec(tensor=layout[0]), **fields
    )
    energy, power = found["chip_energy_per_token_j"], found["power_w"]
    assert energy.value == pytest.approx(joules, rel=0.2)
    assert energy.low <= joules <= energy.high
    assert power.value == pytest.approx(watts, rel=0.2)


def test_eight_bits_cost_more_at_small_batches_of_experts_and_less_at_large() -> None:
    """Qwen3-235B on eight H100: FP8 over bf16 is 1.5 at batch 8, near 1 at 32 to 64, 0.9 at 256.

    Measured, ml-energy/leaderboard@0cd52dab: 1.56, 1.22, 0.95, 0.89, 0.91, 0.92 at 8 to 256.
    """
    batch = np.array([8.0, 16.0, 32.0, 64.0, 128.0, 228.0])
    layout = ps.ParallelSpec(tensor=8, expert=8)
    eight, sixteen = (
        served(
            "qwen3-235b-a22b-2507", batch=batch, output_tokens=870, output_variation=1.0,
            weight_format=form, layout=layout,
        )["chip_energy_per_token_j"].value
        for form in ("fp8", "bf16")
    )  # fmt: skip
    ratio = eight / sixteen
    assert 1.3 < ratio[0] < 1.8
    assert np.all(np.diff(ratio) < 0.0)
    assert 0.85 < ratio[3] < 1.1
    assert np.all((ratio[4:] > 0.75) & (ratio[4:] < 1.02))


def test_eight_bits_save_energy_of_dense_models() -> None:
    """Without routed experts half the bytes cost less at every batch."""
    batch = np.array([1.0, 8.0, 64.0])
    eight, sixteen = (
        served("llama-3.1-70b", batch=batch, weight_format=form, layout=ps.ParallelSpec(tensor=4))[
            "chip_energy_per_token_j"
        ].value
        for form in ("fp8", "bf16")
    )
    assert np.all(eight < sixteen)


def test_idle_experts_are_warned_of() -> None:
    """Replicas with experts of their own in 8 bits are remarked; in 16 bits, or dense, not."""
    layout = ps.ParallelSpec(data=8, expert=8)
    warned = served("deepseek-v3", "h200-sxm", batch=8, weight_format="fp8", layout=layout)
    assert any("get no tokens" in text for text in warned.remarks("power_w"))
    energy = warned["chip_energy_per_token_j"]
    assert energy.high / energy.value > 1.5
    for fields in (
        {"model": "deepseek-v3", "weight_format": "bf16", "layout": layout},
        {"model": "deepseek-v3", "weight_format": "fp8", "layout": ps.ParallelSpec(tensor=8)},
        {"model": "llama-3.1-8b", "weight_format": "fp8", "layout": layout},
    ):
        assert not any("get no" in text for text in served(batch=8, **fields).remarks("power_w"))


def test_a_capped_board_draws_its_cap() -> None:
    """Where a cap is above what is drawn nothing changes; below, the cap is drawn."""
    plain = served(batch=128)["power_w"].value
    for cap, expected in ((700.0, plain), (300.0, 300.0)):
        spec = attrs.evolve(ps.hardware["h100-sxm"], power_cap_w=cap)
        assert served(machine=spec, batch=128)["power_w"].value == pytest.approx(expected, rel=0.01)


def test_a_cap_slows_prompts_more_than_tokens() -> None:
    """Arithmetic runs at the clocks that a cap leaves; memory at its own pace."""
    spec = attrs.evolve(ps.hardware["h100-sxm"], power_cap_w=350.0)
    wanted = ["ttft_s", "tpot_s", "chip_energy_per_token_j"]
    plain, capped = (
        served(machine=each, batch=4, prompt_tokens=2048, output_tokens=500, quantities=wanted)
        for each in ("h100-sxm", spec)
    )
    prompt, token, energy = (float(capped[q].value / plain[q].value) for q in wanted)
    assert 1.0 < token < prompt < 1.02 / float(clock_share(spec))  # the wait for others grows too
    assert energy < 1.0


def test_energy_grows_with_time_and_with_work() -> None:
    """At half the throughput a token costs more but less than twice; a larger batch costs less."""
    rate = 3000.0
    fast, slow = (
        served(batch=32, given={"throughput_tokens_per_s": each}, quantities=ENERGIES[:2])
        for each in (rate, rate / 2.0)
    )
    energy = [float(each["chip_energy_per_token_j"].value) for each in (fast, slow)]
    assert energy[0] < energy[1] < 2.0 * energy[0]
    assert float(slow["power_w"].value) < float(fast["power_w"].value)
    batch = np.array([1.0, 4.0, 16.0, 64.0, 256.0])
    assert np.all(np.diff(served(batch=batch)["chip_energy_per_token_j"].value) < 0.0)


def test_given_throughput_is_used() -> None:
    """What is known replaces what is estimated: power x time of the tokens."""
    found = served(batch=8, given={"throughput_tokens_per_s": 1000.0}, quantities=ENERGIES[:2])
    power, energy = (float(found[name].value) for name in ENERGIES[:2])
    assert energy == pytest.approx(power / 1000.0)


def test_prompts_and_steps_alone() -> None:
    """A prompt token costs less than an output token, and both together about the whole."""
    found = served(
        batch=16, output_tokens=400,
        quantities=(*ENERGIES, "prefill_energy_per_token_j", "decode_energy_per_token_j"),
    )  # fmt: skip
    prefill, decode = (
        float(found[f"{name}_energy_per_token_j"].value) for name in ("prefill", "decode")
    )
    assert prefill < decode
    together = decode + prefill * 350 / 400
    assert together == pytest.approx(float(found["chip_energy_per_token_j"].value), rel=0.15)


def test_a_grid_of_a_million_points_keeps_its_axes() -> None:
    """Energies vary along the axes they depend on, and equal those of single points."""
    batch, prompt = np.array([[1.0], [64.0]]), np.array([100.0, 1000.0, 10000.0])
    grid = served(batch=batch, prompt_tokens=prompt)["chip_energy_per_token_j"].value
    assert grid.shape == (2, 3)
    point = served(batch=64, prompt_tokens=1000)["chip_energy_per_token_j"].value
    assert grid[1, 1] == pytest.approx(float(point))


def test_a_machine_without_a_power_figure() -> None:
    """It is named, with the nearest that have one, and how to pass one's own; in a grid NaN."""
    with pytest.raises(MissingInputError, match=r"power limit of 'Apple M2 Ultra.*Pass your own"):
        served(machine="m2-ultra")
    grid = attrs.evolve(ps.hardware["h100-sxm"], power_limit_w=np.array([700.0, np.nan]))
    assert np.isnan(served(machine=grid)["power_w"].value).tolist() == [False, True]
    found = ps.estimate(model="llama-3.1-8b", hardware="m2-ultra", serving=ps.ServingSpec())
    assert "power_w" in found.missing


def test_less_known_is_less_sure() -> None:
    """A machine, memory, a vendor or an engine that was not measured widens, and says so."""
    vllm = ps.ServingSpec(engine="vllm", schedule="continuous")
    known = power_log_width(ps.hardware["h100-sxm"], vllm)
    assert power_unmeasured(ps.hardware["h100-sxm"], vllm) == ()
    assert power_log_width(ps.hardware["h200-sxm"], vllm) > known
    assert power_log_width(ps.hardware["mi300x"], vllm) > known * 1.4
    texts = " ".join(power_unmeasured(ps.hardware["mi300x"], ps.ServingSpec()))
    for said in ("AMD MI300X", "AMD was measured", "not stated"):
        assert said in texts


def test_coefficients_are_physical() -> None:
    """Shares of the limit are positive; static and busy together are below 0.6 of it."""
    for machine in ("", "NVIDIA H100 80GB SXM", "NVIDIA B200", "NVIDIA A40"):
        for memory in ("HBM", "GDDR", "LPDDR"):
            c = power_coefficients(memory, machine)
            assert 0.1 < c.static < 0.4
            assert c.static + c.busy < 0.6
            assert all(0.2 < share < 1.2 for share in (c.read, c.state))
            assert all(0.0 < value < 6.0 for value in c._replace(multiply_expert=1.0))
            assert 1.0 < c.multiply_expert < 16.0  # the rows of the smallest tile


def test_every_row_of_the_calibration_has_a_source() -> None:
    """Each names what it was fitted on and by which script; none is twice there."""
    rows = list(read_table("power_calibration.csv"))
    keys = [tuple(row.text(name) for name in ("memory", "machine", "coefficient")) for row in rows]
    assert len(set(keys)) == len(keys)
    assert {row.text("script") for row in rows} == {"calibrate_power.py"}
    assert all(row.text("source") for row in rows)
    fitted = {row.text("coefficient") for row in rows}
    assert set(PowerCoefficients._fields) <= fitted


def test_draws_agree_with_intervals() -> None:
    """Quantiles of draws are about the ends of the intervals."""
    case: dict[str, Any] = {
        "model": "llama-3.1-8b", "hardware": "h100-sxm", "quantities": ENERGIES[:2],
        "serving": ps.ServingSpec(batch=16, engine="vllm", schedule="continuous"),
    }  # fmt: skip
    plain, drawn = ps.estimate(**case), ps.estimate(**case, draws=300)
    for name in ENERGIES[:2]:
        assert drawn[name].low == pytest.approx(plain[name].low, rel=0.15)
        assert drawn[name].high == pytest.approx(plain[name].high, rel=0.15)


def test_held_is_a_smooth_minimum() -> None:
    """Below both the power and the limit, near the smaller, and growing."""
    power = np.linspace(0.01, 5.0, 200)
    cut = held(power, np.float64(0.8))
    assert np.all(cut < np.minimum(power, 0.8) + 1e-12)
    assert np.all(np.diff(cut) > 0.0)
    assert cut[[0, -1]] == pytest.approx([power[0], 0.8])


@pytest.mark.skipif(not MEASUREMENTS.is_dir(), reason="needs the tables of measurements")
def test_measured_energies() -> None:
    """Median error of the energy of a token at most 13 %, and nine of ten inside the interval."""
    rows = [row for row in inference_energy(MEASUREMENTS) if row.group == "in_scope"]
    energy = next(line for line in score(rows) if line.quantity == "energy_per_token_j")
    assert energy.rows > 400
    assert energy.refused == 0
    assert energy.median_ape < 0.13
    assert energy.coverage > 0.85
