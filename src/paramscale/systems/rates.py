"""What a joule and a second of a device stand for: boundaries, intensities, prices.

Each rate is worked out once for a site, an account and a machine, and shared by all quantities
that need it. It carries its interval, and says in words what it counts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs
import numpy as np

from paramscale.catalogue.accounting import account_fact, account_interval, making_of
from paramscale.catalogue.prices import Price, key_of, price_of
from paramscale.core.interval import Interval
from paramscale.core.reasons import Reason
from paramscale.errors import MissingInputError
from paramscale.specs.account import AccountSpec
from paramscale.specs.facts import interval_of
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.site import SiteSpec
from paramscale.systems.spread import Factor, exactly, factor, inverse, plus, times
from paramscale.typing import Floats
from paramscale.units import format_value

__all__ = [
    "HOUR",
    "KWH",
    "YEAR",
    "Rate",
    "carbon_rate",
    "device_life",
    "electricity_rate",
    "energy_boundary",
    "intensity_field",
    "making_rate",
    "purchase_price",
    "rent_rate",
    "unknown_figures",
    "water_rate",
    "working_life",
]

KWH = 3.6e6  # J
HOUR = 3600.0  # s
YEAR = 31_557_600.0  # s, of 365.25 days

_CHOICES = {
    "pue": "account=ps.AccountSpec(boundary='server')",
    "market_kgco2e_per_kwh": "account=ps.AccountSpec(carbon_basis='location')",
}


@attrs.frozen(eq=False)
class Rate:
    """A factor and what it counts; words are made when somebody reads them.

    Parameters
    ----------
    factor : Factor
        What is multiplied with.
    tell : callable
        Returns what is inside the boundary, in one line.
    figures : callable
        Returns a line for each figure behind it, with its range, date and source.
    """

    factor: Factor
    tell: Callable[[], str] = attrs.field(repr=False)
    figures: Callable[[], tuple[str, ...]] = attrs.field(repr=False)

    @property
    def boundary_in_words(self) -> tuple[str, ...]:
        """What is inside the boundary."""
        return (self.tell(),)

    @property
    def figures_in_words(self) -> tuple[str, ...]:
        """The figures behind it."""
        return self.figures()


def _of_site(site: SiteSpec, name: str) -> Interval:
    """Return a figure of the site; where nothing is known of it, say how to give it."""
    value = getattr(site, name)
    if np.ndim(value) == 0 and np.isnan(value):
        raise MissingInputError(_lack(site, name))
    return interval_of(site, name)


def _lack(site: SiteSpec, name: str) -> str:
    doc = next(each.metadata["doc"] for each in attrs.fields(SiteSpec) if each.name == name)
    other = f"; or {_CHOICES[name]}" if name in _CHOICES else ""
    return (
        f"the site {site.name!r} has no {name} ({doc}). Write site=attrs.evolve(site, {name}=...),"
        f" or ps.SiteSpec({name}=..., ...), or name a place that has it ('paramscale list sites')"
        f"{other}"
    )


def unknown_figures(site: SiteSpec, *names: str) -> list[Reason]:
    """Return where a grid of sites lacks some figures, and how to give them."""
    values = [(name, getattr(site, name)) for name in names]
    return [Reason(np.isnan(value), _lack(site, name)) for name, value in values if np.ndim(value)]


def _of_account(account: AccountSpec, name: str, key: str = "") -> Interval:
    """Return a figure of the account, or where it is left open the catalogue's."""
    value = getattr(account, name)
    if np.ndim(value) == 0 and np.isnan(value):
        return account_interval(key or name)
    return interval_of(account, name)


def energy_boundary(site: SiteSpec, account: AccountSpec) -> Rate:
    """Return energy inside the boundary over that of the accelerators at work.

    E = E_chip x (server over chips) x (1 + idle over active) x PUE, the last two factors of a
    boundary only where it reaches so far. PUE enters here and nowhere else.
    """
    found = exactly(1.0 + account.idle_ratio)
    if account.boundary != "chip":
        found = factor(_of_account(account, "server_overhead_ratio")) * found
    if account.boundary == "facility":
        found = found * factor(_of_site(site, "pue"))

    def figures() -> tuple[str, ...]:
        lines = []
        if account.boundary != "chip":
            lines.append(_account_line(account, "server_overhead_ratio"))
        if account.boundary == "facility":
            lines.append(_site_line(site, "pue"))
        return tuple(lines)

    return Rate(found, lambda: _boundary_words(site, account), figures)


