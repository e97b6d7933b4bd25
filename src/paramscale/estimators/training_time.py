"""How long one training step takes, and what share of the peak it reaches.

The step adds up what its devices do, see :mod:`paramscale.systems.training_step`; its coefficients
are calibrated on published measurements. What is new widens the interval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from paramscale import quantities as q
from paramscale.core.domain import Domain
from paramscale.core.estimator import estimator, sampler
from paramscale.core.reasons import Reason
from paramscale.core.record import Interval
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.drawn import at_width, factors, levels, with_axis
from paramscale.systems.rules import format_rules, layout_rules, reasons_of, whole
from paramscale.systems.training_coefficients import CALIBRATED, SOURCES, deviations
from paramscale.systems.training_load import TrainingLoad
from paramscale.systems.training_scope import width
from paramscale.systems.training_time import StepTime, step_time
from paramscale.typing import Floats

__all__ = ["hfu", "mfu", "step", "step_seconds", "throughput"]

_MFU = "Chowdhery et al. 2022 (PaLM, arXiv:2204.02311), section 4.1 and appendix B"
_BATCH = ("training.batch_tokens",)
_DOMAIN = Domain(CALIBRATED, note="decoder-only models, 2021 to 2026")


def _refusals(
    model: ModelSpec, hardware: HardwareSpec, training: TrainingSpec, parallel: ParallelSpec
) -> Iterator[Reason]:
    return reasons_of([*layout_rules(model, parallel), *format_rules(hardware, training)])


@estimator(
    gives=q.TRAINING_STEP, source=SOURCES, kind="calibrated", domain=_DOMAIN, needs=_BATCH,
    refusals=_refusals,
)  # fmt: skip
def step(
    training_load: TrainingLoad,
    model: ModelSpec,
    hardware: HardwareSpec,
    training: TrainingSpec,
    parallel: ParallelSpec,
    *,
    guesses: float = 0.0,
    uneven: bool = False,
) -> StepTime:
    """Seconds of one optimizer step by cause, with bound and interval.

    Parameters
    ----------
    guesses : float
        How much of the scenario is a guess (micro-batch, schedule, shape); each widens the
        interval.
    uneven : bool
        Whether pipeline stages may hold different numbers of layers; else a layout that does not
        divide is refused.
    """
    rules = format_rules(hardware, training)
    meant = whole(rules if uneven else [*rules, *layout_rules(model, parallel)])
    found = step_time(training_load, hardware, training, parallel, guesses)
    if np.ndim(meant) == 0 and meant == 1.0:
        return found
    seconds, low, high = (x * meant for x in (found.seconds, found.low, found.high))
    return found._replace(seconds=seconds, low=low, high=high)


@sampler(step)
def _sample(draws: int, rng: np.random.Generator) -> Callable[..., StepTime]:
    """Return the step with drawn coefficients, and a level of its own for all points."""
    level = levels(draws, rng)

    def sampled(
        training_load: TrainingLoad, model: ModelSpec, hardware: HardwareSpec,
        training: TrainingSpec, parallel: ParallelSpec, **options: Any,
    ) -> StepTime:  # fmt: skip
        point = step(training_load, model, hardware, training, parallel, **options)
        ndim = np.ndim(point.seconds)
        unsure = {name: factors(x, draws, rng, ndim) for name, x in deviations().items()}
        guesses = options.get("guesses", 0.0)
        found = step_time(training_load, hardware, training, parallel, guesses, unsure)
        wide = width(training_load, hardware, training, guesses)
        seconds = at_width(found.seconds, point.seconds, wide, level.reshape(-1, *(1,) * ndim))
        seconds = np.maximum(seconds, found.bound)
        made = found._replace(seconds=seconds, low=seconds, high=seconds, remarks=())
        drawn: StepTime = with_axis(made, draws, ndim)
        return drawn

    return sampled


@estimator(
    gives=q.STEP_TIME_S, source=SOURCES, kind="calibrated", domain=_DOMAIN, name="layout",
    parts=lambda training_step: training_step.parts,
)  # fmt: skip
def step_seconds(training_step: StepTime) -> Interval:
    """Time of one optimizer step: computing, exposed collectives, bubble and optimizer.

    T = (m + (p - 1) / v) t + t_reduce + t_optimizer for m micro-batches, p stages of v chunks, and
    t seconds of a micro-batch in a stage; never less than FLOPs over the dense peak of all devices.
    """
    return Interval(training_step.seconds, training_step.low, training_step.high)


@estimator(gives=q.MFU_FRACTION, source=_MFU, kind="calibrated", domain=_DOMAIN, name="layout")
def mfu(training_step: StepTime, step_flops: Floats) -> Interval:
    """FLOPs of the step over what the devices could do in its time at their dense peak.

    The convention is that of ``step_flops``: causal attention, or full squares where
    ``use={"step_flops": "full_attention"}``. The peak is that of the format in which the matrices
    of the layers are multiplied. Recomputed work does not count.
    """
    return _share(step_flops, training_step)


@estimator(gives=q.HFU_FRACTION, source=_MFU, kind="calibrated", domain=_DOMAIN, name="layout")
def hfu(training_step: StepTime) -> Interval:
    """The same share with forward passes that are computed again; causal attention."""
    return _share(training_step.hardware_flops, training_step)


def _share(flops: Floats, step: StepTime) -> Interval:
    """Return a share of the peak; what a machine did cannot be more than it could."""
    each = flops / step.peak_flops
    most = np.maximum(each / step.bound, 1.0)  # above 1 only where full squares are counted
    return Interval(
        np.minimum(each / step.seconds, most), each / step.high, np.minimum(each / step.low, most)
    )


@estimator(
    gives=q.TRAINING_TOKENS_PER_S, source=SOURCES, kind="calibrated", domain=_DOMAIN, needs=_BATCH
)
def throughput(training_step: StepTime, training: TrainingSpec) -> Interval:
    """Tokens a second of all devices together while training runs."""
    assert training.batch_tokens is not None  # stated as a need above
    tokens = training.batch_tokens
    found = training_step
    return Interval(tokens / found.seconds, tokens / found.high, tokens / found.low)
