"""Krajewski et al.: loss of experts that are cut into smaller ones."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.laws.forms._terms import Terms
from paramscale.typing import Floats, FloatsLike

__all__ = ["fine_grained_experts", "terms"]


def fine_grained_experts(
    parameters: FloatsLike,
    tokens: FloatsLike,
    granularity: FloatsLike,
    *,
    E: float,
    a: float,
    g: float,
    gamma: float,
    alpha: float,
    b: float,
    beta: float,
) -> Floats:
    """Return ``L = E + (g / G^gamma + a) / N^alpha + b / D^beta`` [nats per token].

    Parameters
    ----------
    parameters : float or array
        N, counted as the law was fitted (with or without embeddings); broadcasts.
    tokens : float or array
        D, tokens trained on; broadcasts.
    granularity : float or array
        G, into how many each expert is cut; broadcasts.
    E : float
        Loss at infinite size and data [nats per token]; c in the paper.
    a, alpha : float
        Scale and exponent of the size term.
    g, gamma : float
        Scale and exponent of the granularity.
    b, beta : float
        Scale and exponent of the data term.

    Returns
    -------
    float or array
        NaN where an input is not positive, or is NaN.

    Notes
    -----
    Equation 9 of [1]_, at 64 times the parameters of a dense layer.

    References
    ----------
    .. [1] J. Krajewski et al. 2024, "Scaling laws for fine-grained mixture of experts",
       arXiv:2402.07871.

    Examples
    --------
    >>> loss = fine_grained_experts(1e9, 2e10, 8, E=0.47, a=18.1, g=2.1, gamma=0.58, alpha=0.115,
    ...                             b=30.8, beta=0.147)
    >>> round(float(loss), 4)
    3.1404
    """
    scale = g * positive(granularity) ** -gamma + a
    loss: Floats = E + scale * positive(parameters) ** -alpha + b * positive(tokens) ** -beta
    return loss


def terms(
    granularity: FloatsLike,
    *,
    E: float,
    a: float,
    g: float,
    gamma: float,
    alpha: float,
    b: float,
    beta: float,
) -> Terms:
    """Return the Chinchilla law that holds at a granularity; arrays broadcast."""
    return Terms(E, g * positive(granularity) ** -gamma + a, alpha, b, beta)