def _boundary_words(site: SiteSpec, account: AccountSpec) -> str:
    words = ["accelerators"]
    if account.boundary != "chip":
        overhead = _of_account(account, "server_overhead_ratio").value
        words.append(f"x {_plain(overhead)} for their servers")
    if account.boundary == "facility":
        words.append(f"x PUE {_plain(site.pue)} of {site.name!r}")
    ready = "machines at work only"
    if np.any(account.idle_ratio > 0.0):
        ready = f"+ {_percent(account.idle_ratio)} for idle machines"
    runs = "of training the final run only"
    if np.any(account.development_ratio > 1.0):
        runs = f"of training x {_plain(account.development_ratio)} for all runs of development"
    return f"{account.boundary}: {' '.join(words)}; {ready}; {runs}"


def intensity_field(account: AccountSpec) -> str:
    """Return the field of the site that holds the intensity which an account counts."""
    return f"{'market' if account.carbon_basis == 'market' else 'grid'}_kgco2e_per_kwh"


def carbon_rate(site: SiteSpec, account: AccountSpec) -> Rate:
    """Return the greenhouse gas of a joule drawn [kg CO2e / J]."""
    field = intensity_field(account)
    found = factor(_of_site(site, field)) * (1.0 / KWH)
    return Rate(
        found,
        lambda: (
            f"{account.carbon_basis}-based, {_plain(getattr(site, field))} kgCO2e/kWh of "
            f"{site.name!r}; operational: electricity in use"
        ),
        lambda: (_site_line(site, field),),
    )


def water_rate(site: SiteSpec, account: AccountSpec) -> Rate:
    """Return water of a joule of the accelerators at work [L / J].

    W = E_it (WUE + PUE x water of the grid), with E_it of the machines, without PUE: on site it is
    used per kWh of the machines, and only the electricity carries what the site draws beside them.
    """
    here, drawn = _of_site(site, "water_l_per_kwh"), _of_site(site, "grid_water_l_per_kwh")
    if account.boundary == "facility":
        drawn = times(drawn, factor(_of_site(site, "pue")))
    found = factor(plus(here, drawn)) * ((1.0 + account.idle_ratio) / KWH)
    if account.boundary != "chip":
        found = found * factor(_of_account(account, "server_overhead_ratio"))
    names = ("water_l_per_kwh", "grid_water_l_per_kwh")
    return Rate(
        found,
        lambda: (
            f"water on site {_plain(site.water_l_per_kwh)} L/kWh of the machines, and of the "
            f"grid {_plain(site.grid_water_l_per_kwh)} L/kWh drawn"
        ),
        lambda: tuple(_site_line(site, name) for name in names),
    )


def electricity_rate(site: SiteSpec) -> Rate:
    """Return the price of a joule drawn [USD / J]."""
    name = "electricity_usd_per_kwh"
    found = factor(_of_site(site, name)) * (1.0 / KWH)
    return Rate(
        found,
        lambda: f"electricity at {_plain(site.electricity_usd_per_kwh)} USD/kWh",
        lambda: (_site_line(site, name),),
    )


def rent_rate(site: SiteSpec, account: AccountSpec, hardware: HardwareSpec) -> Rate:
    """Return the rent of a device [USD / s], idle ones that are kept ready included."""
    more = (1.0 + account.idle_ratio) / HOUR
    given = site.device_usd_per_hour
    if np.ndim(given) or not np.isnan(given):
        return Rate(
            factor(interval_of(site, "device_usd_per_hour")) * more,
            lambda: f"devices rented at {_plain(given)} USD/h",
            lambda: (_site_line(site, "device_usd_per_hour"),),
        )
    price = price_of(hardware.name, account.tenure, account.price_year)
    if isinstance(price, str):
        raise MissingInputError(
            f"{price}. Write site=ps.SiteSpec(device_usd_per_hour=...) for a price of your own"
        )
    return Rate(
        factor(price.interval) * more,
        lambda: f"devices rented {price.kind} at {price.usd:.4g} USD/h, prices of {price.year}",
        lambda: (_price_line(price),),
    )


