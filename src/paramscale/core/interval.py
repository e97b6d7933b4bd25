"""A value with the ends of its 90 % interval."""

from __future__ import annotations

from typing import NamedTuple

from paramscale.typing import Floats

__all__ = ["Interval"]


class Interval(NamedTuple):
    """A value with the ends of its 90 % interval.

    It is what an estimator returns if it knows them. An estimator that takes a quantity annotated
    with this class is handed its value *with* the ends, so that it can carry them on: both equal
    to the value where that is exact or given, NaN where no interval is known.

    Examples
    --------
    >>> Interval(2.0, 1.0, 4.0).high
    4.0
    """

    value: Floats
    low: Floats
    high: Floats
