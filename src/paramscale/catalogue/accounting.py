"""Facts of accounts: what servers add to accelerators, how long they last, what making them costs.

The rows of ``data/accounting.csv``; those whose key has a ``:`` behind a figure's name are the
measurements behind it, or values that somebody else used.
"""

from __future__ import annotations

from functools import cache

import attrs
import numpy as np

from paramscale.catalogue.tables import read_table
from paramscale.core.interval import Interval

__all__ = ["AccountFact", "account_fact", "account_facts", "account_interval", "making_of"]


@attrs.frozen(eq=False)
class AccountFact:
    """One row: a value with its range, and where it was read."""

    key: str
    meaning: str
    value: float
    low: float
    high: float
    unit: str
    year: str
    source: str
    note: str

    @property
    def interval(self) -> Interval:
        """The value with its ends; both are the value where no range is known."""
        ends = (self.value, self.value) if np.isnan(self.low) else (self.low, self.high)
        return Interval(*map(np.float64, (self.value, *ends)))


@cache
def account_facts() -> dict[str, AccountFact]:
    """Return all rows by key."""
    return {
        row.text("key"): AccountFact(
            row.text("key"), row.text("meaning"), row.number("value"), row.number("low"),
            row.number("high"), row.text("unit"), row.text("year"), row.text("source"),
            row.text("note"),
        )
        for row in read_table("accounting.csv")
    }  # fmt: skip


def account_fact(key: str) -> AccountFact:
    """Return one row.

    Examples
    --------
    >>> account_fact("device_life_years").value
    5.0
    """
    return account_facts()[key]


@cache
def account_interval(key: str) -> Interval:
    """Return the figure of one row with its range."""
    return account_fact(key).interval


def making_of(device: str) -> AccountFact:
    """Return the row about making a device, else that of accelerators in general.

    Parameters
    ----------
    device : str
        Its key among the machines; an unknown one is an accelerator in general.

    Examples
    --------
    >>> making_of("h100-sxm").value, making_of("mine").key
    (211.6, 'embodied:accelerator')
    """
    facts = account_facts()
    return facts.get(f"embodied:{device}") or facts["embodied:accelerator"]
