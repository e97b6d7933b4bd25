"""Where an axis of a plot has its marks: round numbers, few enough to be read."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["linear_ticks", "log_ticks"]

Array = npt.NDArray[np.float64]

_ROUND = (1.0, 2.0, 5.0)


def linear_ticks(low: float, high: float, most: int = 5) -> Array:
    """Return round numbers from `low` to `high`, at most `most` of them.

    Examples
    --------
    >>> linear_ticks(0.0, 0.87)
    array([0. , 0.2, 0.4, 0.6, 0.8])
    """
    span = high - low
    if not span > 0.0:
        return np.array([low])
    power = 10.0 ** math.floor(math.log10(span / most))
    steps = (step * scale for scale in (power, 10.0 * power) for step in _ROUND)
    step = next(each for each in steps if math.floor(high / each) - math.ceil(low / each) < most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return np.round(np.arange(first, last + 1) * step, 2 - math.floor(math.log10(step)))


def log_ticks(low: float, high: float, most: int = 6) -> Array:
    """Return powers of ten from `low` to `high`; over less than two decades 1, 2 and 5 of each.

    Examples
    --------
    >>> log_ticks(1e8, 1e12), log_ticks(0.8, 13.0)
    (array([1.e+08, 1.e+09, 1.e+10, 1.e+11, 1.e+12]), array([ 1.,  2.,  5., 10.]))
    """
    ends = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = [10.0**power for power in range(ends[0], ends[1] + 1)]
    inside = [tick for tick in decades if low * 0.999 <= tick <= high * 1.001]
    if len(inside) > most:
        inside = inside[:: -(-len(inside) // most)]
    if len(inside) >= 3:
        return np.array(inside)
    finer = [step * tick for tick in decades for step in _ROUND]
    found = [tick for tick in finer if low * 0.999 <= tick <= high * 1.001]
    return np.array(found) if len(found) >= 2 else linear_ticks(low, high)
