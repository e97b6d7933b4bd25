"""IsoFLOP fits: the exponent of a law comes back; budgets without a minimum are refused."""

from __future__ import annotations

import numpy as np
import pytest

from paramscale.errors import FitError
from paramscale.fitting import fit_isoflop
from paramscale.laws import exponents, laws

LAW = laws["besiroglu2024"]


def grid(sizes, budgets=(1e19, 1e20, 1e21)):  # type: ignore[no-untyped-def]
    """Return runs of some sizes at some budgets."""
    flops, size = np.meshgrid(budgets, sizes)
    return size, flops / (6 * size), LAW(size, flops / (6 * size))


@pytest.mark.parametrize("method", ["parabola", "akima"])
def test_exponent_of_the_law(method: str) -> None:
    """The closed form beta / (alpha + beta)."""
    fit = fit_isoflop(*grid(np.geomspace(2e7, 2e10, 40)), method=method, window=6)  # type: ignore[arg-type]
    a, b = exponents(LAW)
    assert fit.size_exponent == pytest.approx(float(a), abs=0.004)
    assert fit.data_exponent == pytest.approx(float(b), abs=0.004)
    size, data = fit.optimal_parameters(1e20), fit.optimal_tokens(1e20)
    assert 6 * size * data == pytest.approx(1e20, rel=1e-3)


def test_refusals_are_typed() -> None:
    """Too few sizes; loss least at an end; each with its budget, and the rest is fitted."""
    size, tokens, loss = (each.T.ravel() for each in grid(np.geomspace(2e7, 2e10, 12)))
    flops = 6 * size * tokens
    few = (flops > 5e20) & (size > 1e9)
    fit = fit_isoflop(*(each[~few] for each in (size, tokens, loss)))
    assert [each.kind for each in fit.refusals] == ["no_interior_minimum"]
    assert fit.refusals[0].text.startswith("budget 1e+21 FLOPs: loss is least at the largest size")
    assert "2 budgets, 1 refused" in repr(fit)


def test_too_few_cells_everywhere() -> None:
    """Nothing to draw a line through: the reasons of all budgets."""
    with pytest.raises(FitError, match="3 sizes; 4 or more are needed") as caught:
        fit_isoflop(*grid([1e8, 1e9, 1e10]))
    assert str(caught.value).startswith("0 of 3 budgets have an interior minimum")
    assert caught.value.coefficients == ("size_exponent", "data_exponent")


def test_method() -> None:
    """An unknown method is named."""
    with pytest.raises(FitError, match="'parabola', 'akima'"):
        fit_isoflop(*grid([1e8, 1e9]), method="spline")  # type: ignore[arg-type]
