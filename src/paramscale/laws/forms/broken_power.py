"""Caballero et al.: a power law that changes its exponent once."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["broken_power"]


def broken_power(
    amount: FloatsLike,
    *,
    a: float,
    b: float,
    c0: float,
    c1: float,
    d1: float,
    f1: float,
) -> Floats:
    """Return ``y = a + b x^-c0 (1 + (x / d1)^(1 / f1))^(-c1 f1)``.

    Parameters
    ----------
    amount : float or array
        Parameters, tokens, FLOPs, or whatever the fit varies; broadcasts.
    a : float
        Value without end.
    b, c0 : float
        Scale and exponent before the break.
    d1, c1, f1 : float
        Where the break is, by how much the exponent grows, and how smoothly.

    Returns
    -------
    float or array
        NaN where `amount` is not positive, or is NaN.

    Notes
    -----
    The form of [1]_ with one break. No coefficients are shipped: they belong to single tasks. For
    fitting.

    References
    ----------
    .. [1] E. Caballero et al. 2023, "Broken neural scaling laws", arXiv:2210.14891; checked
       against ethancaballero/broken_neural_scaling_laws.

    Examples
    --------
    >>> round(float(broken_power(1e9, a=1.8, b=30.0, c0=0.2, c1=0.1, d1=1e8, f1=0.5)), 4)
    2.1775
    """
    x = positive(amount)
    value: Floats = a + b * x**-c0 * (1.0 + (x / d1) ** (1.0 / f1)) ** (-c1 * f1)
    return value
