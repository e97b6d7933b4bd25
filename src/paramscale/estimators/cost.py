"""Money: devices rented by the hour, or bought and fed with electricity; when buying pays.

Rent is counted unless somebody says otherwise: ``use={"training_cost_usd": "purchase",
"cost_per_token_usd": "purchase"}``. Which rent, on demand or under contract, is
``account=ps.AccountSpec(tenure=...)``; electricity is in the rent.
"""

from __future__ import annotations

import numpy as np

from paramscale import quantities as q
from paramscale.core.estimator import Interval, estimator
from paramscale.specs.account import AccountSpec
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.demand import served_tokens
from paramscale.systems.rates import Rate, device_life
from paramscale.systems.spread import Factor, exactly, factor, inverse, plus, times
from paramscale.typing import Floats

__all__ = [
    "bought_token",
    "bought_training",
    "break_even",
    "break_even_use",
    "deployment",
    "lifetime",
    "rented_token",
    "rented_training",
]

_RENT = "device-hours x rent of the price list (catalogue/data/prices.csv)"
_BUY = (
    "Cottier et al. 2024, arXiv:2405.21015: hardware written off over its work, plus electricity;"
    " here in equal parts a second"
)
_ONE = np.float64(1.0)
_LIFE = ("serving.requests_per_day", "serving.deployment_days")


@estimator(gives=q.TRAINING_COST_USD, source=_RENT, name="rent")
def rented_training(training_device_s: Interval, rent_rate: Rate, account: AccountSpec) -> Interval:
    """Cost of training on rented devices: their time x their rent x all runs."""
    return times(training_device_s, rent_rate.factor, exactly(account.development_ratio))


def _write_off(price: Rate, life: Rate, account: AccountSpec) -> Factor:
    """Return the price of a device for a second of its work; idle ones were bought too."""
    return price.factor * inverse(life.factor) * (1.0 + account.idle_ratio)


def _bought_parts(
    training_device_s: Floats,
    training_energy_j: Floats,
    purchase_price: Rate,
    working_life: Rate,
    electricity_rate: Rate,
    account: AccountSpec,
) -> dict[str, Floats]:
    spent = _write_off(purchase_price, working_life, account).value
    return {
        "devices, servers, network": training_device_s * account.development_ratio * spent,
        "electricity": training_energy_j * electricity_rate.factor.value,
    }


@estimator(gives=q.TRAINING_COST_USD, source=_BUY, name="purchase", rank=1, parts=_bought_parts)
def bought_training(
    training_device_s: Interval,
    training_energy_j: Interval,
    purchase_price: Rate,
    working_life: Rate,
    electricity_rate: Rate,
    energy_boundary: Rate,
    account: AccountSpec,
) -> Interval:
    """Cost of training on bought devices: price over working life x time, plus electricity."""
    spent = _write_off(purchase_price, working_life, account)
    return plus(
        times(training_device_s, spent, exactly(account.development_ratio)),
        times(training_energy_j, electricity_rate.factor),
    )


@estimator(gives=q.COST_PER_TOKEN_USD, source=_RENT, name="rent")
def rented_token(
    throughput_tokens_per_s: Interval, rent_rate: Rate, parallel: ParallelSpec
) -> Interval:
    """Cost of an output token on rented devices: rent of all of them over tokens in a second."""
    assert parallel.devices is not None  # filled in by the spec
    slowness = inverse(factor(throughput_tokens_per_s))
    return times(Interval(*[parallel.devices] * 3), slowness, rent_rate.factor)


@estimator(gives=q.COST_PER_TOKEN_USD, source=_BUY, name="purchase", rank=1)
def bought_token(
    throughput_tokens_per_s: Interval,
    energy_per_token_j: Interval,
    purchase_price: Rate,
    working_life: Rate,
    electricity_rate: Rate,
    energy_boundary: Rate,
    account: AccountSpec,
    parallel: ParallelSpec,
) -> Interval:
    """Cost of an output token on bought devices: price over working life, plus electricity."""
    assert parallel.devices is not None
    slowness = inverse(factor(throughput_tokens_per_s))
    spent = _write_off(purchase_price, working_life, account)
    return plus(
        times(Interval(*[parallel.devices] * 3), slowness, spent),
        times(energy_per_token_j, electricity_rate.factor),
    )


@estimator(gives=q.DEPLOYMENT_COST_USD, source=_RENT, name="account", needs=_LIFE)
def deployment(cost_per_token_usd: Interval, serving: ServingSpec) -> Interval:
    """Cost of all output tokens of the model's days in service."""
    return times(cost_per_token_usd, exactly(served_tokens(serving)))


@estimator(
    gives=q.LIFETIME_COST_USD, source=_RENT, name="account",
    parts=lambda training_cost_usd, deployment_cost_usd: {
        "training": training_cost_usd, "service": deployment_cost_usd
    },
)  # fmt: skip
def lifetime(training_cost_usd: Interval, deployment_cost_usd: Interval) -> Interval:
    """Cost of training and of the model's days in service."""
    return plus(training_cost_usd, deployment_cost_usd)


@estimator(gives=q.BREAK_EVEN_DEVICE_S, source=_BUY, name="account")
def break_even(
    purchase_price: Rate,
    rent_rate: Rate,
    electricity_rate: Rate,
    energy_boundary: Rate,
    hardware: HardwareSpec,
) -> Interval:
    """Time of work from which a bought device is cheaper: price / (rent - electricity).

    Electricity is that of the power limit, so that buying is not flattered. Infinite where the
    electricity alone costs more than the rent.
    """
    draw = hardware.power_limit_w
    fed = draw * energy_boundary.factor.value * electricity_rate.factor.value
    rent = times(Interval(*[_ONE] * 3), rent_rate.factor)
    value, most, least = (_paid_back(purchase_price.factor.value, each, fed) for each in rent)
    return times(Interval(value, least, most), Factor(_ONE, *purchase_price.factor[1:]))


def _paid_back(price: Floats, rent: Floats, fed: Floats) -> Floats:
    """Return the time after which what is saved equals the price; infinite where nothing is."""
    saved = rent - fed
    with np.errstate(divide="ignore", invalid="ignore"):
        return (price / np.where(saved > 0.0, saved, 0.0))[()]


@estimator(gives=q.BREAK_EVEN_USE_FRACTION, source=_BUY, name="account")
def break_even_use(
    break_even_device_s: Interval, working_life: Rate, account: AccountSpec
) -> Interval:
    """Share of its life that a device must work until it is cheaper than a rented one."""
    return times(break_even_device_s, inverse(device_life(account)))
