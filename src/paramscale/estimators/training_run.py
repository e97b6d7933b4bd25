"""How long a whole training run takes: steps, what failures cost, and runs known by size alone.

Where the batch is stated, a run is its steps over goodput. Where it is not, the run is estimated
from model and machine, with a wider interval.
"""

from __future__ import annotations

import numpy as np

from paramscale import quantities as q
from paramscale.core.domain import Domain
from paramscale.core.estimator import estimator
from paramscale.core.record import Interval
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.training_coefficients import CALIBRATED, SOURCES, of_framework
from paramscale.systems.training_load import TrainingLoad
from paramscale.systems.training_time import StepTime, goodput, run_seconds
from paramscale.typing import Floats

__all__ = ["device_class", "device_class_time", "device_time", "layout", "token_time", "useful"]

_FAILURES = "Grattafiori et al. 2024 (Llama 3, arXiv:2407.21783), section 3.3.4"
_BATCH = ("training.batch_tokens",)
_DOMAIN = Domain(CALIBRATED, note="decoder-only models, 2021 to 2026")
_GOODPUT = Domain({"parallel.devices": (1.0, 16_384.0)}, note="Llama 3 405B")


@estimator(
    gives=q.GOODPUT_FRACTION, source=_FAILURES, kind="calibrated", name="failures", domain=_GOODPUT
)
def useful(parallel: ParallelSpec) -> Floats:
    """Share of the time that failures leave: 1 / (1 + devices x lost / time between failures)."""
    assert parallel.devices is not None
    return goodput(parallel.devices)


def _run(step: StepTime, training: TrainingSpec, useful: Floats, times: Floats) -> Interval:
    assert training.batch_tokens is not None
    factor = times * training.tokens / training.batch_tokens / useful
    return Interval(step.seconds * factor, step.low * factor, step.high * factor)


@estimator(
    gives=q.TRAINING_TIME_S,
    source=(*SOURCES, _FAILURES),
    kind="calibrated",
    domain=_DOMAIN,
    needs=_BATCH,
)
def layout(training_step: StepTime, goodput_fraction: Floats, training: TrainingSpec) -> Interval:
    """Calendar time of a run of this layout: steps x time of a step / goodput."""
    return _run(training_step, training, goodput_fraction, np.float64(1.0))


@estimator(
    gives=q.TRAINING_DEVICE_S, source=(*SOURCES, _FAILURES), kind="calibrated", domain=_DOMAIN,
    needs=_BATCH, name="layout",
)  # fmt: skip
def device_time(
    training_step: StepTime,
    goodput_fraction: Floats,
    training: TrainingSpec,
    parallel: ParallelSpec,
) -> Interval:
    """Time of a run of this layout, all devices added up."""
    assert parallel.devices is not None
    return _run(training_step, training, goodput_fraction, parallel.devices)


_RUNS = "published device-hours: run_overhead in catalogue/data/training_calibration.csv"


@estimator(gives=q.TOKEN_DEVICE_S, source=_RUNS, kind="calibrated", domain=_DOMAIN)
def token_time(
    training_load: TrainingLoad, hardware: HardwareSpec, training: TrainingSpec
) -> Floats:
    """Device time of a token in runs of which no layout is known, once for the two below."""
    return run_seconds(training_load, hardware, training)


def _from_size(token_device_s: Floats, training: TrainingSpec, unstated: float) -> Interval:
    total = token_device_s * training.tokens
    more = unstated * of_framework("width_unstated", "")
    below, above = (
        np.exp(np.hypot(of_framework(f"width_run_{end}", ""), more)) for end in ("below", "above")
    )
    return Interval(total, total / below, total * above)


@estimator(
    gives=q.TRAINING_DEVICE_S,
    source=_RUNS,
    kind="calibrated",
    domain=_DOMAIN,
    rank=1,
    name="device_class",
)
def device_class_time(
    token_device_s: Floats,
    training: TrainingSpec,
    *,
    unstated: float = 0.0,
) -> Interval:
    """Device time of a run whose layout is not known, by what runs on such machines took.

    Work of the bill at the efficiency of one device, times what published runs took more. The
    interval reaches further up than down: some took far more, none far less. Where only the size
    of a data set is known, not the tokens seen, say ``unstated=1``.
    """
    return _from_size(token_device_s, training, unstated)


@estimator(gives=q.TRAINING_TIME_S, source=_RUNS, kind="calibrated", domain=_DOMAIN, rank=1)
def device_class(
    token_device_s: Floats,
    training: TrainingSpec,
    parallel: ParallelSpec,
    *,
    unstated: float = 0.0,
) -> Interval:
    """Calendar time of a run of which only the number of devices is known.

    Where only the size of a data set is known, not the tokens seen, say ``unstated=1``.
    """
    assert parallel.devices is not None
    found = _from_size(token_device_s, training, unstated)
    return Interval(*[seconds / parallel.devices for seconds in found])
