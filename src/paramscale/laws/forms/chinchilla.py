"""The form of Hoffmann et al.: a floor, a term of the size, a term of the data."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.laws.forms._terms import Terms
from paramscale.typing import Floats, FloatsLike

__all__ = ["chinchilla", "terms"]


def chinchilla(
    parameters: FloatsLike,
    tokens: FloatsLike,
    *,
    E: float,
    A: float,
    alpha: float,
    B: float,
    beta: float,
) -> Floats:
    """Return ``L = E + A / N^alpha + B / D^beta`` [nats per token].

    Parameters
    ----------
    parameters : float or array
        N, counted as the law was fitted (with or without embeddings); broadcasts.
    tokens : float or array
        D, tokens trained on, each seen once; broadcasts.
    E : float
        Loss at infinite size and data [nats per token].
    A, alpha : float
        Scale and exponent of the size term.
    B, beta : float
        Scale and exponent of the data term.

    Returns
    -------
    float or array
        NaN where `parameters` or `tokens` is not positive, or is NaN.

    Notes
    -----
    Equation 2 of [1]_; integers become float64 first, so that nothing overflows.

    References
    ----------
    .. [1] J. Hoffmann et al. 2022, "Training compute-optimal large language models",
       arXiv:2203.15556, section 3.3. Checked against Epoch's analyzing-chinchilla,
       ``data_analysis.ipynb``.

    Examples
    --------
    >>> loss = chinchilla(70e9, 1.4e12, E=1.81686, A=482.00572, alpha=0.34781,
    ...                   B=2085.4342, beta=0.36585)
    >>> round(float(loss), 4)
    1.9734
    """
    size = positive(parameters)
    data = positive(tokens)
    loss: Floats = E + A * size**-alpha + B * data**-beta
    return loss


def terms(*, E: float, A: float, alpha: float, B: float, beta: float) -> Terms:
    """Return the terms themselves."""
    return Terms(E, A, alpha, B, beta)
