"""Clark et al.: loss of routed models at a fixed amount of data."""

from __future__ import annotations

import numpy as np

from paramscale.laws.forms._numbers import effective_experts, positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["clark_routed"]


def clark_routed(
    active_parameters: FloatsLike,
    experts: FloatsLike,
    *,
    a: float,
    b: float,
    c: float,
    d: float,
    E_start: float,
    E_max: float,
) -> Floats:
    """Return ``log10 L = a log10 N + b log10 X + c log10 N log10 X + d`` as L [nats per token].

    Parameters
    ----------
    active_parameters : float or array
        Parameters that one token touches, N; broadcasts.
    experts : float or array
        Experts of a routed layer; broadcasts.
    a, b, c, d : float
        Slopes of size and experts, their interaction, and the offset.
    E_start, E_max : float
        Where the effective number of experts starts and where it ends.

    Returns
    -------
    float or array
        NaN where `active_parameters` or `experts` is not positive, or is NaN.

    Notes
    -----
    The law of [1]_: X is the number of experts, bent at both ends. All models saw 130 billion
    tokens. The gain of experts ends where log10 N = -b / c.

    References
    ----------
    .. [1] A. Clark et al. 2022, "Unified scaling laws for routed language models",
       arXiv:2202.01169; form checked against google-deepmind/scaling_laws_for_routing,
       ``example.ipynb``.

    Examples
    --------
    >>> loss = clark_routed(1e9, 64, a=-0.082, b=-0.108, c=0.009, d=1.104, E_start=1.847,
    ...                     E_max=314.478)
    >>> round(float(loss), 4)
    2.0858
    """
    size = np.log10(positive(active_parameters))
    experts = np.log10(effective_experts(experts, E_start, E_max))
    loss: Floats = 10.0 ** (a * size + b * experts + c * size * experts + d)
    return loss
