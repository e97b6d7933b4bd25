"""Bad input: named, with what the runs do not determine and what to do."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from paramscale.errors import FitError, IdentifiabilityWarning, UnknownNameError
from paramscale.fitting import fit_law
from paramscale.laws import laws
from tests.fitting.synthetic import runs

LAW = laws["besiroglu2024"]


def refusal(*given: Any, **options: Any) -> FitError:
    """Return the error that a fit raises."""
    with pytest.raises(FitError) as caught:
        fit_law(*given, **options)
    return caught.value


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        (2, np.nan, r"loss[7] is nan; each must be a positive, finite number nats per token"),
        (2, -2.0, r"loss[7] is -2.0; each must be a positive, finite number nats per token"),
        (1, 0.0, r"tokens[7] is 0.0; each must be a positive, finite number"),
        (0, np.inf, r"parameters[7] is inf; each must be a positive, finite number"),
    ],
)
def test_a_bad_number_is_named(column: int, value: float, text: str) -> None:
    """The first bad value stands in the text with its index."""
    given = [each.copy() for each in runs(0)]
    given[column][7] = value
    assert str(refusal(*given)) == text


def test_more_bad_numbers_are_counted() -> None:
    """One text for all of a column."""
    sizes, tokens, loss = runs(0)
    assert "loss[0] is -2.5" in str(refusal(sizes, tokens, np.where(loss > 0, -2.5, loss)))
    assert "(and 59 more)" in str(refusal(sizes, tokens, np.where(loss > 0, -2.5, loss)))


def test_shapes_and_emptiness() -> None:
    """Columns of different lengths, and none at all."""
    assert "parameters (2,), tokens (3,)" in str(refusal([1e8, 2e8], [1e9] * 3, [3.0] * 3))
    assert "there are no runs" in str(refusal([], [], []))


def test_weights() -> None:
    """Negative, missing and all-zero weights."""
    sizes, tokens, loss = runs(0)
    assert "weights[0] is -1.0" in str(refusal(sizes, tokens, loss, weights=-1.0))
    assert "all weights are 0" in str(refusal(sizes, tokens, loss, weights=0.0))


def test_fewer_runs_than_coefficients() -> None:
    """Four runs for five coefficients."""
    problem = refusal(*(each[:4] for each in runs(0)))
    assert "there are 4 distinct runs for the 5 coefficients E, A, alpha, B, beta" in str(problem)
    assert problem.coefficients == ("E", "A", "alpha", "B", "beta")
    assert "prior='published'" in str(problem)


def test_the_same_run_many_times() -> None:
    """Repeats are no new points."""
    sizes, tokens, loss = (np.tile(each[:3], 10) for each in runs(0))
    assert "there are 3 distinct runs" in str(refusal(sizes, tokens, loss))


def test_one_size_only() -> None:
    """E, A and alpha merge."""
    tokens = np.geomspace(1e9, 1e11, 9)
    problem = refusal(np.full(9, 1e9), tokens, LAW(1e9, tokens))
    text = "all runs have one size (N = 1e+09 parameters): E, A and alpha cannot be told apart"
    assert text in str(problem)
    assert problem.coefficients == ("E", "A", "alpha")


def test_two_amounts_of_data_only() -> None:
    """E, B and beta need three."""
    sizes, tokens = np.meshgrid(np.geomspace(1e8, 1e10, 8), [1e10, 1e11])
    problem = refusal(sizes, tokens, LAW(sizes, tokens))
    text = "the runs have only 2 different values of D: E, B and beta cannot be told apart"
    assert text in str(problem)
    assert problem.coefficients == ("E", "B", "beta")


def test_one_ratio_only() -> None:
    """Size and data grow together: the two terms cannot be told apart."""
    sizes = np.geomspace(1e8, 1e10, 12)
    problem = refusal(sizes, 20 * sizes, LAW(sizes, 20 * sizes))
    assert "all runs have 20 tokens a parameter: the terms A/N^alpha and B/D^beta cannot" in str(
        problem
    )
    assert problem.coefficients == ("A", "alpha", "B", "beta")


def test_data_follow_size() -> None:
    """The same with another power."""
    sizes = np.geomspace(1e8, 1e10, 12)
    tokens = 2e9 * (sizes / 1e8) ** 0.8
    assert "tokens follow size as D ∝ N^0.80 in all runs" in str(
        refusal(sizes, tokens, LAW(sizes, tokens))
    )


def test_nearly_one_ratio_warns() -> None:
    """Scatter of 15 % in the ratio: a warning that names the coefficients, and a fit."""
    rng = np.random.default_rng(0)
    sizes = np.geomspace(1e8, 1e10, 40)
    tokens = 20 * sizes * np.exp(0.15 * rng.standard_normal(40))
    with pytest.warns(IdentifiabilityWarning, match=r"A/N\^alpha and B/D\^beta can hardly be told"):
        fit = fit_law(sizes, tokens, LAW(sizes, tokens))
    assert "alpha" in fit.open_coefficients
    assert "not determined by the runs: A, alpha, B, beta" in repr(fit)


def test_a_narrow_range_warns() -> None:
    """A factor of two in size."""
    sizes, tokens = np.meshgrid(np.geomspace(1e9, 2e9, 6), np.geomspace(1e9, 1e11, 6))
    with pytest.warns(IdentifiabilityWarning, match="sizes of the runs span only a factor of 2"):
        fit_law(sizes, tokens, LAW(sizes, tokens))


def test_a_prior_makes_it_a_warning() -> None:
    """With a prior the fit stands, wide and marked; along the ratio it still predicts."""
    sizes = np.geomspace(1e8, 3e9, 12)
    with pytest.warns(IdentifiabilityWarning, match="they rest on the prior"):
        fit = fit_law(sizes, 20 * sizes, LAW(sizes, 20 * sizes), prior="published", draws=50)
    assert fit.open_coefficients == ("A", "alpha", "B", "beta")
    assert fit(1e10, 2e11) == pytest.approx(LAW(1e10, 2e11), rel=0.02)


def test_a_floor_at_zero_warns() -> None:
    """A pure power law has no floor."""
    sizes, tokens = np.meshgrid(np.geomspace(1e8, 1e10, 8), np.geomspace(1e9, 1e11, 8))
    loss = 30 / sizes**0.15 + 30 / tokens**0.14
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = fit_law(sizes, tokens, loss * 0.97)
    if fit.coefficients["E"] < 1e-3:
        assert "do not determine E" in str(caught[-1].message)
        assert fit.open_coefficients == ("E",)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"loss_function": "hubr"}, "did you mean 'huber'?"),
        ({"residual": "relative"}, "allowed are 'log' and 'loss'"),
        ({"purpose": "guess"}, "allowed are 'describe' and 'extrapolate'"),
        ({"delta": 0.0}, "delta is 0.0; it must be a positive number"),
        ({"near": -1.0}, "near is -1.0; it must be a positive number"),
        ({"draws": -1}, "draws is -1; it must be a whole number"),
        ({"prior": "hoffmann"}, "allowed are None, 'published', or a mapping"),
        ({"prior": {"gamma": (1.0, 1.0)}}, "it may be on E, alpha, beta"),
        ({"form": "farseer"}, "no published law has the form 'farseer' to begin from"),
        ({"form": "joint_experts"}, "fit_law fits forms of parameters and tokens alone"),
        ({"form": "kaplan_joint", "focus": 2.0}, "is fitted with equal weights"),
        ({"form": "kaplan_joint", "prior": "published"}, "a prior goes with form='chinchilla'"),
        ({"resamples": np.zeros((2, 60))}, "it must hold whole numbers"),
        ({"resamples": np.full((2, 60), 99)}, "resamples must hold indices from 0 to 59"),
    ],
)
def test_options(options: dict[str, Any], text: str) -> None:
    """Each says what is allowed."""
    assert text in str(refusal(*runs(0), **options))


def test_an_unknown_form() -> None:
    """A form that does not exist, with what was meant."""
    with pytest.raises(UnknownNameError, match="did you mean 'chinchilla'"):
        fit_law(*runs(0), form="chinchila")
