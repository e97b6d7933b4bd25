"""How much of a weight a format or a mask throws away: the energy of the error over its own.

One number, nu = E[(w' - w)^2] / E[w^2] of normally distributed weights, makes rounding and cutting
comparable: 3 bits a row lose as much as 2:4 sparsity. What a model makes of nu is measured, and
stands in `paramscale.laws.compression`.
"""

from __future__ import annotations

import numpy as np

from paramscale.typing import Floats, FloatsLike

__all__ = ["coded_noise", "cut_noise", "floating_noise", "pattern_noise", "rounding_noise"]

_EULER = 0.5772156649015329

#: Energy of the n smallest of m squared normal deviates, over that of all m: integrals of order
#: statistics, to 6 digits by quadrature (`tests/laws/test_noise.py` computes them again).
_PATTERNS = {"2:4": 0.132447, "4:8": 0.103307}


def rounding_noise(bits: FloatsLike, group: FloatsLike) -> Floats:
    """Return nu of whole-number codes whose scale spans the least and greatest of a group.

    Parameters
    ----------
    bits : float or array
        Of a code; broadcasts.
    group : float or array
        Weights that share a scale, 2 or more; broadcasts.

    Notes
    -----
    A step of size s leaves s^2 / 12; 2^bits - 1 steps span twice the expected greatest of `group`
    normal deviates, for which the asymptote of extreme values is taken [1]_. 4 bits for 128
    weights lose 1 %, for a row of 4096 2 %.

    References
    ----------
    .. [1] H. Cramér 1946, "Mathematical Methods of Statistics", section 28.6.

    Examples
    --------
    >>> round(float(rounding_noise(4.0, 128.0)), 4)
    0.0103
    """
    twice = 2.0 * np.log(group)
    reach = np.sqrt(twice)
    most = reach + (_EULER - 0.5 * np.log(2.0 * np.pi * twice)) / reach
    noise: Floats = (most / (np.exp2(bits) - 1.0)) ** 2 / 3.0
    return noise


def floating_noise(mantissa_bits: FloatsLike) -> Floats:
    """Return nu of floating codes that neither overflow nor underflow.

    Notes
    -----
    A step is 2^-m of the power of two below the weight; with mantissas distributed by Benford's
    law the mean of step^2 / 12 over the square is 4^-m (3 / 8 ln 2) / 12.

    Examples
    --------
    E4M3, and the E2M1 of NVFP4 and MXFP4:

    >>> round(float(floating_noise(3.0)), 5), round(float(floating_noise(1.0)), 4)
    (0.0007, 0.0113)
    """
    noise: Floats = np.exp2(-2.0 * np.asarray(mantissa_bits)) * (3.0 / (8.0 * np.log(2.0))) / 12.0
    return np.asarray(noise)[()]


def coded_noise(bits_per_weight: FloatsLike) -> Floats:
    """Return nu of a good code of so many bits, scales included: no code has less than 4^-bits.

    Notes
    -----
    The rate-distortion function of a normal source. Block formats and codebooks lie a constant
    factor above it, which their levels hold.

    Examples
    --------
    >>> float(coded_noise(2.0))
    0.0625
    """
    noise: Floats = np.exp2(-2.0 * np.asarray(bits_per_weight, dtype=np.float64))[()]
    return noise


def cut_noise(sparsity: FloatsLike) -> Floats:
    """Return nu of setting the smallest weights to zero: the share of the energy that they hold.

    Examples
    --------
    Half of the weights hold 7 % of the energy, seven tenths 22 %.

    >>> cut_noise([0.0, 0.5, 0.7]).round(4)
    array([0.    , 0.0713, 0.2167])
    """
    from scipy.special import ndtri  # type: ignore[import-untyped]

    share = np.asarray(sparsity, dtype=np.float64)
    edge = ndtri(0.5 * (1.0 + share))
    with np.errstate(invalid="ignore"):
        noise: Floats = (share - 2.0 * edge * np.exp(-0.5 * edge**2) / np.sqrt(2.0 * np.pi))[()]
    return noise


def pattern_noise(structure: str, sparsity: FloatsLike) -> Floats:
    """Return nu of cutting in some structure; whole channels, heads or layers lose their share.

    Examples
    --------
    >>> float(pattern_noise("2:4", 0.5)), float(pattern_noise("width", 0.25))
    (0.132447, 0.25)
    """
    if structure == "unstructured":
        return cut_noise(sparsity)
    if structure in _PATTERNS:
        return _PATTERNS[structure] + 0.0 * np.asarray(sparsity, dtype=np.float64)[()]
    return np.asarray(sparsity, dtype=np.float64)[()]
