"""The balanced size: what it is by brute force, and how it moves with what is asked."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paramscale as ps
from paramscale.analysis.impact.choose import Choice, budget_limits, choose
from paramscale.analysis.impact.row import own_row


@pytest.fixture(scope="module")
def whole() -> ps.Impact:
    return ps.impact(hardware="h100-sxm")


def test_balance_agrees_with_brute_force(whole: ps.Impact) -> None:
    """Of all sizes of the family the least ln(loss) + worth · log2(total cost)."""
    rows = whole.curve
    scores = [
        np.log(loss) + 0.01 * np.log2(cost)
        for loss, cost in zip(rows["loss_nats"].value, rows["total_cost_usd"].value, strict=True)
    ]
    best = scores.index(min(scores))
    assert whole.balanced.parameters == rows["parameters"].value[best]
    near = [n for n, s in zip(rows["parameters"].value, scores, strict=True)
            if s <= min(scores) + 0.0025]  # fmt: skip
    assert (whole.balanced.low, whole.balanced.high) == (min(near), max(near))


def chosen(whole: ps.Impact, budget: dict[str, float]) -> Choice:
    """Return the balanced size of the family within a budget."""
    labels = tuple(map(str, range(whole.curve["parameters"].value.size)))
    return choose(whole.curve, labels, "balance", budget, 0.01)


@settings(max_examples=60, deadline=None)
@given(st.floats(1e3, 1e11), st.floats(1.0, 100.0))
def test_a_larger_budget_never_shrinks_the_balanced_size(
    whole: ps.Impact, limit: float, factor: float
) -> None:
    """Money for training grows with size: a smaller budget allows the smaller sizes of a larger."""
    rows = whole.curve["training_cost_usd"].value
    small, large = (chosen(whole, {"training_cost_usd": each}) for each in (limit, limit * factor))
    assert (small.meets <= large.meets).all()
    if small.index is None:
        assert "No size meets training_cost_usd" in small.reason
        return
    assert large.parameters >= small.parameters
    assert rows[small.index] <= limit


@settings(max_examples=60, deadline=None)
@given(st.floats(1e-3, 1.0), st.floats(1.0, 5.0))
def test_a_larger_budget_is_never_worse(whole: ps.Impact, limit: float, factor: float) -> None:
    """Time of a token falls where devices are added, so the size may move either way, not worth."""
    rows = whole.curve
    score = np.log(rows["loss_nats"].value) + 0.01 * np.log2(rows["total_cost_usd"].value)
    small, large = (chosen(whole, {"tpot_s": each}) for each in (limit, limit * factor))
    if small.index is not None:
        assert large.index is not None
        assert score[large.index] <= score[small.index]
        assert rows["tpot_s"].value[small.index] <= limit


@settings(max_examples=30, deadline=None)
@given(st.floats(0.001, 0.05), st.floats(1.0, 4.0))
def test_a_dearer_loss_never_shrinks_the_balanced_size(
    whole: ps.Impact, worth: float, factor: float
) -> None:
    """Asked to save more for a doubling of cost, one stops growing earlier."""
    labels = tuple(map(str, range(whole.curve["parameters"].value.size)))
    cheap, dear = (
        choose(whole.curve, labels, "balance", None, each).parameters
        for each in (worth * factor, worth)
    )
    assert cheap <= dear


def test_use_that_costs_nothing_does_not_shrink_it() -> None:
    """Without any use only training is paid, which small models make cheap."""
    unused = ps.impact(hardware="h100-sxm", lifetime_tokens=0)
    np.testing.assert_allclose(
        unused["total_cost_usd"].value, unused["training_cost_usd"].value, rtol=1e-12
    )
    assert unused.balanced.parameters >= ps.impact(hardware="h100-sxm").balanced.parameters


def test_budget_that_no_size_meets_names_limit_and_closest_size() -> None:
    found = ps.impact(hardware="h100-sxm", budget={"tpot_s": 1e-6})
    assert found.balanced.index is None
    assert found.reason.startswith("No size meets tpot_s ≤ 1 µs; the closest is 100 M with ")
    assert "No balanced size" in found.text(80)


def test_limits_that_exclude_each_other_are_named() -> None:
    found = ps.impact(hardware="h100-sxm", budget={"tpot_s": 0.004, "mmlu_fraction": 0.8})
    assert "No size meets all limits: tpot_s ≤ 4 ms holds from 100 M to" in found.reason
    assert "mmlu_fraction ≥ 80 % holds from" in found.reason


def test_binding_limit_is_named() -> None:
    found = ps.impact(hardware="h100-sxm", budget={"tpot_s": 0.01})
    assert "But tpot_s ≤ 10 ms rules that out" in found.reason
    assert found["tpot_s"].value[found.star] <= 0.01


@pytest.mark.parametrize(("objective", "name", "pick"), [
    ("loss", "loss_nats", np.nanargmin),
    ("latency", "tpot_s", np.nanargmin),
    ("cost", "total_cost_usd", np.nanargmin),
    ("mmlu_fraction", "mmlu_fraction", np.nanargmax),
    ("throughput_tokens_per_s", "throughput_tokens_per_s", np.nanargmax),
    ("efficient", "cost_excess_ratio", np.nanargmin),
])  # fmt: skip
def test_other_objectives(objective: str, name: str, pick: object) -> None:
    found = ps.impact(hardware="h100-sxm", objective=objective)
    expected = found.curve["parameters"].value[pick(found.curve[name].value)]
    assert found.balanced.parameters == expected
    assert name in found.reason


def test_overfitting_makes_loss_have_an_optimum() -> None:
    """With few unique tokens the least loss is not that of the largest size."""
    run = ps.TrainingSpec(tokens=4e9, unique_tokens=1e8)
    found = ps.impact(training=run, objective="loss")
    assert found.balanced.parameters < 0.1 * found.sizes[-1]
    assert found.balanced.low < found.balanced.high


def test_signs_of_limits() -> None:
    """Accuracies and speeds must be at least, the rest at most, unless a sign says otherwise."""
    rows = {
        name: own_row("training_tokens", np.ones(2))
        for name in ("tpot_s", "mmlu_fraction", "total_device_s", "loss_nats")
    }
    budget = {"tpot_s": "30 ms", "mmlu_fraction": 0.5, "cost": ">= 3", "loss_nats": ["<= 2"]}
    assert [str(each) for each in budget_limits(budget, rows)] == [
        "tpot_s <= 30 ms", "mmlu_fraction >= 50 %", "total_device_s >= 3 device-s",
        "loss_nats <= 2 nats",
    ]  # fmt: skip


def test_other_laws_are_asked(whole: ps.Impact) -> None:
    """Each law chooses by brute force; the reason tells how far they lie apart."""
    rows = whole.curve
    sizes, cost = rows["parameters"].value, rows["total_cost_usd"].value
    assert whole.balanced.by_law["besiroglu2024"] == whole.balanced.parameters
    for name, chosen_size in whole.balanced.by_law.items():
        law = ps.laws[name]
        counted = sizes if law.counted == "total" else rows["non_embedding_parameters"].value
        score = np.log(law(counted, 15e12)) + 0.01 * np.log2(cost)
        assert chosen_size == sizes[score.argmin()]
    assert f"By {len(whole.balanced.by_law)} published laws of loss it is " in whole.reason
    assert ps.impact(objective="loss").balanced.by_law == {}


def test_without_prices_device_time_counts_and_without_a_machine_flops() -> None:
    """A machine that no price list knows costs device time."""
    mine = attrs.evolve(ps.hardware["h100-sxm"], name="mine", release_price_usd=np.nan)
    unpriced = ps.impact(hardware=mine, site=ps.SiteSpec())
    assert "total_device_s" in unpriced
    assert "device time" in unpriced.reason
    assert "FLOPs" in ps.impact().reason


def test_nothing_costs_less_than_the_least(whole: ps.Impact) -> None:
    """The family lies at or above its own frontier, and touches it."""
    excess = whole.curve["cost_excess_ratio"].value
    assert excess.min() == pytest.approx(1.0, abs=2e-3)


def test_compute_optimal_size_is_efficient() -> None:
    """Trained for one's compute and never used, the cheapest way to a loss is the law's optimum.

    The optimum of the law counts 6 N D; here device time counts, which grows a little less than N.
    """
    found = ps.impact(hardware="h100-sxm", lifetime_tokens=0, tokens=2e11, objective="efficient")
    best = ps.estimate(
        model=ps.ModelSpec.of_size(found.balanced.parameters),
        training=ps.TrainingSpec(tokens=2e11), use=found.question.use,
        quantities=["overtraining_ratio"],
    )["overtraining_ratio"].value  # fmt: skip
    assert 0.5 < best < 2.0
