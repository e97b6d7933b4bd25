"""Gadre et al.: average error on benchmarks against loss."""

from __future__ import annotations

import numpy as np

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["error_from_loss"]


def error_from_loss(
    loss: FloatsLike,
    *,
    epsilon: float,
    k: float,
    gamma: float,
) -> Floats:
    """Return ``Err = epsilon - k exp(-gamma L)``, average top-1 error over the tasks.

    Parameters
    ----------
    loss : float or array
        L [nats per token]; broadcasts.
    epsilon : float
        Error at a high loss.
    k, gamma : float
        Scale and rate of the fall.

    Returns
    -------
    float or array
        NaN where `loss` is not positive, or is NaN.

    Notes
    -----
    The law of errors of [1]_, on the loss on C4.

    References
    ----------
    .. [1] S. Y. Gadre et al. 2024, "Language models scale reliably with over-training and on
       downstream tasks", arXiv:2403.08540.

    Examples
    --------
    >>> error = error_from_loss(2.5, epsilon=0.7589494, k=1.28851604, gamma=0.97216429)
    >>> round(float(error), 4)
    0.6456
    """
    error: Floats = epsilon - k * np.exp(-gamma * positive(loss))
    return error
