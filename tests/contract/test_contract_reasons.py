"""Every NaN of a grid has its reason beside it; one scenario alone raises the same words."""

from __future__ import annotations

import re
from typing import Any

import attrs
import numpy as np
import pytest

import paramscale as ps
from paramscale.core.estimator import ESTIMATORS
from paramscale.core.reasons import Reason, refusals_as_nan
from paramscale.errors import ParamscaleError, SpecError
from paramscale.specs.scenario import Scenario
from paramscale.testing import full_scenario

ps.estimate(model="llama-3.1-8b")  # so that everything is registered
GIVEN = [quantity.name for quantity in ESTIMATORS.quantities()]


def _with(**specs: Any) -> Scenario:
    return attrs.evolve(full_scenario(), **specs)


def _layout() -> Scenario:
    """Degrees of which some divide neither the 16 heads nor the 8 experts nor the 16 layers."""
    return _with(
        parallel=ps.ParallelSpec(tensor=[1, 3], pipeline=[[1], [7]], expert=[[[1]], [[5]]])
    )


def _product() -> Scenario:
    with refusals_as_nan():
        return _with(parallel=ps.ParallelSpec(devices=[4, 6], tensor=2, data=2))


def _batch() -> Scenario:
    with refusals_as_nan():
        return _with(serving=attrs.evolve(full_scenario().serving, batch=[0, 1, 8]))


def _context() -> Scenario:
    return _with(serving=attrs.evolve(full_scenario().serving, prompt_tokens=[300, 9000]))


def _hours() -> Scenario:
    with refusals_as_nan():
        return _with(
            training=ps.TrainingSpec(tokens=[-1, 1e9], unique_tokens=1e9, batch_tokens=1e6)
        )


GRIDS = {
    "layout": (_layout, "does not divide"),
    "product": (_product, r"devices is \[4. 6.\], but tensor x pipeline"),
    "batch": (_batch, "batch must be a whole number greater than 0, not 0 at index 0"),
    "context": (_context, "9,040 tokens of prompt and output, beyond the context of .*, 8,192"),
    "tokens": (_hours, "tokens must be a number greater than 0, not -1 at index 0"),
}


@pytest.mark.parametrize("grid", GRIDS)
def test_every_nan_of_a_grid_has_its_reason(grid: str) -> None:
    """The reasons cover all points without a value, none with one, and none is a mere guess."""
    scenario = GRIDS[grid][0]()
    whole = ps.estimate(full_scenario(), quantities="all")
    found = ps.estimate(scenario, quantities="all")
    refused = 0
    for name in GIVEN:
        each = found[name]
        nothing = np.isnan(each.value) & np.isfinite(whole[name].value)
        if not np.any(nothing):
            assert np.any(np.isnan(each.value)) or each.reasons == ()
            continue
        refused += 1
        told: Any = np.zeros_like(nothing)
        for reason in each.reasons:
            assert np.shape(reason.where) == np.shape(each.value)
            assert not np.any(reason.where & np.isfinite(each.value))
            assert "not known" not in reason.text, name
            told = told | reason.where
        assert np.array_equal(told, nothing), name
    assert refused >= 2


@pytest.mark.parametrize("grid", GRIDS)
def test_a_reason_says_what_is_wrong(grid: str) -> None:
    """The text of a grid names field, value and what is allowed; ``explain`` shows it."""
    make, text = GRIDS[grid]
    found = ps.estimate(make(), quantities=["tpot_s", "step_time_s", "training_time_s"])
    texts = [each.text for name in found for each in found.reasons(name)]
    assert any(re.search(text, each) for each in texts)
    shown = "".join(found.explain(name) for name in found)
    assert "no value, as" in shown
    assert "points)" in shown


