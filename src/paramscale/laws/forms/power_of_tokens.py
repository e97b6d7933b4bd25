"""A law that gives a power of the data: an optimal batch, tokens that suffice, and the like."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["power_of_tokens"]


def power_of_tokens(
    tokens: FloatsLike,
    *,
    scale: float,
    exponent: float,
) -> Floats:
    """Return ``scale D^exponent``, in the unit that the law states.

    Parameters
    ----------
    tokens : float or array
        D, tokens trained on; broadcasts.
    scale : float
        Value at D = 1.
    exponent : float
        Exponent.

    Returns
    -------
    float or array
        NaN where `tokens` is not positive, or is NaN.

    Notes
    -----
    One form for the monomials of several papers; the row of a law names its equation.

    References
    ----------
    .. [1] The sources of the laws of this form.

    Examples
    --------
    >>> round(float(power_of_tokens(1.4e12, scale=0.58, exponent=0.571)))
    4998815
    """
    value: Floats = scale * positive(tokens) ** exponent
    return value
