"""Kumar et al.: how the price of post-training quantization grows, at equal bits."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["penalty_growth"]


def penalty_growth(
    parameters_ratio: FloatsLike,
    tokens_ratio: FloatsLike,
    *,
    gamma_N: float,
    gamma_D: float,
) -> Floats:
    """Return ``d^gamma_D / n^gamma_N``, the factor on the loss that quantization adds.

    Parameters
    ----------
    parameters_ratio : float or array
        By which factor the size grows; broadcasts.
    tokens_ratio : float or array
        By which factor the data grow; broadcasts.
    gamma_N : float
        Exponent of the size.
    gamma_D : float
        Exponent of the data.

    Returns
    -------
    float or array
        NaN where `parameters_ratio` or `tokens_ratio` is not positive, or is NaN.

    Notes
    -----
    Equation 2 of [1]_ as a ratio of two models at the same bits: its scale and its rate in bits
    were not verified, so they are not here.

    References
    ----------
    .. [1] T. Kumar et al. 2024, "Scaling laws for precision", arXiv:2411.04330.

    Examples
    --------
    >>> round(float(penalty_growth(1.0, 10.0, gamma_N=0.3439, gamma_D=0.5068)), 3)
    3.212
    """
    factor: Floats = positive(tokens_ratio) ** gamma_D * positive(parameters_ratio) ** -gamma_N
    return factor