def test_one_scenario_alone_is_refused() -> None:
    """Heads, layers, product, batch, context, format: each says what to write instead."""
    model = ps.models["llama-2-7b"]
    run = ps.TrainingSpec(tokens=1e9, batch_tokens=2**20, matmul_format="fp8")
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"parallel": ps.ParallelSpec(tensor=3)}, "tpot_s", "choose a divisor"),
        ({"serving": ps.ServingSpec(prompt_tokens=5000)}, "tpot_s",
         r"5,000 tokens .* beyond the context of .*4,096 tokens; ask for fewer, or give the model"
         r" as attrs.evolve\(model, max_context=...\)"),
        ({"training": run, "hardware": "a100-sxm-80gb"}, "step_time_s",
         "no units for fp8 .* it would multiply in bf16: write matmul_format='bf16'"),
    ]  # fmt: skip
    for changes, quantity, text in cases:
        given = {"model": model, "hardware": "h100-sxm", **changes}
        with pytest.raises(SpecError, match=text):
            ps.estimate(**given, quantities=quantity)
        with refusals_as_nan():
            found = ps.estimate(**given, quantities=quantity)[quantity]
        assert np.isnan(found.value)
        assert len(found.reasons) == 1


def test_a_context_can_be_extended_and_need_not_be_stated() -> None:
    """The user may know better; the usual lengths are never refused, nor a model without limit."""
    long = ps.ServingSpec(prompt_tokens=5000)
    model = ps.models["llama-2-7b"]
    for limit in (None, 8192):
        extended = attrs.evolve(model, max_context=limit)
        found = ps.estimate(model=extended, hardware="h100-sxm", serving=long, quantities="tpot_s")
        assert found["tpot_s"].value > 0.0
    usual = ps.estimate(model="gpt2", hardware="h100-sxm", serving=ps.ServingSpec(batch=4))
    assert usual["tpot_s"].value > 0.0  # 1,024 tokens, and nobody asked for more
    whole = ps.ServingSpec(prompt_tokens=4096)  # to the last token
    assert ps.estimate(model=model, hardware="h100-sxm", serving=whole)["ttft_s"].value > 0.0


def test_a_figure_that_is_not_known_is_named() -> None:
    """A machine without a bandwidth gives no times, and says so."""
    machine = ps.HardwareSpec(name="mine", bf16_flops_per_s=1e14, memory_bytes=1e11)
    found = ps.estimate(model="gpt2", hardware=machine, quantities="tpot_s")
    (reason,) = found["tpot_s"].reasons
    assert reason.text.startswith("HardwareSpec: the memory_bandwidth_bytes_per_s of mine is not")


def test_a_refused_value_stays_refused() -> None:
    """A grid with bad points can be changed elsewhere, but not get new bad points unseen."""
    with refusals_as_nan():
        spec = ps.ServingSpec(batch=[0, 8])
    longer = attrs.evolve(spec, prompt_tokens=77)
    np.testing.assert_array_equal(longer.batch, [np.nan, 8.0])
    assert isinstance(longer.refused[0], Reason)
    assert "refused" not in repr(longer)
    with pytest.raises(ParamscaleError, match="prompt_tokens must be"):
        attrs.evolve(spec, prompt_tokens=[np.nan, 1])
    with pytest.raises(SpecError, match="batch must be"):
        attrs.evolve(spec, batch=[np.nan, -1])
    with pytest.raises(SpecError, match="batch must be"):
        ps.ServingSpec(batch=[0, 8])


def test_a_sweep_goes_on_past_points_without_meaning() -> None:
    """Batch 0 and a layout that does not divide are NaN; the point alone says why."""
    scenario = Scenario(model="llama-3.1-8b", hardware="h100-sxm", serving=ps.ServingSpec())
    over = {"serving.batch": [0, 8], "parallel.tensor": [2, 3]}
    found = ps.sweep(scenario, over, quantities=["tpot_s"])
    assert np.isnan(found["tpot_s"].value).tolist() == [[True, True], [False, True]]
    for point, text in (((0, 0), "batch must be a whole number"), ((1, 1), "does not divide")):
        with pytest.raises(SpecError, match=text):
            ps.estimate(**found.specs(point), quantities="tpot_s")
