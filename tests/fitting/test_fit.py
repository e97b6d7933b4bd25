"""Fits: the optimum, its derivatives, intervals, priors, use as a law and as an estimator."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import paramscale as ps
from paramscale.core.collection import Estimators
from paramscale.core.quantity import VOCABULARY
from paramscale.core.spec import SPEC_TYPES
from paramscale.errors import FitError
from paramscale.fitting import fit_law
from paramscale.fitting.general import GeneralSolver
from paramscale.fitting.objective import Objective
from paramscale.fitting.runs import as_runs
from paramscale.fitting.select import best_of_each, near_best
from paramscale.laws import compute_optimum, laws
from tests.fitting.synthetic import runs


def huber(theta, size, data, log_loss, delta=1e-3):  # type: ignore[no-untyped-def]
    """Return the published objective, written anew."""
    e, a, alpha, b, beta = theta
    law = np.logaddexp(e, np.logaddexp(a - alpha * size, b - beta * data))
    miss = np.abs(law - log_loss)
    return np.where(miss < delta, 0.5 * miss**2, delta * (miss - 0.5 * delta)).sum()


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_best_of_many_random_starts(seed: int) -> None:
    """No start of SciPy's L-BFGS ends below the fit, and the best of 12 comes near it."""
    from scipy.optimize import minimize

    sizes, tokens, loss = runs(seed)
    fit = fit_law(sizes, tokens, loss)
    size, data = np.log(sizes) - np.log(1e9), np.log(tokens) - np.log(2e10)
    rng = np.random.default_rng(seed)
    low, high = (0.0, -3.0, 0.1, -3.0, 0.1), (1.0, 0.0, 1.0, 0.0, 1.0)
    ends = [
        minimize(huber, rng.uniform(low, high), (size, data, np.log(loss)), "L-BFGS-B",
                 options={"ftol": 1e-15, "gtol": 1e-12, "maxfun": 20000}).fun
        for _ in range(12)
    ]  # fmt: skip
    assert fit.objective <= min(ends) * (1 + 1e-9)
    assert fit.objective == pytest.approx(min(ends), rel=1e-3)


