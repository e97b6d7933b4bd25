"""How the compute-optimal size grows, from the two exponents of a law of loss."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["optimal_growth"]


def optimal_growth(
    flops_ratio: FloatsLike,
    *,
    alpha: float,
    beta: float,
) -> Floats:
    """Return ``r^(beta / (alpha + beta))``, the growth of the optimal size with compute.

    Parameters
    ----------
    flops_ratio : float or array
        By which factor compute grows; broadcasts.
    alpha : float
        Exponent of the size term.
    beta : float
        Exponent of the data term.

    Returns
    -------
    float or array
        NaN where `flops_ratio` is not positive, or is NaN.

    Notes
    -----
    Equation 4 of [1]_, for fits of which only the exponents were published.

    References
    ----------
    .. [1] J. Hoffmann et al. 2022, "Training compute-optimal large language models",
       arXiv:2203.15556, section 3.3.

    Examples
    --------
    >>> round(float(optimal_growth(10.0, alpha=0.252, beta=0.213)), 3)
    2.871
    """
    factor: Floats = positive(flops_ratio) ** (beta / (alpha + beta))
    return factor
