"""What accelerators draw while they train, and their energy for a whole run.

The boundary is the boards of the accelerators. The device time is that of the layout where the
batch is stated, else of the model's size and the class of machine.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramscale import quantities as q
from paramscale.core.domain import Domain
from paramscale.core.estimator import Interval, estimator
from paramscale.core.reasons import Reason
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.power import limit_of, power_rules
from paramscale.systems.power_scope import training_log_width
from paramscale.systems.rules import reasons_of
from paramscale.systems.training_power import passing_share, training_share
from paramscale.typing import Floats

__all__ = ["draw", "energy"]

_FIT = (
    "paramscale: systems/training_power.py; coefficients of catalogue/data/power_calibration.csv",
    "Groeneveld et al. 2024 (OLMo, arXiv:2402.00838) and Patterson et al. 2021 (arXiv:2104.10350):"
    " measured power of training",
)
_DOMAIN = Domain(
    {"active_parameters": (1e8, 1.1e12)}, note="boards with a power figure, 2021 to 2026"
)


def _refusals(hardware: HardwareSpec) -> Iterator[Reason]:
    return reasons_of(power_rules(hardware))


def _share(
    training_flops: Floats, training_device_s: Floats, hardware: HardwareSpec,
    training: TrainingSpec,
) -> tuple[Floats, Floats]:  # fmt: skip
    _, most = limit_of(hardware, "training_power_w")
    return training_share(training_flops, training_device_s, hardware, training, most), most


@estimator(
    gives=q.TRAINING_POWER_W, source=_FIT, kind="calibrated", domain=_DOMAIN, name="boards",
    refusals=_refusals,
)  # fmt: skip
def draw(
    training_flops: Floats, training_device_s: Floats, hardware: HardwareSpec,
    training: TrainingSpec, parallel: ParallelSpec,
) -> Interval:  # fmt: skip
    """Mean draw of all accelerators while they train; never above the limit of their boards.

    static + busy + w x FLOPs over what the devices could do in their time, in shares of the limit.
    """
    share, most = _share(training_flops, training_device_s, hardware, training)
    assert parallel.devices is not None  # filled in by the spec
    whole = hardware.power_limit_w * parallel.devices
    spread = np.exp(training_log_width(hardware))
    return Interval(whole * share, whole * share / spread, whole * np.minimum(share * spread, most))


@estimator(
    gives=q.TRAINING_CHIP_ENERGY_J, source=_FIT, kind="calibrated", domain=_DOMAIN, name="boards",
    refusals=_refusals,
)  # fmt: skip
def energy(
    training_flops: Floats, training_device_s: Interval, hardware: HardwareSpec,
    training: TrainingSpec,
) -> Interval:  # fmt: skip
    """Energy of the accelerators for the whole run: their time times their power.

    What a slower run draws less of power it draws for longer: only what passes with time is as
    unsure as the device-hours.
    """
    seconds, low, high = training_device_s
    share, _ = _share(training_flops, seconds, hardware, training)
    value = hardware.power_limit_w * share * seconds
    own = training_log_width(hardware)
    passing = np.minimum(passing_share(hardware) / share, 1.0)
    down, up = (
        np.exp(np.hypot(own, passing * np.log(ratio))) for ratio in (seconds / low, high / seconds)
    )
    return Interval(value, value / down, value * up)
