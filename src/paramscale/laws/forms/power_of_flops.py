"""A law that gives a power of compute: an optimal size, an optimal batch, and the like."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["power_of_flops"]


def power_of_flops(
    flops: FloatsLike,
    *,
    scale: float,
    exponent: float,
    unit: float,
) -> Floats:
    """Return ``scale (C / unit)^exponent``, in the unit that the law states.

    Parameters
    ----------
    flops : float or array
        C, training compute [FLOP]; broadcasts.
    scale : float
        Value at C = `unit`.
    exponent : float
        Exponent.
    unit : float
        FLOPs of one unit of compute; 1, or 8.64e19 for a PF-day.

    Returns
    -------
    float or array
        NaN where `flops` is not positive, or is NaN.

    Notes
    -----
    One form for the monomials of several papers; the row of a law names its equation.

    References
    ----------
    .. [1] The sources of the laws of this form.

    Examples
    --------
    >>> round(float(power_of_flops(3.8e25, scale=0.299, exponent=0.537, unit=1.0)) / 1e12, 2)
    16.29
    """
    value: Floats = scale * (positive(flops) / unit) ** exponent
    return value
