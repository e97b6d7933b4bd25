"""Tissue et al.: loss at a step of a schedule of learning rates."""

from __future__ import annotations

import numpy as np

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["annealing"]


def annealing(
    learning_rate_sum: FloatsLike,
    annealing_area: FloatsLike,
    *,
    L0: float,
    A: float,
    alpha: float,
    C: float,
) -> Floats:
    """Return ``L = L0 + A S1^-alpha - C S2`` [nats per token].

    Parameters
    ----------
    learning_rate_sum : float or array
        S1, sum of the learning rates up to the step; broadcasts.
    annealing_area : float or array
        S2, sum of the momentum of the decay up to the step; broadcasts.
    L0 : float
        Loss after an endless schedule without decay [nats per token].
    A, alpha : float
        Scale and exponent of the sum of learning rates.
    C : float
        What the area of annealing gains.

    Returns
    -------
    float or array
        NaN where `learning_rate_sum` is not positive, or an input is NaN.

    Notes
    -----
    The form of [1]_. No coefficients are shipped: they belong to one model and data set. For
    fitting.

    References
    ----------
    .. [1] H. Tissue et al. 2024, "Scaling law with learning rate annealing", arXiv:2408.11029.

    Examples
    --------
    >>> round(float(annealing(10.0, 0.5, L0=2.6, A=0.6, alpha=0.45, C=0.1)), 4)
    2.7629
    """
    area = np.asarray(annealing_area, dtype=np.float64)
    loss: Floats = L0 + A * positive(learning_rate_sum) ** -alpha - C * area
    return loss
