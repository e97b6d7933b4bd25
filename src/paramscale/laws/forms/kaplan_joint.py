"""Kaplan et al.: loss against size and data together."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["kaplan_joint"]


def kaplan_joint(
    parameters: FloatsLike,
    tokens: FloatsLike,
    *,
    N_c: float,
    alpha_N: float,
    D_c: float,
    alpha_D: float,
) -> Floats:
    """Return ``L = ((N_c / N)^(alpha_N / alpha_D) + D_c / D)^alpha_D`` [nats per token].

    Parameters
    ----------
    parameters : float or array
        N, counted as the law was fitted (with or without embeddings); broadcasts.
    tokens : float or array
        D, tokens trained on; broadcasts.
    N_c, D_c : float
        Scales of size and data; those of the joint fit.
    alpha_N, alpha_D : float
        Exponents of size and data alone.

    Returns
    -------
    float or array
        NaN where `parameters` or `tokens` is not positive, or is NaN.

    Notes
    -----
    Equation 1.5 of [1]_. The loss is that of the test set with early stopping, several epochs
    allowed: L(N, D) / L(N, inf) - 1 is the price of too few data. There is no floor.

    References
    ----------
    .. [1] J. Kaplan et al. 2020, "Scaling laws for neural language models", arXiv:2001.08361,
       section 4, Table 2.

    Examples
    --------
    >>> loss = kaplan_joint(1e9, 2e10, N_c=6.4e13, alpha_N=0.076, D_c=1.8e13, alpha_D=0.103)
    >>> round(float(loss), 3)
    2.374
    """
    size = (N_c / positive(parameters)) ** (alpha_N / alpha_D)
    loss: Floats = (size + D_c / positive(tokens)) ** alpha_D
    return loss
