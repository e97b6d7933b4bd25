"""Energy inside a boundary: of a token, a request, a day, a deployment, a training run.

All of it is the energy of the accelerators times one factor, see
:func:`paramscale.systems.rates.energy_boundary`; ``account=ps.AccountSpec(boundary=...)`` moves it.
"""

from __future__ import annotations

from paramscale import quantities as q
from paramscale.core.estimator import Interval, estimator
from paramscale.specs.account import AccountSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.demand import served_tokens
from paramscale.systems.rates import Rate
from paramscale.systems.spread import exactly, plus, times
from paramscale.typing import Floats

__all__ = [
    "deployment",
    "for_served_token",
    "of_day",
    "of_phases",
    "of_request",
    "of_token",
    "of_training",
]

_BOUNDARY = (
    "The Green Grid 2012 (PUE); boundaries of Google 2025, arXiv:2508.15734: accelerators, hosts,"
    " idle machines, overhead of the site"
)
_DAY = ("serving.requests_per_day",)
_LIFE = ("serving.requests_per_day", "serving.deployment_days")


@estimator(gives=q.ENERGY_PER_TOKEN_J, source=_BOUNDARY, name="account")
def of_token(chip_energy_per_token_j: Interval, energy_boundary: Rate) -> Interval:
    """Energy for an output token: of the accelerators x servers x idle machines x PUE."""
    return times(chip_energy_per_token_j, energy_boundary.factor)


@estimator(gives=q.ENERGY_PER_REQUEST_J, source=_BOUNDARY, name="account")
def of_request(
    chip_energy_per_token_j: Interval, energy_boundary: Rate, serving: ServingSpec
) -> Interval:
    """Energy for a request: of an output token, prompts included, times the tokens written."""
    return times(chip_energy_per_token_j, energy_boundary.factor, exactly(serving.output_tokens))


def _phases(
    prefill_energy_per_token_j: Floats,
    decode_energy_per_token_j: Floats,
    energy_boundary: Rate,
    serving: ServingSpec,
) -> dict[str, Floats]:
    whole = energy_boundary.factor.value
    return {
        "prompt": prefill_energy_per_token_j * serving.prompt_tokens * whole,
        "answer": decode_energy_per_token_j * serving.output_tokens * whole,
    }


@estimator(gives=q.ENERGY_PER_REQUEST_J, source=_BOUNDARY, name="by_phase", rank=1, parts=_phases)
def of_phases(
    prefill_energy_per_token_j: Interval,
    decode_energy_per_token_j: Interval,
    energy_boundary: Rate,
    serving: ServingSpec,
) -> Interval:
    """Energy for reading a prompt and for writing its answer, each as if it ran by itself.

    What passes while a batch waits for prompts of others is in ``account``, not here.
    """
    read = times(prefill_energy_per_token_j, exactly(serving.prompt_tokens))
    written = times(decode_energy_per_token_j, exactly(serving.output_tokens))
    return times(plus(read, written), energy_boundary.factor)


@estimator(gives=q.DAILY_ENERGY_J, source=_BOUNDARY, name="account", needs=_DAY)
def of_day(energy_per_request_j: Interval, serving: ServingSpec) -> Interval:
    """Energy for the requests of a day."""
    assert serving.requests_per_day is not None  # stated as a need above
    return times(energy_per_request_j, exactly(serving.requests_per_day))


@estimator(gives=q.DEPLOYMENT_ENERGY_J, source=_BOUNDARY, name="account", needs=_LIFE)
def deployment(daily_energy_j: Interval, serving: ServingSpec) -> Interval:
    """Energy for all requests of the model's days in service."""
    assert serving.deployment_days is not None
    return times(daily_energy_j, exactly(serving.deployment_days))


@estimator(gives=q.TRAINING_ENERGY_J, source=_BOUNDARY, name="account")
def of_training(
    training_chip_energy_j: Interval, energy_boundary: Rate, account: AccountSpec
) -> Interval:
    """Energy of training: of the accelerators x servers x idle machines x PUE x all runs.

    All runs over the final one is ``AccountSpec.development_ratio``, 1 unless said.
    """
    runs = exactly(account.development_ratio)
    return times(training_chip_energy_j, energy_boundary.factor, runs)


@estimator(
    gives=q.SERVED_TRAINING_ENERGY_PER_TOKEN_J, source=_BOUNDARY, name="account", needs=_LIFE
)
def for_served_token(training_energy_j: Interval, serving: ServingSpec) -> Interval:
    """Energy of training over the output tokens of the model's days in service."""
    return times(training_energy_j, exactly(1.0 / served_tokens(serving)))
