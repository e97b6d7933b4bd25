"""Levels of training memory that no arithmetic gives: slack, context, scatter of tables."""

from __future__ import annotations

from functools import cache

import attrs

from paramscale.catalogue.tables import read_table
from paramscale.errors import UnknownNameError

__all__ = ["Level", "level"]


@attrs.frozen
class Level:
    """A level with its 90 % interval.

    Parameters
    ----------
    value, low, high : float
        Central value and the ends of its interval.
    source, note : str
        Where it is from.
    """

    value: float
    low: float
    high: float
    source: str
    note: str


@cache
def _levels() -> dict[str, Level]:
    return {
        row.text("key"): Level(
            row.number("value"), row.number("low"), row.number("high"),
            row.text("source"), row.text("note"),
        )
        for row in read_table("training_memory.csv")
    }  # fmt: skip


def level(name: str) -> Level:
    """Return a level of ``catalogue/data/training_memory.csv``.

    Examples
    --------
    >>> level("allocator_slack_fraction").value < 0.2
    True
    """
    found = _levels().get(name)
    if found is None:
        raise UnknownNameError("level of training memory", name, _levels())
    return found
