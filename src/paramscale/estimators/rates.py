"""Rates that the accounts share: what a joule, and a second of a device, stand for."""

from __future__ import annotations

from paramscale import quantities as q
from paramscale.core.estimator import estimator
from paramscale.core.reasons import Reason
from paramscale.specs.account import AccountSpec
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.site import SiteSpec
from paramscale.systems import rates
from paramscale.systems.rates import Rate

__all__ = ["boundary", "carbon", "electricity", "life", "making", "price", "rent", "water"]

_FACTS = "paramscale: catalogue/data/accounting.csv and site_figures.csv, each row with its source"
_PRICES = "paramscale: catalogue/data/prices.csv, each row with its source"


def _no_pue(site: SiteSpec, account: AccountSpec) -> list[Reason]:
    return rates.unknown_figures(site, "pue") if account.boundary == "facility" else []


def _no_intensity(site: SiteSpec, account: AccountSpec) -> list[Reason]:
    return rates.unknown_figures(site, rates.intensity_field(account))


def _no_water(site: SiteSpec, account: AccountSpec) -> list[Reason]:
    return rates.unknown_figures(site, "water_l_per_kwh", "grid_water_l_per_kwh")


def _no_electricity(site: SiteSpec) -> list[Reason]:
    return rates.unknown_figures(site, "electricity_usd_per_kwh")


@estimator(gives=q.ENERGY_BOUNDARY, source=_FACTS, refusals=_no_pue)
def boundary(site: SiteSpec, account: AccountSpec) -> Rate:
    """Energy inside the boundary over that of the accelerators at work."""
    return rates.energy_boundary(site, account)


@estimator(gives=q.CARBON_RATE, source=_FACTS, refusals=_no_intensity)
def carbon(site: SiteSpec, account: AccountSpec) -> Rate:
    """Greenhouse gas of a joule that is drawn, by location or by market."""
    return rates.carbon_rate(site, account)


@estimator(gives=q.WATER_RATE, source=_FACTS, refusals=_no_water)
def water(site: SiteSpec, account: AccountSpec) -> Rate:
    """Water of a joule of the accelerators, on site and for the electricity."""
    return rates.water_rate(site, account)


@estimator(gives=q.ELECTRICITY_RATE, source=_FACTS, refusals=_no_electricity)
def electricity(site: SiteSpec) -> Rate:
    """Price of a joule that is drawn."""
    return rates.electricity_rate(site)


@estimator(gives=q.MAKING_RATE, source=_FACTS)
def making(account: AccountSpec, hardware: HardwareSpec) -> Rate:
    """Making of a device and its part of a server for each second of its work."""
    return rates.making_rate(account, hardware)


@estimator(gives=q.RENT_RATE, source=_PRICES)
def rent(site: SiteSpec, account: AccountSpec, hardware: HardwareSpec) -> Rate:
    """Rent of a device for a second: the site's own, else the latest of the price list."""
    return rates.rent_rate(site, account, hardware)


@estimator(gives=q.PURCHASE_PRICE, source=_PRICES)
def price(site: SiteSpec, account: AccountSpec, hardware: HardwareSpec) -> Rate:
    """Price of a device with its part of server and network."""
    return rates.purchase_price(site, account, hardware)


@estimator(gives=q.WORKING_LIFE, source=_FACTS)
def life(account: AccountSpec) -> Rate:
    """Seconds of work over which a device is written off."""
    return rates.working_life(account)
