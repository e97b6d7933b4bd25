"""Kaplan et al.: loss on the frontier of efficient compute."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["kaplan_compute"]


def kaplan_compute(
    flops: FloatsLike,
    *,
    C_c: float,
    alpha_C: float,
    unit: float,
) -> Floats:
    """Return ``L = (C_c unit / C)^alpha_C`` [nats per token].

    Parameters
    ----------
    flops : float or array
        C, training compute [FLOP]; broadcasts.
    C_c : float
        Compute at which the loss would be 1 nat [`unit`].
    alpha_C : float
        Exponent.
    unit : float
        FLOPs of one unit of `C_c`; 8.64e19 for a PF-day.

    Returns
    -------
    float or array
        NaN where `flops` is not positive, or is NaN.

    Notes
    -----
    Equation 1.3 of [1]_, at the size and batch that need the least compute.

    References
    ----------
    .. [1] J. Kaplan et al. 2020, "Scaling laws for neural language models", arXiv:2001.08361,
       section 1.2.

    Examples
    --------
    >>> round(float(kaplan_compute(1e21, C_c=3.1e8, alpha_C=0.05, unit=8.64e19)), 3)
    2.352
    """
    loss: Floats = (C_c * unit / positive(flops)) ** alpha_C
    return loss