@pytest.mark.parametrize("relative", [True, False])
def test_derivatives_agree_with_differences(relative: bool) -> None:
    """Gradient and Hessian are exact, away from the corners of Huber's function."""
    sizes, tokens, loss = runs(1, count=30)
    inputs = np.log([sizes / 1e9, tokens / 2e10])
    objective = Objective(inputs, np.log(loss), 0.05, relative)
    point, weights = np.array([[0.5, -1.0, 0.3, -0.9, 0.4]]), np.ones((1, 30))
    jet, step = objective.jet(point, weights), 1e-5
    moved = point + step * np.vstack([np.eye(5), -np.eye(5)])
    around = objective.jet(moved, weights)
    slope = (around.value[:5] - around.value[5:]) / (2 * step)
    bend = (around.gradient[:5] - around.gradient[5:]) / (2 * step)
    np.testing.assert_allclose(jet.gradient[0], slope, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(jet.hessian[0], bend, rtol=1e-2, atol=1e-3)


def test_finds_the_coefficients_of_exact_runs() -> None:
    """Without noise the law comes back."""
    sizes, tokens, loss = runs(0, noise=0.0)
    for function in ("huber", "lad", "ls"):
        fit = fit_law(sizes, tokens, loss, loss_function=function)  # type: ignore[arg-type]
        for name, value in laws["besiroglu2024"].coefficients.items():
            assert fit.coefficients[name] == pytest.approx(value, rel=1e-5), function


def test_weights_count_like_repeated_runs() -> None:
    """Weight 2 is the run twice; weight 0 leaves it out."""
    sizes, tokens, loss = runs(2, count=30)
    weights = np.ones(30)
    weights[:5], weights[5] = 2.0, 0.0
    one = fit_law(sizes, tokens, loss, weights=weights)
    keep = np.r_[np.arange(5), np.arange(5), np.arange(6, 30)]
    other = fit_law(sizes[keep], tokens[keep], loss[keep])
    assert one.objective == pytest.approx(other.objective, rel=1e-9)
    assert one.coefficients["E"] == pytest.approx(other.coefficients["E"], rel=1e-6)


def test_units_of_size_do_not_matter() -> None:
    """Sizes in millions give the same exponents and objective."""
    sizes, tokens, loss = runs(3)
    one, other = fit_law(sizes, tokens, loss), fit_law(sizes / 1e6, tokens / 1e9, loss)
    assert other.objective == pytest.approx(one.objective, rel=1e-9)
    assert other.coefficients["alpha"] == pytest.approx(one.coefficients["alpha"], rel=1e-6)


def test_intervals_cover_and_widen() -> None:
    """Inside about 90 % of new runs lie in the interval; it widens with distance and is flagged."""
    fit = fit_law(*runs(4, count=120), draws=200)
    sizes, tokens, loss = runs(5, count=400)
    _, low, high = fit.predict(sizes, tokens)
    assert 0.85 < np.mean((low <= loss) & (loss <= high)) <= 0.99
    near, far, farther = (fit.spread(size, 20 * size) for size in (1e9, 1e11, 1e13))
    assert near < far < farther
    assert fit.in_domain([1e9, 1e11], [2e10, 2e12]).tolist() == [True, False]


def test_nan_in_nan_out() -> None:
    """A bad point does not stop the others."""
    fit = fit_law(*runs(4), draws=20)
    value, low, high = fit.predict([1e9, np.nan, 1e9], [2e10, 2e10, -1.0])
    assert np.isnan(value).tolist() == [False, True, True]
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [False, True, True]


def test_same_seed_same_draws() -> None:
    """The bootstrap is reproducible, and its covariance has the order of the coefficients."""
    one, other = (fit_law(*runs(6), draws=50, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.draws, other.draws)
    assert one.covariance.shape == (5, 5)
    assert one.standard_errors["A"] == pytest.approx(np.sqrt(one.covariance[1, 1]))
    assert np.isnan(fit_law(*runs(6)).covariance).all()


def test_sample_has_a_leading_axis() -> None:
    """A draw is one world: one law and one error of form for all points."""
    fit = fit_law(*runs(7), draws=50)
    drawn = fit.sample(9, np.random.default_rng(0))([1e9, 1e12], 2e10)
    assert np.shape(drawn) == (9, 2)
    assert np.shape(fit.sample(9, np.random.default_rng(0))(1e9, 2e10)) == (9,)


def test_prior_pulls_only_where_the_runs_say_little() -> None:
    """240 runs hardly move; eight do."""
    free = fit_law(*runs(8, count=240))
    pulled = fit_law(*runs(8, count=240), prior={"alpha": (0.25, 0.05)})
    assert abs(pulled.coefficients["alpha"] - free.coefficients["alpha"]) < 0.02
    few = fit_law(*runs(8, count=8), prior={"alpha": (0.25, 0.001)})
    assert few.coefficients["alpha"] == pytest.approx(0.25, abs=0.005)


def test_the_best_run_of_each_cell_and_near_the_best() -> None:
    """A sweep over learning rates leaves one run a cell; starved runs are left out."""
    sizes, tokens, loss = runs(9, count=20)
    twice = best_of_each(np.r_[sizes, sizes], np.r_[tokens, tokens], np.r_[loss + 0.1, loss])
    assert twice.tolist() == [False] * 20 + [True] * 20
    worse = as_runs(sizes, tokens, np.where(np.arange(20) == 3, 2 * loss, loss))
    assert not near_best(worse, 0.5)[3]


def test_is_used_like_a_law() -> None:
    """Closed forms take it, and it is an estimator of loss_nats."""
    fit = fit_law(*runs(10, noise=0.0), draws=20, name="mine")
    best = compute_optimum(fit.as_law(), 5.76e23)
    assert best.parameters == pytest.approx(7.23e10, rel=0.01)
    own = Estimators(vocabulary=VOCABULARY, kinds=SPEC_TYPES)
    loss = fit.as_estimator()
    ps.estimator(gives="loss_nats", into=own)(loss)
    record = own.named("loss_nats", "mine")
    assert record.kind == "law"
    found = record(1e9, ps.TrainingSpec(tokens=2e10))
    assert found.low < found.value < found.high
    drawn = loss.sample(5, np.random.default_rng(0))(1e9, ps.TrainingSpec(tokens=2e10))
    assert np.shape(drawn) == (5,)


def test_scipy_is_not_imported() -> None:
    """A fit and its bootstrap need NumPy alone."""
    code = (
        "import sys, numpy as np; from paramscale.fitting import fit_law;"
        "n, d = np.meshgrid(np.geomspace(1e8, 1e10, 5), np.geomspace(1e9, 1e11, 5));"
        "fit_law(n, d, 1.8 + 480 / n**.35 + 2000 / d**.37, draws=5);"
        "assert 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_predict_needs_draws() -> None:
    """Without a bootstrap an interval would be too narrow: it is refused."""
    with pytest.raises(FitError, match=r"write fit_law\(\.\.\., draws=200\)"):
        fit_law(*runs(0)).predict(1e9, 2e10)


@pytest.mark.parametrize(
    "name", ["kaplan2020_joint", "busbridge2025_supervised", "kaplan2020_size"]
)
@pytest.mark.parametrize("function", ["huber", "lad", "ls"])
def test_other_forms(name: str, function: str) -> None:
    """Any form of size and tokens comes back, with draws and intervals."""
    sizes, tokens, _ = runs(0)
    law = laws[name]
    given = {"parameters": sizes, "tokens": tokens}
    noise = np.exp(0.001 * np.random.default_rng(0).standard_normal(len(sizes)))
    loss = law(**{each: given[each] for each in law.form.inputs}) * noise
    fit = fit_law(sizes, tokens, loss, form=law.form.name, loss_function=function, draws=4)  # type: ignore[arg-type]
    assert tuple(fit.coefficients) == law.form.coefficients
    np.testing.assert_allclose(fit(sizes, tokens), loss / noise, rtol=2e-3)
    value, low, high = fit.predict(1e9, 2e10)
    assert low < value < high


def test_the_general_solver_finds_the_same_chinchilla_law() -> None:
    """Two programs, one optimum."""
    fit = fit_law(*runs(0))
    other = GeneralSolver(as_runs(*runs(0)), fit.form)
    assert other.measure(other.best())[0] == pytest.approx(fit.objective, rel=1e-6)
