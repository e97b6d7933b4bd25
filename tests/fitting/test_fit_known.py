"""Known answers of published fits, on the runs that were published."""

from __future__ import annotations

import numpy as np
import pytest

from paramscale.fitting import fit_isoflop, fit_law
from paramscale.laws import laws
from tests.fitting import measured

pytestmark = pytest.mark.skipif(not measured.RUNS.is_dir(), reason=measured.ABSENT)

NAMES = ("E", "A", "alpha", "B", "beta")


def close(found: float, name: str) -> None:
    """Compare with a row of known.csv at its own tolerance."""
    expected, tolerance = measured.known(name)
    assert found == pytest.approx(expected, rel=tolerance), name


def test_huber_optimum() -> None:
    """Objective to 1e-9, coefficients to 1e-6 of the global optimum."""
    fit = fit_law(*measured.chinchilla())
    close(fit.objective, "huber_opt_objective")
    for name in NAMES:
        close(fit.coefficients[name], f"huber_opt_{name}")


def test_least_absolute_deviations() -> None:
    """What the paper prints as a Huber fit is the least-absolute-deviation optimum."""
    fit = fit_law(*measured.chinchilla(), loss_function="lad")
    close(fit.objective, "lad_opt_sum_abs")
    for name in NAMES:
        close(fit.coefficients[name], f"lad_opt_{name}")
        printed = round(fit.coefficients[name], 5)  # their notebook shows five decimals
        close(printed, f"besiroglu_point_{name}")


def test_the_two_are_different_vectors() -> None:
    """A of the one must not be paired with E of the other."""
    huber = fit_law(*measured.chinchilla())
    lad = fit_law(*measured.chinchilla(), loss_function="lad")
    assert huber.coefficients["A"] == pytest.approx(477.8, abs=0.1)
    assert lad.coefficients["A"] == pytest.approx(482.0, abs=0.1)


def test_least_squares_below_1e21() -> None:
    """Squares of the loss itself, 217 runs; scales in millions and billions."""
    runs = measured.chinchilla()
    small = 6.0 * runs.parameters * runs.tokens < 1e21
    fit = fit_law(*(each[small] for each in runs), loss_function="ls")
    assert len(fit.runs) == 217
    for name in ("E", "alpha", "beta"):
        close(fit.coefficients[name], f"ls_chinchilla_C<1e21_{name}")
    close(fit.coefficients["A"] / 1e6 ** fit.coefficients["alpha"], "ls_chinchilla_C<1e21_A_N1e6")
    close(fit.coefficients["B"] / 1e9 ** fit.coefficients["beta"], "ls_chinchilla_C<1e21_B_D1e9")
    close(fit.objective, "ls_chinchilla_C<1e21_RSS")


def test_published_bootstrap() -> None:
    """4,000 resamples of NumPy's legacy seed 42: standard errors within 0.5 %, and the ends."""
    random = np.random.RandomState(42)
    resamples = [random.choice(np.arange(240), size=240, replace=True) for _ in range(4000)]
    fit = fit_law(*measured.chinchilla(), resamples=np.array(resamples))
    ends = np.percentile(fit.draws, [2.5, 97.5], axis=0)
    published = {
        "A": (285.214, 743.626),
        "B": (1042.357, 5810.344),
        "E": (1.769, 1.871),
        "alpha": (0.317, 0.373),
        "beta": (0.331, 0.415),
    }  # known.csv, besiroglu_ci95_*, tolerance 1 %
    for at, name in enumerate(NAMES):
        close(fit.standard_errors[name], f"besiroglu_bootstrap_se_{name}")
        assert ends[:, at] == pytest.approx(published[name], rel=0.01)


@pytest.mark.filterwarnings("ignore::paramscale.errors.IdentifiabilityWarning")
def test_an_optimum_without_floor_is_found() -> None:
    """The one set whose optimum lies at E = 0: as low as the best of 400 random starts."""
    fit = fit_law(*measured.opt())
    assert fit.objective <= 0.0022564005
    assert fit.open_coefficients == ("E",)


def test_derived_exponent() -> None:
    """The best size grows as C to the power 0.513."""
    fit = fit_law(*measured.chinchilla(), loss_function="lad")
    alpha, beta = fit.coefficients["alpha"], fit.coefficients["beta"]
    close(beta / (alpha + beta), "besiroglu_a")


def test_the_published_law_against_its_refit() -> None:
    """Likelihood ratio of Hoffmann et al.'s unrounded law and the refit, Laplace residuals."""
    parameters, tokens, loss = measured.chinchilla()
    refit = fit_law(parameters, tokens, loss, loss_function="lad").objective
    published = laws["hoffmann2022_a3"](parameters, tokens)
    scale = np.abs(np.log(loss / published)).sum() / refit
    close(2.0 * len(loss) * np.log(scale), "besiroglu_lr_stat")


@pytest.mark.parametrize(
    "variant",
    [
        "rw/tuned/short/const/standard/val",
        "rw/base/short/chinchilla/standard/val",
        "rw/base/short/kaplan/standard/val",
        "rw/base/long/kaplan/standard/val",
        "rw/base/long/kaplan/kaplan/train",
        "owt2/tuned/short/const/standard/val",
        "owt2/base/long/kaplan/kaplan/train",
    ],
)
def test_exponents_of_porian(variant: str) -> None:
    """IsoFLOP optima by Akima interpolation give the published exponent within 2 %."""
    runs, flops = measured.porian(variant)
    close(fit_isoflop(*runs, flops=flops, method="akima").size_exponent, f"porian_a_{variant}")
