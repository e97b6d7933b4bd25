"""Busbridge et al.: the Chinchilla law with an exponent on both terms together."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["powered_chinchilla"]


def powered_chinchilla(
    parameters: FloatsLike,
    tokens: FloatsLike,
    *,
    E: float,
    A: float,
    alpha: float,
    B: float,
    beta: float,
    gamma: float,
) -> Floats:
    """Return ``L = E + (A / N^alpha + B / D^beta)^gamma`` [nats per token].

    Parameters
    ----------
    parameters : float or array
        N, counted as the law was fitted (with or without embeddings); broadcasts.
    tokens : float or array
        D, tokens trained on; broadcasts.
    E : float
        Loss at infinite size and data [nats per token].
    A, alpha : float
        Scale and exponent of the size term.
    B, beta : float
        Scale and exponent of the data term.
    gamma : float
        Exponent of their sum.

    Returns
    -------
    float or array
        NaN where `parameters` or `tokens` is not positive, or is NaN.

    Notes
    -----
    Supervised law of [1]_, the baseline of its law of distillation.

    References
    ----------
    .. [1] D. Busbridge et al. 2025, "Distillation scaling laws", arXiv:2502.08606.

    Examples
    --------
    >>> loss = powered_chinchilla(1e9, 2e10, E=1.22, A=3355.0, alpha=0.408, B=18186.0, beta=0.431,
    ...                           gamma=0.452)
    >>> round(float(loss), 4)
    2.3747
    """
    terms = A * positive(parameters) ** -alpha + B * positive(tokens) ** -beta
    loss: Floats = E + terms**gamma
    return loss
