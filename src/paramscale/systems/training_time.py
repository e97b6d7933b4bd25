"""The step of a scenario: expected seconds, the least possible, and how far off they may be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from paramscale.catalogue.formats import Format, as_format
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.training_coefficients import (
    TrainingCoefficients,
    coefficients,
    of_framework,
    of_machine,
)
from paramscale.systems.training_load import TrainingLoad
from paramscale.systems.training_machine import Figures, figures_of, matrix_fraction, speeds_of
from paramscale.systems.training_scope import remarks, width
from paramscale.systems.training_step import Layout, Speeds, StepParts, step_parts
from paramscale.typing import Floats

__all__ = [
    "AGAIN",
    "StepTime",
    "goodput",
    "layout_of",
    "matrix_format",
    "run_seconds",
    "step_time",
]


#: What is computed again of matrices, attention and element-wise work, by ``recomputation``.
AGAIN = {
    "none": (0.0, 0.0, 0.0),
    "selective": (0.0, 0.0, 0.0),
    "operators": (0.5, 0.0, 1.0),
    "full": (1.0, 1.0, 1.0),
}


class StepTime(NamedTuple):
    """One optimizer step of a layout; all broadcast.

    Attributes
    ----------
    seconds, low, high : Floats
        Expected time, and the ends of its 90 % interval.
    bound : Floats
        Time in which the devices together could do the FLOPs at their dense peaks.
    parts : dict of str to Floats
        Seconds by cause; they add up to `seconds`.
    hardware_flops : Floats
        FLOPs of the step, recomputed forward passes included.
    peak_flops : Floats
        FLOP/s of all devices together, at the dense peak of the layers' matrices.
    remarks : tuple of str
        Why the interval is wider than that of what was measured.
    """

    seconds: Floats
    low: Floats
    high: Floats
    bound: Floats
    parts: dict[str, Floats]
    hardware_flops: Floats
    peak_flops: Floats
    remarks: tuple[str, ...] = ()


def matrix_format(training: TrainingSpec) -> str | Format:
    """Return the number format in which the matrices of the layers are multiplied."""
    given: str | Format | None = training.matmul_format
    return training.precision if given is None else given


def layout_of(training: TrainingSpec, parallel: ParallelSpec, batch_tokens: Floats) -> Layout:
    """Return the layout as the formulas take it; a data rank does one micro-batch at least."""
    each = training.micro_batch * training.sequence_length * parallel.data
    return Layout(
        parallel.tensor, parallel.pipeline, parallel.virtual_stages, parallel.data,
        parallel.context, parallel.expert, parallel.zero_stage, training.micro_batch,
        np.maximum(batch_tokens / each, 1.0), *_again(training),
        1.0 if training.adapts else 2.0, float(not training.fused), parallel.exchange_overlap,
    )  # fmt: skip


def _again(training: TrainingSpec) -> tuple[float, float, float]:
    """Return what is computed again of matrices, attention and element-wise work.

    Selective recomputation is of attention matrices, which fused attention does not keep anyway.
    """
    if training.recomputation == "selective":
        return 0.0, float(training.attention_kernel != "flash"), 0.0
    return AGAIN[training.recomputation]


@lru_cache(maxsize=64)
def _reached(hardware: HardwareSpec, used: str | Format, framework: str) -> tuple[Figures, Speeds]:
    """Return figures and speeds of a machine; specs are frozen, so that they are made once."""
    return _made(hardware, used, framework, coefficients(), {})


def _made(
    hardware: HardwareSpec, used: str | Format, framework: str, c: TrainingCoefficients,
    unsure: Mapping[str, Floats],
) -> tuple[Figures, Speeds]:  # fmt: skip
    format = as_format(used)
    figures = figures_of(hardware, format)
    if unsure:
        figures = figures._replace(
            **{n: getattr(figures, n) * unsure[n] for n in ("attention", "expert_launch_s")}
        )
    matrix = matrix_fraction(hardware.compute_type(format), format, c)
    kernel = of_framework("attention_framework", framework)
    return figures, speeds_of(figures, matrix, kernel, c)


def _speeds(
    hardware: HardwareSpec, training: TrainingSpec, c: TrainingCoefficients,
    unsure: Mapping[str, Floats],
) -> tuple[Figures, Speeds]:  # fmt: skip
    return _made(hardware, matrix_format(training), training.framework, c, unsure)


def _machine(hardware: HardwareSpec, training: TrainingSpec) -> tuple[Figures, Speeds]:
    return _reached(hardware, matrix_format(training), training.framework)


def _bound(load: TrainingLoad, figures: Figures, back: Floats) -> Floats:
    """Return the least device-seconds of one sequence, forward and backward, at dense peaks."""
    peak = np.fmax(figures.peak, figures.peak16)
    matrices = (1.0 + back) * (load.dense_flops + load.expert_flops) / peak
    outside = (1.0 + back) * load.head_flops + 3.0 * load.attention_flops
    return matrices + outside / figures.peak16


def step_time(
    load: TrainingLoad,
    hardware: HardwareSpec,
    training: TrainingSpec,
    parallel: ParallelSpec,
    guesses: Floats,
    unsure: Mapping[str, Floats] | None = None,
) -> StepTime:
    """Return the time of one optimizer step; ``training.batch_tokens`` must be stated.

    No time is below the bound, whatever the coefficients say. `unsure` holds factors of them.
    """
    layout, figures, raw, slowness = _raw(load, hardware, training, parallel, unsure or {})
    assert parallel.devices is not None
    sequences = layout.micro_batch * layout.micro_batches * layout.data
    bound = sequences * _bound(load, figures, layout.backward) / parallel.devices
    expected = np.maximum(raw.total * slowness, bound)
    spread = np.exp(width(load, hardware, training, guesses))
    return StepTime(
        expected, np.maximum(expected / spread, bound), expected * spread, bound,
        _by_cause(raw, slowness),
        sequences * _hardware_flops(load, layout),
        figures.peak * parallel.devices,
        remarks(load, hardware, training, guesses),
    )  # fmt: skip


def _raw(
    load: TrainingLoad, hardware: HardwareSpec, training: TrainingSpec, parallel: ParallelSpec,
    unsure: Mapping[str, Floats],
) -> tuple[Layout, Figures, StepParts, Floats]:  # fmt: skip
    """Return layout, figures of the machine, seconds by cause, and the framework's slowness."""
    assert training.batch_tokens is not None  # stated as a need of the estimator
    layout = layout_of(training, parallel, training.batch_tokens)
    c = coefficients()
    slowness: Floats = np.float64(of_framework("slowness", training.framework))
    figures, speeds = _machine(hardware, training)
    if unsure:
        c = TrainingCoefficients(*[x * unsure.get(name, 1.0) for name, x in c._asdict().items()])
        figures, speeds = _speeds(hardware, training, c, unsure)
        slowness = slowness * unsure.get("slowness", 1.0)
    return layout, figures, step_parts(load, layout, speeds, c), slowness


