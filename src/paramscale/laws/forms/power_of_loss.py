"""A law that gives a power of the loss: an optimal batch, tokens that suffice, and the like."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["power_of_loss"]


def power_of_loss(
    loss: FloatsLike,
    *,
    scale: float,
    exponent: float,
) -> Floats:
    """Return ``scale L^exponent``, in the unit that the law states.

    Parameters
    ----------
    loss : float or array
        L [nats per token]; broadcasts.
    scale : float
        Value at L = 1.
    exponent : float
        Exponent.

    Returns
    -------
    float or array
        NaN where `loss` is not positive, or is NaN.

    Notes
    -----
    One form for the monomials of several papers; the row of a law names its equation.

    References
    ----------
    .. [1] The sources of the laws of this form.

    Examples
    --------
    >>> round(float(power_of_loss(2.5, scale=1.21e9, exponent=-6.24)))
    3977770
    """
    value: Floats = scale * positive(loss) ** exponent
    return value
