"""Pearce and Song: the Chinchilla law for sizes counted without embeddings."""

from __future__ import annotations

import numpy as np

from paramscale.laws.forms._numbers import positive
from paramscale.laws.forms.chinchilla import chinchilla
from paramscale.typing import Floats, FloatsLike

__all__ = ["chinchilla_without_embeddings"]


def chinchilla_without_embeddings(
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
    """Return the Chinchilla law at ``N_T = N + gamma N^(1/3)`` [nats per token].

    Parameters
    ----------
    parameters : float or array
        N, without embeddings; broadcasts.
    tokens : float or array
        D, tokens trained on; broadcasts.
    E : float
        Loss at infinite size and data [nats per token].
    A, alpha : float
        Scale and exponent of the size term, in all parameters.
    B, beta : float
        Scale and exponent of the data term.
    gamma : float
        Parameters of the embeddings, by the cube root of the others.

    Returns
    -------
    float or array
        NaN where `parameters` or `tokens` is not positive, or is NaN.

    Notes
    -----
    The bridge of [1]_ between two counts. Its local exponents of compute-optimal size are Kaplan's
    for small models, and Chinchilla's for large ones.

    References
    ----------
    .. [1] T. Pearce and J. Song 2024, "Reconciling Kaplan and Chinchilla scaling laws",
       arXiv:2406.12907.

    Examples
    --------
    >>> loss = chinchilla_without_embeddings(1e8, 2e9, E=1.81686, A=482.00572, alpha=0.34781,
    ...                                      B=2085.4342, beta=0.36585, gamma=47491.0)
    >>> round(float(loss), 4)
    3.3839
    """
    size = positive(parameters)
    loss: Floats = chinchilla(
        size + gamma * np.cbrt(size), tokens, E=E, A=A, alpha=alpha, B=B, beta=beta
    )
    return loss
