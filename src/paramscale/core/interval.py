"""A value with the ends of its 90 % interval."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from paramscale.typing import Floats

__all__ = ["Z90", "Interval", "ends_wanted", "without_ends"]

#: Half width of a 90 % interval in standard deviations.
Z90 = 1.6448536269514722

_ENDS: ContextVar[bool] = ContextVar("paramscale ends of intervals", default=True)


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


def ends_wanted() -> bool:
    """Return whether anybody asks for the ends; where not, an estimator may give the value twice.

    Whoever computes ends at some cost on large arrays asks this first.
    """
    return _ENDS.get()


@contextmanager
def without_ends() -> Iterator[None]:
    """Let estimators leave out the ends of intervals, as a sweep for values alone does.

    Examples
    --------
    >>> with without_ends():
    ...     ends_wanted()
    False
    """
    token = _ENDS.set(False)
    try:
        yield
    finally:
        _ENDS.reset(token)