def _hardware_flops(load: TrainingLoad, layout: Layout) -> Floats:
    """Return the FLOPs of one sequence, forward passes that are computed again included."""
    back = 1.0 + layout.backward
    matrices = (back + layout.matrices_again) * (load.dense_flops + load.expert_flops)
    pairs = (3.0 + layout.attention_again) * load.attention_flops + 3.0 * load.scan_flops
    return matrices + pairs + back * load.head_flops


def _by_cause(parts: StepParts, slowness: Floats) -> dict[str, Floats]:
    return {name.replace("_", " "): slowness * seconds for name, seconds in parts._asdict().items()}


#: Active parameters at which ``run_overhead`` stands.
_MIDDLE = 1e10


def goodput(devices: Floats) -> Floats:
    """Return the share of time that failures leave: 1 / (1 + devices x lost / between failures)."""
    lost, between = of_framework("lost_s", ""), of_framework("failure_device_s", "")
    return 1.0 / (1.0 + devices * lost / between)


def run_seconds(load: TrainingLoad, hardware: HardwareSpec, training: TrainingSpec) -> Floats:
    """Return device-seconds of a token in a published run, from model and machine alone.

    The step of one device without parallelism, in micro-batches of about 8,192 tokens, times what
    published runs of that class of machine took more: communication, restarts, evaluation. That
    grows slowly with the active parameters, here half of the FLOPs of a token.
    """
    one = np.float64(1.0)
    micro = np.maximum(8192.0 / training.sequence_length, 1.0)
    back = 1.0 if training.adapts else 2.0
    many = Layout(one, one, one, one, one, one, one, micro, 64.0 * one, 0.0, 0.0, 0.0, back, 0.0)
    figures, speeds = _machine(hardware, training)
    step = step_parts(load, many, speeds, coefficients()).total
    size = load.flops / (2.0 * training.sequence_length)
    growth = (size / _MIDDLE) ** of_framework("run_growth", "")
    overhead = of_machine("run_overhead", hardware.name) * growth
    each = step / (many.micro_batches * micro) * overhead
    return np.maximum(each, _bound(load, figures, back)) / training.sequence_length
