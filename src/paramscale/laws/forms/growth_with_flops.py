"""A published exponent without a scale: how something grows with flops."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["growth_with_flops"]


def growth_with_flops(
    flops_ratio: FloatsLike,
    *,
    exponent: float,
) -> Floats:
    """Return ``r^exponent``, the factor that goes with a factor r of flops.

    Parameters
    ----------
    flops_ratio : float or array
        By which factor compute grows; broadcasts.
    exponent : float
        Exponent.

    Returns
    -------
    float or array
        NaN where `flops_ratio` is not positive, or is NaN.

    Notes
    -----
    For laws of which only the exponent was published, or has a meaning beyond one data set.

    References
    ----------
    .. [1] The sources of the laws of this form.

    Examples
    --------
    >>> round(float(growth_with_flops(10.0, exponent=0.5)), 3)
    3.162
    """
    factor: Floats = positive(flops_ratio) ** exponent
    return factor
