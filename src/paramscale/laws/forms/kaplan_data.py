"""Kaplan et al.: loss against data alone, models large enough and stopped early."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["kaplan_data"]


def kaplan_data(
    tokens: FloatsLike,
    *,
    D_c: float,
    alpha_D: float,
) -> Floats:
    """Return ``L = (D_c / D)^alpha_D`` [nats per token].

    Parameters
    ----------
    tokens : float or array
        D, tokens trained on; broadcasts.
    D_c : float
        Tokens at which the loss would be 1 nat.
    alpha_D : float
        Exponent.

    Returns
    -------
    float or array
        NaN where `tokens` is not positive, or is NaN.

    Notes
    -----
    Equation 1.2 of [1]_, for large models with early stopping. There is no floor.

    References
    ----------
    .. [1] J. Kaplan et al. 2020, "Scaling laws for neural language models", arXiv:2001.08361,
       section 1.2.

    Examples
    --------
    >>> round(float(kaplan_data(1e10, D_c=5.4e13, alpha_D=0.095)), 3)
    2.262
    """
    loss: Floats = (D_c / positive(tokens)) ** alpha_D
    return loss
