"""Kumar et al.: how many parameters low-precision training leaves."""

from __future__ import annotations

import numpy as np

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["precision_parameters"]


def precision_parameters(
    parameters: FloatsLike,
    weight_bits: FloatsLike,
    kv_bits: FloatsLike,
    *,
    gamma_w: float,
    gamma_kv: float,
) -> Floats:
    """Return ``N (1 - exp(-P_w / gamma_w)) (1 - exp(-P_kv / gamma_kv))``, effective parameters.

    Parameters
    ----------
    parameters : float or array
        N, counted as the law was fitted (with or without embeddings); broadcasts.
    weight_bits : float or array
        Bits of a weight in training; infinity means exact; broadcasts.
    kv_bits : float or array
        Bits of a key or value in training; broadcasts.
    gamma_w, gamma_kv : float
        Bits over which weights, and keys and values, become exact.

    Returns
    -------
    float or array
        NaN where an input is not positive, or is NaN.

    Notes
    -----
    The effective size of [1]_ without its factor of activations, whose constant was not verified:
    activations are taken as exact.

    References
    ----------
    .. [1] T. Kumar et al. 2024, "Scaling laws for precision", arXiv:2411.04330, appendix K.

    Examples
    --------
    >>> round(float(precision_parameters(1.0, 4, 16, gamma_w=2.6745, gamma_kv=0.96)), 3)
    0.776
    """
    weights = -np.expm1(-positive(weight_bits) / gamma_w)
    cache = -np.expm1(-positive(kv_bits) / gamma_kv)
    value: Floats = positive(parameters) * weights * cache
    return value
