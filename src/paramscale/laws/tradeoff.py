"""What size and data buy, and what they buy instead of each other, on laws of Chinchilla's form.

Everything broadcasts, in float64; NaN in, NaN out. What no amount can reach is infinite.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from paramscale.laws.forms._numbers import positive
from paramscale.laws.forms._terms import Terms
from paramscale.laws.law import Law
from paramscale.laws.optimal import terms_of
from paramscale.typing import Floats, FloatsLike

__all__ = [
    "doubling_returns",
    "elasticities",
    "parameters_for_loss",
    "tokens_for_loss",
    "tokens_worth_of_growth",
]


def tokens_for_loss(
    law: Law | Terms, parameters: FloatsLike, loss: FloatsLike, **others: Any
) -> Floats:
    """Return the tokens that a size needs for a loss; infinite where no data suffice.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> tokens_for_loss(laws["besiroglu2024"], [1e9, 8e9], 2.1).round(-9)
    array([     inf, 4.94e+11])
    """
    fit = terms_of(law, **others)
    left = np.asarray(loss, dtype=np.float64) - fit.E - fit.A * positive(parameters) ** -fit.alpha
    return _amount(fit.B, left, fit.beta)


def parameters_for_loss(
    law: Law | Terms, tokens: FloatsLike, loss: FloatsLike, **others: Any
) -> Floats:
    """Return the size that reaches a loss on some tokens; infinite where no size suffices.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> round(float(parameters_for_loss(laws["besiroglu2024"], 1e12, 2.1)) / 1e9, 2)
    5.43
    """
    fit = terms_of(law, **others)
    left = np.asarray(loss, dtype=np.float64) - fit.E - fit.B * positive(tokens) ** -fit.beta
    return _amount(fit.A, left, fit.alpha)


def _amount(scale: Floats, left: Floats, exponent: Floats) -> Floats:
    """Return x with ``scale / x^exponent = left``; infinite where `left` is not positive."""
    with np.errstate(divide="ignore", over="ignore"):
        amount: Floats = (scale / np.maximum(left, 0.0)) ** (1.0 / exponent)
    return amount


def tokens_worth_of_growth(
    law: Law | Terms,
    parameters: FloatsLike,
    tokens: FloatsLike,
    *,
    growth: FloatsLike = 2.0,
    **others: Any,
) -> Floats:
    """Return by which factor the data must grow to save what a growth in size would.

    Parameters
    ----------
    law : Law or Terms
        Of Chinchilla's form.
    parameters, tokens : float or array
        The run that would grow; they broadcast.
    growth : float or array
        Factor on the size; 2 is a doubling.
    **others : float or array
        Further inputs of the law.

    Returns
    -------
    float or array
        Infinite where no data can replace the size.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> tokens_worth_of_growth(laws["besiroglu2024"], 8e9, [1.6e11, 1.5e13]).round(2)
    array([ 2., inf])
    """
    fit = terms_of(law, **others)
    size = fit.A * positive(parameters) ** -fit.alpha
    data = fit.B * positive(tokens) ** -fit.beta
    saved = size * -np.expm1(-fit.alpha * np.log(positive(growth)))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        factor: Floats = np.maximum(1.0 - saved / data, 0.0) ** (-1.0 / fit.beta)
    return factor


def elasticities(
    law: Law | Terms, parameters: FloatsLike, tokens: FloatsLike, **others: Any
) -> tuple[Floats, Floats]:
    """Return d ln L / d ln N and d ln L / d ln D: per cent of loss for a per cent of size or data.

    Both are negative, and go to zero as the floor comes near: diminishing returns.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> [round(float(each), 4) for each in elasticities(laws["besiroglu2024"], 8e9, 1.6e11)]
    [-0.0279, -0.0282]
    """
    fit = terms_of(law, **others)
    size = fit.A * positive(parameters) ** -fit.alpha
    data = fit.B * positive(tokens) ** -fit.beta
    loss = fit.E + size + data
    return -fit.alpha * size / loss, -fit.beta * data / loss


def doubling_returns(
    law: Law, parameters: FloatsLike, tokens: FloatsLike, **others: Any
) -> tuple[Floats, Floats]:
    """Return the loss that a doubling of the size, and of the data, would save.

    It works for every law of loss in size and tokens, whatever its form.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> size, data = doubling_returns(laws["kaplan2020_joint"], [1e8, 1e9], 2e10)
    >>> size.round(3), data.round(3)
    (array([0.134, 0.092]), array([0.006, 0.026]))
    """
    n, d = np.asarray(parameters, dtype=np.float64), np.asarray(tokens, dtype=np.float64)
    name = "active_parameters" if "active_parameters" in law.inputs else "parameters"
    now = law(**{name: n, "tokens": d, **others})
    larger: Floats = now - law(**{name: 2.0 * n, "tokens": d, **others})
    longer: Floats = now - law(**{name: n, "tokens": 2.0 * d, **others})
    return larger, longer
