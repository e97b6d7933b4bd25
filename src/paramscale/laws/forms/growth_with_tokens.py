"""A published exponent without a scale: how something grows with tokens."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["growth_with_tokens"]


def growth_with_tokens(
    tokens_ratio: FloatsLike,
    *,
    exponent: float,
) -> Floats:
    """Return ``r^exponent``, the factor that goes with a factor r of tokens.

    Parameters
    ----------
    tokens_ratio : float or array
        By which factor the data grow; broadcasts.
    exponent : float
        Exponent.

    Returns
    -------
    float or array
        NaN where `tokens_ratio` is not positive, or is NaN.

    Notes
    -----
    For laws of which only the exponent was published, or has a meaning beyond one data set.

    References
    ----------
    .. [1] The sources of the laws of this form.

    Examples
    --------
    >>> round(float(growth_with_tokens(10.0, exponent=0.5)), 3)
    3.162
    """
    factor: Floats = positive(tokens_ratio) ** exponent
    return factor