def purchase_price(site: SiteSpec, account: AccountSpec, hardware: HardwareSpec) -> Rate:
    """Return the price of a device with its part of server and network [USD].

    The site's own, else the latest of the list, else that of the machine's release.
    """
    known = interval_of(site, "device_usd")
    told = partial(_site_line, site, "device_usd")
    if np.ndim(known.value) == 0 and np.isnan(known.value):
        price = price_of(hardware.name, "purchase", account.price_year)
        if not isinstance(price, str):
            known, told = price.interval, partial(_price_line, price)
        elif np.all(np.isnan(hardware.release_price_usd)):
            raise MissingInputError(f"{price}. Write site=ps.SiteSpec(device_usd=...)")
        else:
            known = Interval(*[hardware.release_price_usd] * 3)
            told = partial(_release_line, known, hardware.source)
    overhead = _of_account(account, "purchase_overhead_ratio")
    return Rate(
        factor(known) * factor(overhead),
        lambda: (
            f"devices bought at {_plain(known.value)} USD x {_plain(overhead.value)} for "
            "server and network"
        ),
        lambda: (told(), _account_line(account, "purchase_overhead_ratio")),
    )


def device_life(account: AccountSpec) -> Factor:
    """Return the time for which a device is kept [s]."""
    return factor(_of_account(account, "device_life_years")) * YEAR


def working_life(account: AccountSpec) -> Rate:
    """Return the seconds of work over which price and making of a device are spread."""
    use = _of_account(account, "device_use_fraction")
    return Rate(
        device_life(account) * factor(use), lambda: _life_words(account),
        lambda: tuple(_account_line(account, name) for name in _LIFE),
    )  # fmt: skip


_LIFE = ("device_life_years", "device_use_fraction")


def _life_words(account: AccountSpec) -> str:
    years, use = (_of_account(account, name).value for name in _LIFE)
    return f"spread over {_plain(years)} years, {_percent(use)} of them at work"


def making_rate(account: AccountSpec, hardware: HardwareSpec) -> Rate:
    """Return the making of the devices that a second of work stands for [kg CO2e / s].

    (device + its part of the server) / (life x share of it at work); inside the boundary
    ``"chip"`` the device alone.
    """
    fact = making_of(key_of(hardware.name))
    device = _of_account(account, "device_kgco2e", fact.key)
    terms, words = [device], f"embodied: {_plain(device.value)} kgCO2e a device"
    if account.boundary != "chip":
        server = _of_account(account, "server_kgco2e", "embodied:server")
        terms.append(server)
        words += f" + {_plain(server.value)} of its server"
    life = working_life(account)
    found = factor(plus(*terms)) * inverse(life.factor) * (1.0 + account.idle_ratio)

    def figures() -> tuple[str, ...]:
        lines = [_account_line(account, "device_kgco2e", fact.key)]
        if account.boundary != "chip":
            lines.append(_account_line(account, "server_kgco2e", "embodied:server"))
        return (*lines, *life.figures())

    return Rate(found, lambda: f"{words}, {life.tell()}", figures)


def _site_line(site: SiteSpec, name: str) -> str:
    """Return a figure of a site with its range, date and source."""
    fact = site.facts.get(name)
    told = ("given by the caller",) if fact is None else (fact.date, fact.basis, fact.source)
    return f"{name} {_range(interval_of(site, name))}: {', '.join(filter(None, told))}"


def _account_line(account: AccountSpec, name: str, key: str = "") -> str:
    """Return a figure of an account with its range and source."""
    value = getattr(account, name)
    if np.ndim(value) or not np.isnan(value):
        return f"{name} {_range(interval_of(account, name))}: given by the caller"
    fact = account_fact(key or name)
    return f"{name} {_range(fact.interval)}: {fact.source}"


def _price_line(price: Price) -> str:
    offers = f"{price.seen} offer{'s' if price.seen > 1 else ''} seen in {price.year}"
    return f"{price.device} {price.kind} {_range(price.interval)} USD: {offers}; {price.source}"


def _release_line(known: Interval, source: str) -> str:
    return f"release_price_usd {_range(known)}: {source}"


def _range(known: Interval) -> str:
    """Return a number, or its array's ends, with its interval where it has one."""
    if known.low is known.value or np.array_equal(known.low, known.high):
        return _plain(known.value)
    return f"{_plain(known.value)} ({_plain(known.low)} to {_plain(known.high)})"


def _plain(value: Floats) -> str:
    return format_value(value) if np.ndim(value) else f"{float(value):.4g}"


def _percent(value: Floats) -> str:
    return format_value(value, "fraction")
