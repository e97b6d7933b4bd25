"""A law that gives a power of the size: an optimal batch, tokens that suffice, and the like."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["power_of_parameters"]


def power_of_parameters(
    parameters: FloatsLike,
    *,
    scale: float,
    exponent: float,
) -> Floats:
    """Return ``scale N^exponent``, in the unit that the law states.

    Parameters
    ----------
    parameters : float or array
        N, counted as the law was fitted (with or without embeddings); broadcasts.
    scale : float
        Value at N = 1.
    exponent : float
        Exponent.

    Returns
    -------
    float or array
        NaN where `parameters` is not positive, or is NaN.

    Notes
    -----
    One form for the monomials of several papers; the row of a law names its equation.

    References
    ----------
    .. [1] The sources of the laws of this form.

    Examples
    --------
    >>> round(float(power_of_parameters(1e9, scale=5e3, exponent=0.74)) / 1e9, 2)
    22.85
    """
    value: Floats = scale * positive(parameters) ** exponent
    return value
