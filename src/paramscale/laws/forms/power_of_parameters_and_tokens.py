"""A law that gives a power of the size times a power of the data."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["power_of_parameters_and_tokens"]


def power_of_parameters_and_tokens(
    parameters: FloatsLike,
    tokens: FloatsLike,
    *,
    scale: float,
    size_exponent: float,
    data_exponent: float,
) -> Floats:
    """Return ``scale N^size_exponent D^data_exponent``, in the unit that the law states.

    Parameters
    ----------
    parameters : float or array
        N, counted as the law was fitted (with or without embeddings); broadcasts.
    tokens : float or array
        D, tokens trained on; broadcasts.
    scale : float
        Value at N = D = 1.
    size_exponent, data_exponent : float
        Exponents.

    Returns
    -------
    float or array
        NaN where `parameters` or `tokens` is not positive, or is NaN.

    Notes
    -----
    The optimal learning rate of [1]_.

    References
    ----------
    .. [1] H. Li et al. 2025, "Predictable scale: Step Law", arXiv:2503.04715.

    Examples
    --------
    >>> rate = power_of_parameters_and_tokens(
    ...     7e9, 1.4e12, scale=1.79, size_exponent=-0.713, data_exponent=0.307
    ... )
    >>> round(float(rate), 7)
    0.0009166
    """
    value: Floats = (
        scale * positive(parameters) ** size_exponent * positive(tokens) ** data_exponent
    )
    return value
