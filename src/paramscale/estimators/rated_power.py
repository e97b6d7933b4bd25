"""The convention of most published footprints: every device at its power limit all the time.

It is hours times a constant, not a measurement: training draws less, decoding 0.3 to 0.9 of the
limit. It is here to compare with figures that were made so, chosen by name:
``use={"training_chip_energy_j": "rated"}``.
"""

from __future__ import annotations

from paramscale import quantities as q
from paramscale.core.estimator import Interval, estimator
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.systems.power import limit_of
from paramscale.systems.spread import exactly, factor, inverse, times
from paramscale.typing import Floats

__all__ = ["rated_draw", "rated_token", "rated_training", "rated_training_draw"]

_CARDS = "model cards of Llama and others: device-hours x thermal design power"
_LAST = 9


def _limit(hardware: HardwareSpec) -> Floats:
    """Return the power limit of one device, or the lower one that its operator has set."""
    limit, share = limit_of(hardware, "the convention of model cards")
    return limit * share


def _all(hardware: HardwareSpec, parallel: ParallelSpec) -> Floats:
    assert parallel.devices is not None  # filled in by the spec
    return parallel.devices * _limit(hardware)


@estimator(gives=q.POWER_W, source=_CARDS, name="rated", rank=_LAST)
def rated_draw(hardware: HardwareSpec, parallel: ParallelSpec) -> Floats:
    """Power limit of all devices: more than they draw."""
    return _all(hardware, parallel)


@estimator(gives=q.TRAINING_POWER_W, source=_CARDS, name="rated", rank=_LAST)
def rated_training_draw(hardware: HardwareSpec, parallel: ParallelSpec) -> Floats:
    """Power limit of all devices: more than they draw."""
    return _all(hardware, parallel)


@estimator(gives=q.CHIP_ENERGY_PER_TOKEN_J, source=_CARDS, name="rated", rank=_LAST)
def rated_token(
    throughput_tokens_per_s: Interval, hardware: HardwareSpec, parallel: ParallelSpec
) -> Interval:
    """Power limit of all devices over their output tokens in a second."""
    return times(
        Interval(*[_all(hardware, parallel)] * 3), inverse(factor(throughput_tokens_per_s))
    )


@estimator(gives=q.TRAINING_CHIP_ENERGY_J, source=_CARDS, name="rated", rank=_LAST)
def rated_training(training_device_s: Interval, hardware: HardwareSpec) -> Interval:
    """Time of all devices times their power limit."""
    return times(training_device_s, exactly(_limit(hardware)))
