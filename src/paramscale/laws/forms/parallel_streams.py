"""Chen et al.: loss of a model that runs several streams of each input."""

from __future__ import annotations

import numpy as np

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["parallel_streams"]


def parallel_streams(
    parameters: FloatsLike,
    streams: FloatsLike,
    *,
    E: float,
    A: float,
    alpha: float,
    k: float,
) -> Floats:
    """Return ``L = E + (A / (N (k ln P + 1)))^alpha`` [nats per token].

    Parameters
    ----------
    parameters : float or array
        N, counted as the law was fitted (with or without embeddings); broadcasts.
    streams : float or array
        P, parallel streams of one input; broadcasts.
    E : float
        Loss at infinite size [nats per token].
    A, alpha : float
        Scale and exponent of the size term.
    k : float
        What a stream is worth, in parameters.

    Returns
    -------
    float or array
        NaN where `parameters` or `streams` is not positive, or is NaN.

    Notes
    -----
    The law of [1]_, at a fixed amount of data.

    References
    ----------
    .. [1] M. Chen et al. 2025, "Parallel scaling law for language models"; checked against
       QwenLM/ParScale, ``parametric_fit.py``.

    Examples
    --------
    >>> loss = parallel_streams(1.6e9, 8, E=1.28859, A=1.975165e8, alpha=0.196281, k=0.334442)
    >>> round(float(loss), 4)
    1.8865
    """
    size = positive(parameters) * (k * np.log(positive(streams)) + 1.0)
    loss: Floats = E + (A / size) ** alpha
    return loss
