"""``prices``: what an hour of a device, or the device itself, was offered for, by date.

``prices["h100-sxm on-demand"]`` is the latest, ``prices["h100-sxm purchase@2023"]`` of a year.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import attrs
import numpy as np

from paramscale.catalogue.accounting import account_fact
from paramscale.catalogue.hardware import hardware
from paramscale.catalogue.tables import Catalogue, read_table
from paramscale.core.interval import Interval
from paramscale.errors import UnknownNameError

__all__ = ["Price", "key_of", "price_of", "prices"]


@attrs.frozen(eq=False)
class Price:
    """The median of the offers that were seen in a year, with the least and the greatest.

    Parameters
    ----------
    device : str
        Key of the machine.
    kind : str
        ``"on-demand"``, ``"spot"``, ``"1-year commit"``, ``"3-year commit"`` [USD per hour], or
        ``"purchase"`` [USD].
    year : str
    usd, low, high : float
        Where a single offer was seen, the ends are a usual spread around it.
    seen : int
        Number of offers.
    source : str
    """

    device: str
    kind: str
    year: str
    usd: float
    low: float
    high: float
    seen: int
    source: str

    @property
    def interval(self) -> Interval:
        """The price with its ends."""
        return Interval(*map(np.float64, (self.usd, self.low, self.high)))


def _rows() -> Iterator[tuple[str, tuple[str, ...], Price]]:
    """Yield each price under its year; the last year of each also without it."""
    latest: dict[str, Price] = {}
    spread = account_fact("price_spread_ratio").value
    for row in read_table("prices.csv"):
        usd, low, high = (row.number(name) for name in ("value", "low", "high"))
        if low == high:
            low, high = usd / spread, usd * spread
        name = f"{row.text('key')} {row.text('kind')}"
        latest[name] = Price(
            row.text("key"), row.text("kind"), row.text("year"), usd, low, high,
            row.whole("seen"), row.text("source"),
        )  # fmt: skip
        yield f"{name}@{row.text('year')}", (), latest[name]
    yield from ((name, (), price) for name, price in latest.items())


#: Prices by device and kind, for example ``prices["h100-sxm on-demand"]``; rows run by year.
prices: Catalogue[Price] = Catalogue("price", Price, _rows)


@lru_cache(maxsize=1)
def _keys() -> dict[str, str]:
    return {machine.name: key for key, machine in hardware.items()}


def key_of(name: str) -> str:
    """Return the key of the machine that bears a name, or the name itself.

    Examples
    --------
    >>> key_of("NVIDIA H100 80GB SXM")
    'h100-sxm'
    """
    return _keys().get(name, name)


@lru_cache(maxsize=256)
def price_of(name: str, kind: str, year: str = "") -> Price | str:
    """Return the price of a machine, or the text of an error that there is none.

    Parameters
    ----------
    name : str
        As the machine's spec bears it.
    kind : str
        As in `Price`.
    year : str
        The nearest year that has a price counts; without one the latest.

    Examples
    --------
    >>> price_of("NVIDIA H100 80GB SXM", "on-demand").year
    '2026'
    >>> price_of("NVIDIA H100 80GB SXM", "purchase", "2023").usd
    33750.0
    """
    key = f"{key_of(name)} {kind}"
    if key in prices:
        if not year:
            return prices[key]
        dated = [each for each in prices if each.startswith(f"{key}@")]
        return prices[min(dated, key=lambda each: abs(int(each[-4:]) - int(year)))]
    same = [each for each in prices if each.endswith(f" {kind}")]
    return UnknownNameError("price", key, same).text
