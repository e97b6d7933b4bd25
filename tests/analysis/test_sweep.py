"""Sweeps give what single estimates give, whatever the axes, tiles, regions and threads."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paramscale as ps
from paramscale.analysis.sweep.run import Engine
from paramscale.errors import MissingInputError, ParamscaleError, SpecError, UnknownNameError

SCENARIO = ps.Scenario(
    model="llama-3.1-8b",
    hardware="h100-sxm",
    serving=ps.ServingSpec(batch=4, schedule="continuous", engine="vllm"),
    training=ps.TrainingSpec(tokens=2e12, batch_tokens=4e6, unique_tokens=1e12),
)

QUANTITIES = (
    "parameters", "ttft_s", "tpot_s", "throughput_tokens_per_s", "serving_memory_bytes",
    "missing_memory_bytes", "loss_nats", "step_time_s", "training_memory_bytes", "mmlu_fraction",
    "overfitting_nats", "longest_context_tokens", "energy_per_token_j", "power_w",
    "training_cost_usd", "request_latency_s",
)  # fmt: skip

#: Values of each axis, some of them beyond the domains of the estimators.
AXES: dict[str, list[Any]] = {
    "model": ["llama-3.1-8b", "qwen3-30b-a3b", "gemma-2-9b", "mamba-2.8b"],
    "model.parameters": [2e8, 1e9, 8e9, 5e10, 3e12],
    "hardware": ["a100-sxm-80gb", "h100-sxm", "rtx-4090", "b200"],
    "serving.batch": [1, 3, 16, 256, 20_000],
    "serving.prompt_tokens": [1, 300, 4096, 500_000],
    "serving.output_tokens": [0, 1, 700],
    "serving.weight_format": ["bf16", "fp8", "q4_k"],
    "serving.schedule": ["", "static", "continuous"],
    "parallel.tensor": [1, 2, 4, 8],
    "parallel.data": [1, 4],
    "training.tokens": [1e9, 1e12, 1e15],
    "training.unique_tokens": [1e8, 1e11],
    "training.optimizer": ["adam", "muon"],
    "hardware.memory_bandwidth_bytes_per_s": [1e12, 3e12],
}


@st.composite
def spaces(draw: st.DrawFn) -> tuple[dict[str, Any], list[tuple[str, ...]]]:
    """Draw some axes, some of their values, and a pair of them that runs together."""
    paths = draw(st.lists(st.sampled_from(list(AXES)), min_size=1, max_size=4, unique=True))
    over = {
        path: draw(st.lists(st.sampled_from(AXES[path]), min_size=1, max_size=3, unique=True))
        for path in paths
    }
    pairs = [(a, b) for a in paths for b in paths if a < b and len(over[a]) == len(over[b])]
    return over, [draw(st.sampled_from(pairs))] if pairs and draw(st.booleans()) else []


def alone(sweep: ps.Sweep, point: tuple[int, ...], name: str) -> float:
    """Return a quantity at one point, from an estimate of it alone; NaN where it is refused."""
    try:
        return float(ps.estimate(**sweep.specs(point), quantities=[name])[name].value)
    except ParamscaleError:
        return np.nan


def at(values: npt.NDArray[Any], shape: tuple[int, ...], point: tuple[int, ...]) -> Any:
    """Return the value of a factored array at a point."""
    return np.broadcast_to(values, shape)[point]


@settings(deadline=None, max_examples=40)
@given(
    spaces(), st.lists(st.sampled_from(QUANTITIES), min_size=1, max_size=4, unique=True),
    st.integers(1, 40), st.integers(1, 80), st.integers(1, 3),
)  # fmt: skip
def test_a_sweep_is_its_points(
    drawn: Any, quantities: list[str], tile: int, region: int, threads: int
) -> None:
    """Every point equals its own estimate to 1e-12, whatever the division and the threads."""
    over, paired = drawn
    try:
        whole = ps.sweep(SCENARIO, over, quantities=quantities, paired=paired)
    except ParamscaleError:  # nothing of it can be estimated
        return
    means = attrs.evolve(whole._engine.means, tile=tile, region=region, threads=threads)
    columns, _ = Engine.of(whole.job, means).collect()
    for name in quantities:
        expected = [alone(whole, point, name) for point in np.ndindex(whole.shape)]
        for values in (whole[name].value, columns[name]):
            found = np.broadcast_to(values, whole.shape).ravel()
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0.0, equal_nan=True)


def test_what_does_not_vary_has_one_place() -> None:
    """Axes are factored: nothing is computed, or kept, along an axis that does not matter."""
    over = {
        "hardware": ["h100-sxm", "b200"],
        "serving.batch": [1, 8, 64],
        "training.tokens": [1e12, 2e12],
    }
    found = ps.sweep(SCENARIO, over, quantities=["parameters", "loss_nats", "tpot_s"])
    assert found["parameters"].value.shape == (1, 1, 1)
    assert found["loss_nats"].dims == ("training.tokens",)
    assert found["tpot_s"].dims == ("hardware", "serving.batch")
    assert (found.shape, found.size) == ((2, 3, 2), 12)


def test_each_point_has_the_estimator_that_covers_it() -> None:
    """A batch beyond the domain of the calibration gets the bound; the others keep theirs."""
    found = ps.sweep(SCENARIO, {"serving.batch": [8, 100_000]}, quantities="tpot_s")["tpot_s"]
    expected = [
        ps.estimate(SCENARIO, serving=attrs.evolve(SCENARIO.serving, batch=batch))["tpot_s"]
        for batch in (8, 100_000)
    ]
    assert [each.estimator for each in expected] == ["expected_token", "decode_roofline"]
    assert found.value == pytest.approx([float(each.value) for each in expected], rel=1e-12)
    assert found.inside.tolist() == [True, True]
    assert np.isnan(found.low).tolist() == [False, True]


def test_intervals_are_computed_when_asked_for() -> None:
    """They equal those of single estimates; exact values are their own interval."""
    over = {"serving.batch": [1, 8], "model": ["llama-3.1-8b", "qwen3-8b"]}
    later = ps.sweep(SCENARIO, over, quantities=["tpot_s", "weight_bytes"])
    at_once = ps.sweep(SCENARIO, over, quantities=["tpot_s", "weight_bytes"], intervals=True)
    assert not later.holds("tpot_s_low")
    assert at_once.holds("tpot_s_low")
    for point in np.ndindex(later.shape):
        alone = ps.estimate(**later.specs(point), quantities=["tpot_s"])["tpot_s"]
        for found in (later["tpot_s"], at_once["tpot_s"]):
            assert found.low[point] == pytest.approx(alone.low, rel=1e-12)
            assert found.high[point] == pytest.approx(alone.high, rel=1e-12)
    assert later["weight_bytes"].high is later["weight_bytes"].value


def test_values_do_not_depend_on_whether_ends_are_wanted() -> None:
    """Leaving out the ends of intervals changes no value."""
    over = {"serving.batch": [1, 64], "model": ["llama-3.1-8b", "qwen3-30b-a3b"]}
    names = ["tpot_s", "throughput_tokens_per_s", "energy_per_token_j", "power_w", "gpu_hours"]
    names = [name for name in names if name in ps.sweep(SCENARIO, over, lazy=True)]
    plain = ps.sweep(SCENARIO, over, quantities=names)
    ends = ps.sweep(SCENARIO, over, quantities=names, intervals=True)
    for name in names:
        np.testing.assert_allclose(plain[name].value, ends[name].value, rtol=1e-12)
        assert (ends[name].low < ends[name].value).all()
        np.testing.assert_allclose(plain[name].high, ends[name].high, rtol=1e-12)


def test_draws_are_a_dimension() -> None:
    """The draws of each point are those of its own estimate; intervals are their quantiles."""
    over = {"model.parameters": [1e9, 8e9], "training.tokens": [1e12, 2e12, 4e12]}
    found = ps.sweep(SCENARIO, over, quantities=["mmlu_fraction", "parameters"], draws=20, seed=3)
    accuracy = found["mmlu_fraction"]
    assert accuracy.draws is not None
    assert accuracy.draws.shape == (20, 2, 3)
    assert found["parameters"].draws is None
    specs = found.specs((1, 2))
    alone = ps.estimate(**specs, quantities=["mmlu_fraction"], draws=20, seed=3)["mmlu_fraction"]
    np.testing.assert_allclose(accuracy.draws[:, 1, 2], np.ravel(alone.draws), rtol=1e-12)
    assert accuracy.low[1, 2] == pytest.approx(alone.low, rel=1e-12)


def test_draws_do_not_depend_on_the_division() -> None:
    """Every tile draws the same coefficients."""
    over = {"model.parameters": [1e9, 8e9, 2e10], "training.tokens": [1e12, 2e12, 4e12]}
    found = ps.sweep(SCENARIO, over, quantities=["mmlu_fraction"], draws=7)
    means = attrs.evolve(found._engine.means, tile=7, region=14)
    columns, _ = Engine.of(found.job, means).collect()
    np.testing.assert_allclose(columns["mmlu_fraction_draws"], found["mmlu_fraction"].draws)


def test_choices_that_are_refused_are_nan_with_a_reason() -> None:
    """One machine without figures stops nothing."""
    bare = ps.HardwareSpec(name="bare", memory_type="HBM")
    layouts = [ps.ParallelSpec(tensor=1), ps.ParallelSpec(tensor=3)]
    found = ps.sweep(
        SCENARIO, {"parallel": layouts, "hardware": ["b200", bare]}, quantities="tpot_s"
    )
    assert np.isnan(found["tpot_s"].value).tolist() == [[False, True], [True, True]]
    assert any("3" in text for text in found.refused.values())


def test_a_sweep_without_axes_is_one_point() -> None:
    """The degenerate case."""
    found = ps.sweep(SCENARIO, {}, quantities="tpot_s")
    assert found["tpot_s"].value == ps.estimate(SCENARIO)["tpot_s"].value
    assert (found.shape, found.size) == ((), 1)


def test_all_that_can_be_had_unless_said() -> None:
    """The quantities of the scenario, without those that nothing gives."""
    found = ps.sweep({"model": "llama-3.1-8b"}, {"serving.batch": [1, 2]})
    assert {"parameters", "kv_cache_bytes", "prefill_flops"} <= set(found)
    assert "tpot_s" not in found


def test_estimators_and_options_are_chosen_as_in_an_estimate() -> None:
    """``use`` and ``options`` are handed on."""
    use = {"loss_nats": "hoffmann2022_a3"}
    found = ps.sweep(SCENARIO, {"serving.batch": [1]}, quantities="loss_nats", use=use)
    assert found["loss_nats"].value == ps.estimate(SCENARIO, use=use)["loss_nats"].value


@pytest.mark.parametrize(
    ("over", "options", "error", "text"),
    [
        ({"serving.bacth": [1]}, {}, UnknownNameError, "did you mean 'serving.batch'"),
        ({}, {"quantities": "tpto_s"}, UnknownNameError, "did you mean 'tpot_s'"),
        ({}, {"quantities": "serving_times"}, UnknownNameError, "no quantity is called 'serving"),
        ({}, {"use": {"loss_nats": "x"}, "quantities": "loss_nats"}, UnknownNameError, "'x'"),
        ({}, {"threads": 0}, SpecError, "threads must be a whole number of at least 1, not 0"),
        (
            {"serving.batch": range(1, 10**6), "serving.prompt_tokens": range(1, 10**6)},
            {"quantities": "tpot_s"},
            SpecError,
            r"this sweep of 999,998,000,001 points would take [\d.]+ TiB, and .* out='sweep.zarr'",
        ),
    ],
)
def test_what_cannot_be_swept_is_refused(over: Any, options: Any, error: Any, text: str) -> None:
    """Wrong names, and grids beyond the memory."""
    with pytest.raises(error, match=text):
        ps.sweep(SCENARIO, over, **options)


def test_missing_inputs_are_named() -> None:
    """As an estimate names them."""
    with pytest.raises(MissingInputError, match="hardware"):
        ps.sweep({"model": "llama-3.1-8b"}, {"serving.batch": [1]}, quantities="tpot_s")


def test_grids_in_the_scenario_are_refused() -> None:
    """Its dimensions would mix with the axes."""
    serving = ps.ServingSpec(batch=[1, 2])
    with pytest.raises(SpecError, match=r"serving.batch holds an array of shape \(2,\); make it"):
        ps.sweep({"model": "llama-3.1-8b", "serving": serving}, {"site.pue": [1.1]})


def test_points_are_named() -> None:
    """By place, in the order of the axes or by their names."""
    found = ps.sweep(SCENARIO, {"serving.batch": [1, 8], "hardware": ["b200"]}, quantities="tpot_s")
    assert found.specs({"serving.batch": 1})["serving"].batch == 8.0
    with pytest.raises(UnknownNameError, match="no axis is called 'batch'"):
        found.specs({"batch": 1})
    with pytest.raises(SpecError, match="a point has 2 places, one an axis, not 1"):
        found.specs((0,))
    with pytest.raises(UnknownNameError, match="no quantity of this sweep is called 'tpot'"):
        found["tpot"]


def test_xarray_has_the_names() -> None:
    """Variables run only along what they vary along; paired fields are coordinates."""
    over = {
        "model.parameters": [1e9, 8e9],
        "training.tokens": [1e12, 2e12],
        "hardware": ["h100-sxm", "b200"],
    }
    paired = ("model.parameters", "training.tokens")
    found = ps.sweep(
        SCENARIO, over, paired=paired, quantities=["tpot_s", "loss_nats"], intervals=True
    ).to_xarray()
    assert found["tpot_s"].dims == ("model.parameters", "hardware")
    assert found["loss_nats"].dims == ("model.parameters",)
    assert found["tpot_s"].attrs["units"] == "s"
    assert "tpot_s_high" in found
    assert list(found["hardware"].values) == ["h100-sxm", "b200"]
    assert found["training.tokens"].dims == ("model.parameters",)
    assert found["tpot_s"].sel(hardware="b200").shape == (2,)


def test_pandas_has_a_row_a_point() -> None:
    """Coordinates first, the last axis fastest."""
    over = {"serving.batch": [1, 8], "hardware": ["h100-sxm", "b200"]}
    found = ps.sweep(SCENARIO, over, quantities=["tpot_s", "parameters"])
    table = found.to_pandas()
    assert list(table.columns) == ["serving.batch", "hardware", "tpot_s", "parameters"]
    assert list(table["hardware"]) == ["h100-sxm", "b200"] * 2
    assert table["tpot_s"].to_numpy() == pytest.approx(found["tpot_s"].value.ravel(), rel=0)


def test_a_sweep_shows_axes_and_ranges() -> None:
    """As text and as HTML, with everything from outside escaped."""
    odd = ps.HardwareSpec(name="<b>odd</b>")
    over = {"serving.batch": [1, 8], "hardware": ["b200", odd]}
    found = ps.sweep(SCENARIO, over, quantities=["tpot_s", "parameters"])
    text, page = repr(found), found._repr_html_()
    assert "2 quantities at 4 points" in text
    assert "serving.batch  2       1     8" in text
    assert "8.03 B" in text
    assert "<b>odd</b>" not in page
    assert "&lt;b&gt;odd&lt;/b&gt;" in page


def test_impossible_layouts_are_nan_among_others() -> None:
    """Ranks that do not divide the heads: refused alone, NaN in the midst of a grid."""
    found = ps.sweep(SCENARIO, {"parallel.tensor": [1, 3, 8]}, quantities="tpot_s")
    assert np.isnan(found["tpot_s"].value).tolist() == [False, True, False]
