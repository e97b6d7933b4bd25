"""Greenhouse gas: of the electricity in use (operational), and of making the devices (embodied).

What counts is the electricity unless somebody says otherwise:
``use={"training_carbon_kgco2e": "with_embodied"}``, ``use={"carbon_per_token_kgco2e":
"with_embodied"}``. Location or market is ``account=ps.AccountSpec(carbon_basis=...)``.
"""

from __future__ import annotations

from paramscale import quantities as q
from paramscale.core.estimator import Interval, estimator
from paramscale.specs.account import AccountSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.demand import served_tokens
from paramscale.systems.rates import Rate
from paramscale.systems.spread import exactly, factor, inverse, plus, times

__all__ = [
    "deployment",
    "embodied",
    "embodied_token",
    "for_served_token",
    "operational",
    "operational_token",
    "with_embodied",
    "with_embodied_token",
]

_SCOPE_2 = "GHG Protocol Scope 2 Guidance 2015: location-based and market-based intensity"
_MAKING = "Luccioni et al. 2022, arXiv:2211.02001, section 4.1: making / (life x use) x time"
_BOTH = (_SCOPE_2, _MAKING)
_LIFE = ("serving.requests_per_day", "serving.deployment_days")


@estimator(gives=q.TRAINING_CARBON_KGCO2E, source=_SCOPE_2)
def operational(training_energy_j: Interval, carbon_rate: Rate, energy_boundary: Rate) -> Interval:
    """Greenhouse gas of the electricity of training: energy x intensity."""
    return times(training_energy_j, carbon_rate.factor)


@estimator(
    gives=q.TRAINING_CARBON_KGCO2E, source=_BOTH, name="with_embodied", rank=1,
    parts=lambda training_energy_j, carbon_rate, embodied_carbon_kgco2e: {
        "electricity": training_energy_j * carbon_rate.factor.value,
        "making of devices": embodied_carbon_kgco2e,
    },
)  # fmt: skip
def with_embodied(
    training_energy_j: Interval,
    carbon_rate: Rate,
    embodied_carbon_kgco2e: Interval,
    energy_boundary: Rate,
    making_rate: Rate,
) -> Interval:
    """Greenhouse gas of the electricity of training and of making its devices."""
    return plus(times(training_energy_j, carbon_rate.factor), embodied_carbon_kgco2e)


@estimator(gives=q.EMBODIED_CARBON_KGCO2E, source=_MAKING, name="account")
def embodied(training_device_s: Interval, making_rate: Rate, account: AccountSpec) -> Interval:
    """Making of the devices, spread over the work of their life, for the time of the run."""
    return times(training_device_s, making_rate.factor, exactly(account.development_ratio))


@estimator(gives=q.CARBON_PER_TOKEN_KGCO2E, source=_SCOPE_2, name="operational")
def operational_token(
    energy_per_token_j: Interval, carbon_rate: Rate, energy_boundary: Rate
) -> Interval:
    """Greenhouse gas of the electricity for an output token: energy x intensity."""
    return times(energy_per_token_j, carbon_rate.factor)


@estimator(
    gives=q.CARBON_PER_TOKEN_KGCO2E, source=_BOTH, name="with_embodied", rank=1,
    parts=lambda energy_per_token_j, carbon_rate, embodied_carbon_per_token_kgco2e: {
        "electricity": energy_per_token_j * carbon_rate.factor.value,
        "making of devices": embodied_carbon_per_token_kgco2e,
    },
)  # fmt: skip
def with_embodied_token(
    energy_per_token_j: Interval,
    carbon_rate: Rate,
    embodied_carbon_per_token_kgco2e: Interval,
    energy_boundary: Rate,
    making_rate: Rate,
) -> Interval:
    """Greenhouse gas of the electricity for an output token and of making the devices."""
    return plus(times(energy_per_token_j, carbon_rate.factor), embodied_carbon_per_token_kgco2e)


@estimator(gives=q.EMBODIED_CARBON_PER_TOKEN_KGCO2E, source=_MAKING, name="account")
def embodied_token(
    throughput_tokens_per_s: Interval, making_rate: Rate, parallel: ParallelSpec
) -> Interval:
    """Making of the devices for the time of all of them that an output token takes."""
    assert parallel.devices is not None  # filled in by the spec
    slowness = inverse(factor(throughput_tokens_per_s))
    return times(Interval(*[parallel.devices] * 3), slowness, making_rate.factor)


@estimator(gives=q.DEPLOYMENT_CARBON_KGCO2E, source=_SCOPE_2, name="account", needs=_LIFE)
def deployment(carbon_per_token_kgco2e: Interval, serving: ServingSpec) -> Interval:
    """Greenhouse gas of all output tokens of the model's days in service."""
    return times(carbon_per_token_kgco2e, exactly(served_tokens(serving)))


@estimator(
    gives=q.SERVED_TRAINING_CARBON_PER_TOKEN_KGCO2E, source=_SCOPE_2, name="account", needs=_LIFE
)
def for_served_token(training_carbon_kgco2e: Interval, serving: ServingSpec) -> Interval:
    """Greenhouse gas of training over the output tokens of the model's days in service."""
    return times(training_carbon_kgco2e, exactly(1.0 / served_tokens(serving)))
