"""Kaplan et al.: what too few steps add to the loss."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["kaplan_steps"]


def kaplan_steps(
    steps: FloatsLike,
    *,
    S_c: float,
    alpha_S: float,
) -> Floats:
    """Return ``(S_c / S)^alpha_S``, the part of the loss that further steps would remove [nats].

    Parameters
    ----------
    steps : float or array
        S, optimizer steps at a batch far above the critical one; broadcasts.
    S_c : float
        Steps at which that part would be 1 nat.
    alpha_S : float
        Exponent.

    Returns
    -------
    float or array
        NaN where `steps` is not positive, or is NaN.

    Notes
    -----
    Second term of equation 1.6 of [1]_. At a batch of B tokens, S steps count as S / (1 + B_crit /
    B).

    References
    ----------
    .. [1] J. Kaplan et al. 2020, "Scaling laws for neural language models", arXiv:2001.08361,
       section 5.

    Examples
    --------
    >>> round(float(kaplan_steps(1e5, S_c=2100.0, alpha_S=0.76)), 4)
    0.0531
    """
    excess: Floats = (S_c / positive(steps)) ** alpha_S
    return excess
