"""Estimators of overfitting and memorisation: which law answers, and how they hang together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import paramscale as ps
from paramscale.errors import MissingInputError, SpecError
from paramscale.laws.repetition import repetition_law

LAW = repetition_law()


def estimate(size: Any, wanted: Any, **training: Any) -> Any:
    """Return estimates for a dense model of a size."""
    model = ps.ModelSpec.of_size(size, like="llama-3.1-8b")
    return ps.estimate(
        model=model, training=ps.TrainingSpec(**training), quantities=["parameters", *wanted]
    )


def test_repeated_data_choose_the_law_of_repetition() -> None:
    """By default, with unique tokens stated; with fresh data the ordinary law answers."""
    repeated = estimate(1e9, ["loss_nats"], tokens=2e10, unique_tokens=2e9)
    assert repeated["loss_nats"].estimator == "repetition"
    size = repeated["parameters"].value
    assert repeated["loss_nats"].value == LAW(size, 2e10, 2e9)
    assert repeated["loss_nats"].inside
    fresh = estimate(1e9, ["loss_nats"], tokens=2e10)
    assert fresh["loss_nats"].estimator == "besiroglu2024"


def test_outside_it_says_so() -> None:
    """A 70B model at 10 epochs gets the law of repetition, flagged, with a wide interval."""
    found = estimate(70e9, ["loss_nats"], tokens=1e12, unique_tokens=1e11)["loss_nats"]
    assert found.estimator == "repetition"
    assert not found.inside
    near = estimate(1e9, ["loss_nats"], tokens=1e11, unique_tokens=1e10)["loss_nats"]
    assert found.high - found.low > 2.0 * (near.high - near.low)


def test_the_excess_is_a_difference_of_losses() -> None:
    """Overfitting is the loss over that of as many fresh tokens; under-training cancels."""
    names = ["loss_nats", "overfitting_nats", "undertraining_nats"]
    use = {"loss_nats": "repetition"}
    model = ps.ModelSpec.of_size(1e9, like="llama-3.1-8b")
    few, all_new = (
        ps.estimate(
            model=model, training=ps.TrainingSpec(tokens=1.5e9, unique_tokens=unique),
            quantities=names, use=use,
        )
        for unique in (1e8, 1.5e9)
    )  # fmt: skip
    excess = few["loss_nats"].value - all_new["loss_nats"].value
    assert few["overfitting_nats"].value == pytest.approx(excess)
    assert all_new["overfitting_nats"].value == 0.0
    assert few["undertraining_nats"].value == all_new["undertraining_nats"].value > 1.0


def test_fresh_data_carry_no_risk() -> None:
    """Without a statement of unique tokens nothing is repeated, at any size."""
    names = ["overfitting_nats", "overfitting_risk_fraction"]
    found = estimate(np.array([1e8, 1e9, 8e9]), names, tokens=1e11)
    np.testing.assert_array_equal(found["overfitting_nats"].value, 0.0)
    np.testing.assert_array_equal(found["overfitting_risk_fraction"].value, 0.0)


def test_risk_is_of_size_data_epochs_and_decay() -> None:
    """Each of the four moves it the way it must; 4 epochs of enough data are safe."""

    def risk(size: float, **training: Any) -> float:
        name = "overfitting_risk_fraction"
        return float(estimate(size, [name], **training)[name].value)

    usual = risk(1e9, tokens=2e10, unique_tokens=2e9)
    assert risk(4e9, tokens=2e10, unique_tokens=2e9) > usual
    assert risk(1e9, tokens=2e10, unique_tokens=1e9) > usual
    assert risk(1e9, tokens=4e10, unique_tokens=2e9) > usual
    assert risk(1e9, tokens=2e10, unique_tokens=2e9, weight_decay=1.0) < usual
    assert risk(1e9, tokens=4e10, unique_tokens=1e10) < 0.1
    assert risk(1e9, tokens=1e10, unique_tokens=1e8) > 0.99


def test_dropout_may_take_all_of_the_excess() -> None:
    """How much it takes is not known: values stay, and intervals reach down to no cost at all."""
    wanted = ["overfitting_nats", "loss_nats"]
    run = {"tokens": 2e11, "unique_tokens": 1e10}
    plain, dropped = estimate(8e9, wanted, **run), estimate(8e9, wanted, **run, dropout=0.1)
    excess = plain["overfitting_nats"]
    assert dropped["overfitting_nats"].value == excess.value > excess.low > 0.0
    assert dropped["overfitting_nats"].low == 0.0
    assert dropped["overfitting_nats"].high == excess.high
    loss = dropped["loss_nats"]
    assert loss.value == plain["loss_nats"].value
    assert loss.low <= loss.value - excess.value
    grid = estimate(8e9, wanted, **run, dropout=np.array([0.0, 0.1]))["overfitting_nats"]
    assert grid.low.tolist() == [excess.low, 0.0]


def test_threshold_is_an_option() -> None:
    """A stricter threshold is passed more often."""
    training = ps.TrainingSpec(tokens=2e10, unique_tokens=2e9)
    model = ps.ModelSpec.of_size(1e9, like="llama-3.1-8b")
    name = "overfitting_risk_fraction"
    values = [
        ps.estimate(
            model=model, training=training, quantities=name,
            options={f"{name}.threshold_nats": threshold},
        )[name].value
        for threshold in (0.01, 0.05, 0.25)
    ]  # fmt: skip
    assert np.all(np.diff(values) < 0)


def test_best_size_with_its_band() -> None:
    """The measured best size for 1.5e9 unique tokens, 5.7e8, lies in the interval."""
    training = ps.TrainingSpec(tokens=1e10, unique_tokens=np.array([4e8, 1.5e9]))
    names = ["data_optimal_parameters", "data_optimal_tokens"]
    found = ps.estimate(training=training, model="llama-3.1-8b", quantities=names)
    best = found["data_optimal_parameters"]
    assert best.low[1] < 5.7e8 < best.high[1]
    assert best.low[0] < 2.2e8 < best.high[0]
    assert np.all(found["data_optimal_tokens"].value > training.unique_tokens)


def test_unique_tokens_are_asked_for() -> None:
    """Best epochs and best size of unstated data are refused, with what to write."""
    for name in ("best_epochs_count", "data_optimal_parameters"):
        with pytest.raises(MissingInputError, match="unique_tokens"):
            estimate(1e9, [name], tokens=1e10)


def test_negative_decay_is_refused() -> None:
    """Weight decay is a number of at least 0."""
    with pytest.raises(SpecError, match=r"weight_decay must be a number at least 0, not -0\.1"):
        ps.TrainingSpec(tokens=1e9, weight_decay=-0.1)


def test_double_descent_point() -> None:
    """Information is asked per token: 3.6 bits a parameter meet 4 bits a token at 0.9 tokens."""
    model = ps.ModelSpec.of_size(1e9, like="llama-3.1-8b")
    size = ps.estimate(model=model, quantities="parameters")["parameters"].value
    name = "memorization_ratio"
    found = ps.estimate(
        model=model, training=ps.TrainingSpec(tokens=1e12, unique_tokens=0.9 * size),
        quantities=name, options={f"{name}.bits_per_token": 4.0},
    )[name]  # fmt: skip
    assert found.value == pytest.approx(1.0)


def test_memory_and_knowledge() -> None:
    """Two quantities, 3.6 and 2 bits a parameter; extraction is a third."""
    names = ["memorization_capacity_bits", "knowledge_capacity_bits", "extractable_fraction"]
    model = ps.ModelSpec.of_size(1e9, like="llama-3.1-8b")
    found = ps.estimate(model=model, quantities=["parameters", *names])
    size = found["parameters"].value
    assert found[names[0]].value == pytest.approx(3.6 * size)
    assert found[names[1]].value == pytest.approx(2.0 * size)
    assert 0.0 < found[names[2]].value < 0.33
