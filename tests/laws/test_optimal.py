"""Closed forms of allocation against brute force, and against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paramscale.errors import RegistrationError
from paramscale.laws import (
    Terms,
    best_split,
    compute_excess,
    compute_optimum,
    doubling_returns,
    elasticities,
    exponents,
    form_named,
    laws,
    least_compute,
    lifetime_optimum,
    optimal_bits,
    overtraining,
    parameters_for_loss,
    terms_of,
    tokens_for_loss,
    tokens_worth_of_growth,
)

CHINCHILLAS = [
    name for name, law in laws.items() if law.form.name == "chinchilla" and law.gives == "loss_nats"
]

fits = st.builds(
    Terms,
    E=st.floats(0.0, 3.0),
    A=st.floats(5.0, 2e4),
    alpha=st.floats(0.08, 0.6),
    B=st.floats(5.0, 3e4),
    beta=st.floats(0.08, 0.6),
)
sizes = st.floats(1e6, 1e13)
counts = st.floats(1e7, 1e16)


def loss(fit: Terms, size: Any, data: Any) -> Any:
    """Return the loss by the terms, written out once more."""
    return fit.E + fit.A / size**fit.alpha + fit.B / data**fit.beta


@pytest.mark.parametrize("name", CHINCHILLAS)
def test_optimum_is_the_least_on_a_fine_grid(name: str) -> None:
    """No size on C = 6·N·D does better, and those a little off do worse."""
    law = laws[name]
    best = compute_optimum(law, 1e22)
    assert 6.0 * best.parameters * best.tokens == pytest.approx(1e22)
    assert best.loss == pytest.approx(float(law(best.parameters, best.tokens)))
    tried = best.parameters * np.geomspace(1e-3, 1e3, 2001)
    losses = law(tried, 1e22 / (6.0 * tried))
    assert np.argmin(losses) == 1000
    searched = best_split(law, 1e22)
    assert searched.parameters == pytest.approx(float(best.parameters), rel=1e-6)
    assert searched.loss == pytest.approx(float(best.loss), rel=1e-14)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(fit=fits, flops=st.floats(1e15, 1e30))
def test_optimum_and_least_compute_are_inverse(fit: Terms, flops: float) -> None:
    """The least compute for the best loss is the compute, and its size the best size."""
    best = compute_optimum(fit, flops)
    back = least_compute(fit, best.loss)
    reducible = (best.loss - fit.E) / best.loss
    np.testing.assert_allclose(back.flops, flops, rtol=1e-12 / reducible / min(fit.alpha, fit.beta))
    assert overtraining(fit, best.parameters, best.tokens) == pytest.approx(1.0)
    assert compute_excess(fit, best.parameters, best.tokens) == pytest.approx(1.0)
    growth = compute_optimum(fit, flops * 10.0).parameters / best.parameters
    assert np.log10(growth) == pytest.approx(float(exponents(fit)[0]))
    assert sum(exponents(fit)) == pytest.approx(1.0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(fit=fits, size=sizes, data=counts)
def test_excess_is_compute_over_least(fit: Terms, size: float, data: float) -> None:
    """The closed form of the excess equals the division, and is never below 1."""
    excess = compute_excess(fit, size, data)
    assert excess >= 1.0 - 1e-12
    plain = fit._replace(E=0.0)  # the floor plays no part, but costs digits
    least = least_compute(plain, loss(plain, size, data))
    assert excess == pytest.approx(6.0 * size * data / float(least.flops), rel=1e-9)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(fit=fits, size=sizes, data=counts)
def test_equal_loss(fit: Terms, size: float, data: float) -> None:
    """The tokens, or size, that a loss needs give that loss back."""
    plain = fit._replace(E=0.0)
    wanted = loss(plain, size, data)
    assert loss(plain, size, tokens_for_loss(plain, size, wanted)) == pytest.approx(wanted)
    assert loss(plain, parameters_for_loss(plain, data, wanted), data) == pytest.approx(wanted)
    factor = tokens_worth_of_growth(plain, size, data, growth=2.0)
    assert factor >= 1.0
    if np.isfinite(factor) and factor < 1e12:
        doubled = loss(plain, 2.0 * size, data)
        assert loss(plain, size, factor * data) == pytest.approx(doubled, rel=1e-9)


def test_what_nothing_reaches_is_infinite() -> None:
    """A loss below what the size, or the floor, allows needs infinite data or compute."""
    law = laws["besiroglu2024"]
    assert tokens_for_loss(law, 1e8, 2.0) == np.inf
    assert parameters_for_loss(law, 1e8, 2.0) == np.inf
    assert tokens_worth_of_growth(law, 1e8, 1e15) == np.inf
    for below in (1.5, law.floor):
        assert least_compute(law, below).flops == np.inf
        assert lifetime_optimum(law, below, 1e12).parameters == np.inf


@settings(max_examples=80, deadline=None, derandomize=True)
@given(fit=fits, size=sizes, data=counts, served=st.floats(0.0, 1e18))
def test_lifetime_optimum_is_the_least(fit: Terms, size: float, data: float, served: float) -> None:
    """No other size with the same loss costs less, and the loss is reached."""
    plain = fit._replace(E=0.0)
    wanted = loss(plain, size, data)
    life = lifetime_optimum(plain, wanted, served)
    assert loss(plain, life.parameters, life.tokens) == pytest.approx(wanted)
    cost = life.training + life.inference
    near = life.parameters * np.array([0.98, 1.02])
    others = tokens_for_loss(plain, near, wanted)
    assert np.all(6.0 * near * others + 2.0 * near * served >= cost * (1.0 - 1e-10))
    least = least_compute(plain, wanted)
    assert life.parameters <= least.parameters * (1.0 + 1e-9)
    if served == 0.0:
        assert life.parameters == pytest.approx(float(least.parameters))


def test_more_use_means_smaller_models() -> None:
    """With more tokens served the best size falls and training lengthens, without end."""
    law = laws["besiroglu2024"]
    life = lifetime_optimum(law, 2.1, np.geomspace(1e9, 1e20, 200))
    assert np.all(np.diff(life.parameters) < 0.0)
    assert np.all(np.diff(life.tokens) > 0.0)
    floor = (terms_of(law).A / (2.1 - law.floor)) ** (1.0 / terms_of(law).alpha)
    assert np.all(life.parameters > floor)
    money = lifetime_optimum(law, 2.1, 1e12, training=6.0 * 2.0, inference=2.0 * 2.0)
    assert money.parameters == lifetime_optimum(law, 2.1, 1e12).parameters


def test_returns_diminish() -> None:
    """Elasticities are the slopes of ln L, go to zero, and doublings save ever less."""
    law = laws["besiroglu2024"]
    size = np.geomspace(1e8, 1e13, 60)
    by_size, by_data = elasticities(law, size, 1e12)
    step = 1e-5
    slope = np.log(law(size * (1 + step), 1e12) / law(size * (1 - step), 1e12)) / (2 * step)
    np.testing.assert_allclose(by_size, slope, rtol=1e-4, atol=1e-9)
    assert np.all(by_data < 0.0)
    assert np.all(np.diff(by_size) > 0.0)
    larger, longer = doubling_returns(law, size, 1e12)
    assert np.all(np.diff(larger) < 0.0)
    np.testing.assert_allclose(larger, law(size, 1e12) - law(2 * size, 1e12))
    np.testing.assert_allclose(longer, law(size, 1e12) - law(size, 2e12))


@pytest.mark.parametrize("experts", [1.0, 8.0, 32.0])
def test_laws_with_further_inputs_have_closed_forms(experts: float) -> None:
    """At a number of experts, or a granularity, the law is a Chinchilla law."""
    law = laws["ludziejewski2025"]
    best = compute_optimum(law, 1e21, experts=experts)
    assert law(best.parameters, best.tokens, experts) == pytest.approx(float(best.loss))
    searched = best_split(law, 1e21, experts=experts)
    assert searched.parameters == pytest.approx(float(best.parameters), rel=1e-6)
    fine = laws["krajewski2024"]
    cut = compute_optimum(fine, 1e21, granularity=experts)
    assert fine(cut.parameters, cut.tokens, experts) == pytest.approx(float(cut.loss))


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: compute_optimum(laws["besiroglu2024"], x * y).parameters,
        lambda x, y: least_compute(laws["besiroglu2024"], 2.0 + 0.0 * x * y).flops,
        lambda x, y: overtraining(laws["besiroglu2024"], x, y),
        lambda x, y: compute_excess(laws["besiroglu2024"], x, y),
        lambda x, y: tokens_for_loss(laws["besiroglu2024"], x, 2.3 + 0.0 * y),
        lambda x, y: parameters_for_loss(laws["besiroglu2024"], y, 2.3 + 0.0 * x),
        lambda x, y: tokens_worth_of_growth(laws["besiroglu2024"], x, y),
        lambda x, y: elasticities(laws["besiroglu2024"], x, y)[0],
        lambda x, y: doubling_returns(laws["besiroglu2024"], x, y)[1],
        lambda x, y: lifetime_optimum(laws["besiroglu2024"], 2.1 + 0.0 * x, y).tokens,
        lambda x, y: best_split(laws["besiroglu2024"], x * y).tokens,
    ],
)
def test_grids_equal_points(function: Any) -> None:
    """Arrays broadcast to what each point gives; scalars stay scalars; NaN stays NaN."""
    size, data = np.array([1e8, 7e10, np.nan])[:, None], np.array([2e10, 1.5e13])
    grid = np.broadcast_to(function(size, data), (3, 2))
    for i, n in enumerate(size[:, 0]):
        for j, d in enumerate(data):
            one = function(np.float64(n), np.float64(d))
            assert np.ndim(one) == 0
            np.testing.assert_allclose(grid[i, j], one, rtol=1e-9)
    assert np.all(np.isnan(grid[2]))


def test_draws_of_a_fit_are_arrays_of_terms() -> None:
    """Terms may be arrays: an allocation for each draw, at no further cost."""
    draws = Terms(*(np.full((1000, 1), value) for value in terms_of(laws["besiroglu2024"])))
    best = compute_optimum(draws, np.geomspace(1e20, 1e24, 5))
    assert best.parameters.shape == (1000, 5)
    np.testing.assert_allclose(
        best.parameters[7], compute_optimum(laws["besiroglu2024"], np.geomspace(1e20, 1e24, 5))[0]
    )


def test_rounding_is_no_small_matter() -> None:
    """Hoffmann et al.: tokens per parameter at 5.76e23 are 58.9 unrounded, 92.7 rounded."""
    exact = compute_optimum(laws["hoffmann2022_a3"], 5.76e23)
    rounded = compute_optimum(Terms(1.69, 406.4, 0.34, 410.7, 0.28), 5.76e23)
    assert exact.tokens / exact.parameters == pytest.approx(58.9, rel=2e-3)
    assert rounded.tokens / rounded.parameters == pytest.approx(92.7, rel=2e-3)


def test_no_closed_form_is_said() -> None:
    """A law of another form is refused with what has a closed form, and what to call instead."""
    with pytest.raises(
        RegistrationError, match=r"no closed form; these have one: chinchilla, .*best_"
    ):
        compute_optimum(laws["kaplan2020_joint"], 1e20)
    assert form_named("kaplan_joint").terms is None
    assert best_split(laws["kaplan2020_joint"], 1e20).parameters > 0.0


def test_bits() -> None:
    """The best precision solves n u exp(-u) = 1 - exp(-u), for any number of tensors."""
    for tensors in (2, 3, 6):
        u = optimal_bits(1.0, tensors=tensors)
        assert tensors * u * np.exp(-u) == pytest.approx(1.0 - np.exp(-u))
    np.testing.assert_allclose(optimal_bits([1.0, 2.0]), optimal_bits(1.0) * np.array([1.0, 2.0]))
