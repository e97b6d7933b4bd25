"""Kaplan et al.: loss against size alone, data without end."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["kaplan_size"]


def kaplan_size(
    parameters: FloatsLike,
    *,
    N_c: float,
    alpha_N: float,
) -> Floats:
    """Return ``L = (N_c / N)^alpha_N`` [nats per token].

    Parameters
    ----------
    parameters : float or array
        N, counted as the law was fitted (with or without embeddings); broadcasts.
    N_c : float
        Size at which the loss would be 1 nat.
    alpha_N : float
        Exponent.

    Returns
    -------
    float or array
        NaN where `parameters` is not positive, or is NaN.

    Notes
    -----
    Equation 1.1 of [1]_, for models trained to convergence on data without end. There is no floor.

    References
    ----------
    .. [1] J. Kaplan et al. 2020, "Scaling laws for neural language models", arXiv:2001.08361,
       section 1.2.

    Examples
    --------
    >>> round(float(kaplan_size(1e9, N_c=8.8e13, alpha_N=0.076)), 3)
    2.376
    """
    loss: Floats = (N_c / positive(parameters)) ** alpha_N
    return loss
