"""Li et al.: a law of loss whose data exponent depends on the size."""

from __future__ import annotations

import numpy as np

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["farseer"]


def farseer(
    parameters: FloatsLike,
    tokens: FloatsLike,
    *,
    a1: float,
    b1: float,
    alpha: float,
    a2: float,
    b2: float,
    beta: float,
    a3: float,
    b3: float,
    gamma: float,
) -> Floats:
    """Return ``exp(a3 N^gamma + b3) + exp(a2 N^beta + b2) D^-exp(a1 N^alpha + b1)`` [nats].

    Parameters
    ----------
    parameters : float or array
        N, counted as the law was fitted (with or without embeddings); broadcasts.
    tokens : float or array
        D, tokens trained on; broadcasts.
    a1, b1, alpha : float
        Exponent of the data, by size.
    a2, b2, beta : float
        Scale of the data term, by size.
    a3, b3, gamma : float
        Loss at data without end, by size.

    Returns
    -------
    float or array
        NaN where `parameters` or `tokens` is not positive, or is NaN.

    Notes
    -----
    Equation 3 of [1]_. No coefficients are shipped: they were not found. For fitting.

    References
    ----------
    .. [1] H. Li et al. 2025, "Farseer", arXiv:2506.10972.

    Examples
    --------
    >>> loss = farseer(1e9, 2e10, a1=-0.01, b1=-0.9, alpha=0.1, a2=0.01, b2=5.0, beta=0.1, a3=-0.05,
    ...                b3=1.2, gamma=0.1)
    >>> round(float(loss), 4)
    2.2536
    """
    size = positive(parameters)
    power = np.exp(a1 * size**alpha + b1)
    data = np.exp(a2 * size**beta + b2) * positive(tokens) ** -power
    loss: Floats = np.exp(a3 * size**gamma + b3) + data
    return loss
