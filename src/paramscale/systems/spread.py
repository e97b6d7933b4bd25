"""Arithmetic with intervals: products and sums of independent figures.

A product's relative width is the root of the summed squares of those of its factors, each taken
as the logarithm of value over end; a sum's width that of its terms. Ends of both sides are kept
apart. A figure known exactly adds nothing, one without a known interval makes the result's unknown.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from paramscale.core.interval import Interval, ends_wanted
from paramscale.typing import Floats

__all__ = ["Factor", "exactly", "factor", "inverse", "plus", "times"]

_NONE = np.float64(0.0)


class Factor(NamedTuple):
    """A value, and the squared logarithms of how far its ends lie below and above."""

    value: Floats
    down: Floats
    up: Floats

    def __mul__(self, other: Any) -> Factor:
        if isinstance(other, Factor):
            return Factor(self.value * other.value, self.down + other.down, self.up + other.up)
        return Factor(self.value * other, self.down, self.up)


def exactly(value: Floats) -> Factor:
    """Return a factor that is known exactly."""
    return Factor(value, _NONE, _NONE)


def factor(known: Interval) -> Factor:
    """Return an interval as a factor.

    Examples
    --------
    >>> factor(Interval(np.float64(2.0), np.float64(1.0), np.float64(2.0))).up
    np.float64(0.0)
    """
    value, low, high = known
    if (low is value and high is value) or not ends_wanted():
        return Factor(value, _NONE, _NONE)
    return Factor(value, _squared_log(value, low), _squared_log(high, value))


def inverse(divisor: Factor) -> Factor:
    """Return one over a factor; its ends change places, NaN where it is 0.

    Examples
    --------
    >>> inverse(Factor(np.float64(2.0), np.float64(0.1), np.float64(0.4))).down
    np.float64(0.4)
    """
    value = divisor.value
    if type(value) is np.float64 and value > 0.0:
        return Factor(1.0 / value, divisor.up, divisor.down)
    return Factor((1.0 / np.where(value > 0.0, value, np.nan))[()], divisor.up, divisor.down)


def _squared_log(above: Floats, below: Floats) -> Floats:
    """Return ln(above / below) squared; equal ones, also both zero, differ by nothing."""
    if type(above) is np.float64 and type(below) is np.float64:
        if above == below:
            return _NONE
        if below > 0.0:
            return np.float64(math.log(above / below) ** 2)  # a tenth of the time of arrays
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(np.where(above == below, 1.0, above / below))
    squared: Floats = (found * found)[()]
    return squared


def times(first: Interval, *others: Factor) -> Interval:
    """Return the product of an interval and factors.

    Examples
    --------
    Two factors known to within 2 give a product known to within 2^sqrt(2) = 2.67.

    >>> two = Interval(np.float64(1.0), np.float64(0.5), np.float64(2.0))
    >>> times(two, factor(two)).high.round(2)
    np.float64(2.67)
    """
    value, down, up = factor(first)
    for other in others:
        value = value * other.value
        down = down + other.down
        up = up + other.up
    if type(down) is np.float64 and type(up) is np.float64:
        if down == 0.0 and up == 0.0:
            return Interval(value, value, value)
        return Interval(value, value * math.exp(-math.sqrt(down)), value * math.exp(math.sqrt(up)))
    return Interval(value, value * np.exp(-np.sqrt(down)), value * np.exp(np.sqrt(up)))


def plus(*terms: Interval) -> Interval:
    """Return the sum of independent intervals.

    Examples
    --------
    >>> plus(Interval(3.0, 0.0, 3.0), Interval(4.0, 0.0, 4.0)).low
    np.float64(2.0)
    """
    value: Floats = _NONE
    below: Floats = _NONE
    above: Floats = _NONE
    for term in terms:
        value = value + term.value
        below = below + (term.value - term.low) ** 2
        above = above + (term.high - term.value) ** 2
    if type(below) is np.float64 and type(above) is np.float64:
        return Interval(value, value - math.sqrt(below), value + math.sqrt(above))
    return Interval(value, value - np.sqrt(below), value + np.sqrt(above))
