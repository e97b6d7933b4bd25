"""Kaplan et al.: the batch beyond which more of it saves few steps."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["critical_batch"]


def critical_batch(
    loss: FloatsLike,
    *,
    B_star: float,
    alpha_B: float,
) -> Floats:
    """Return ``B_crit = B_star / L^(1 / alpha_B)`` [tokens].

    Parameters
    ----------
    loss : float or array
        L [nats per token]; broadcasts.
    B_star : float
        Critical batch at a loss of 1 nat [tokens].
    alpha_B : float
        Exponent.

    Returns
    -------
    float or array
        NaN where `loss` is not positive, or is NaN.

    Notes
    -----
    Equation 1.4 of [1]_.

    References
    ----------
    .. [1] J. Kaplan et al. 2020, "Scaling laws for neural language models", arXiv:2001.08361,
       section 5.1.

    Examples
    --------
    >>> round(float(critical_batch(2.5, B_star=2e8, alpha_B=0.21)))
    2547285
    """
    batch: Floats = B_star * positive(loss) ** (-1.0 / alpha_B)
    return batch
