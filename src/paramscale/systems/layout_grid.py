"""Every layout that divides a model and a batch over a number of devices, as columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from paramscale.errors import SpecError
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.model import ModelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.training_coefficients import of_machine

__all__ = ["DEGREES", "Choices", "layout_grid"]

#: Fields of ``ParallelSpec``, in the order of the rows of a grid; below them the micro-batch.
DEGREES = ("tensor", "pipeline", "virtual_stages", "data", "context", "expert", "zero_stage")

#: Contexts longer than this are worth dividing.
_LONG = 32_768.0
#: Chunks of layers a stage has at most.
_CHUNKS = 16


class Choices(NamedTuple):
    """What may be chosen beside the degrees: sequences of a micro-batch, stages of ZeRO."""

    micro_batches: tuple[float, ...]
    zero_stages: tuple[float, ...]


def layout_grid(
    model: ModelSpec,
    machine: HardwareSpec,
    training: TrainingSpec,
    devices: int,
    sequences: int,
    choices: Choices,
) -> npt.NDArray[np.float64]:
    """Return the layouts as columns: the rows are ``DEGREES``, then the micro-batch.

    Tensor ranks stay inside a node and divide all heads, expert ranks divide all experts and lie
    on data and context ranks, pipeline stages with their chunks divide the layers, with embedding,
    head and drafting layers as spare places. Weights are sharded (ZeRO stage 3) only where there
    is no pipeline, which would gather them again for each micro-batch.

    Raises
    ------
    SpecError
        If the sequences of a step divide over none.
    """
    found = [
        (*degrees, zero, micro)
        for degrees in _degrees(model, machine, devices, float(training.sequence_length))
        for zero in (choices.zero_stages if degrees[3] > 1 else (0.0,))
        for micro in choices.micro_batches
        if sequences % (degrees[3] * micro) == 0 and (zero < 3.0 or degrees[1] == 1)
    ]
    if not found:
        raise SpecError(
            f"{sequences} sequences of a step divide over no layout of {devices} devices; choose a"
            " batch that is a multiple of the data ranks"
        )
    return np.array(found, dtype=np.float64).T


def _degrees(
    model: ModelSpec, machine: HardwareSpec, devices: int, length: float
) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Yield tensor, pipeline, virtual stages, data, context and expert ranks."""
    heads, experts = _counts(model, "heads"), min(_counts(model, "experts"), default=1)
    depth, spare = int(np.max(model.depth)), 2 + len(model.draft)
    most = min(of_machine("node_devices", machine.name), 16.0)
    for t in _divisors(devices, most):
        if any(count % t for count in heads):
            continue
        for p in _divisors(devices // t, depth):
            for c in _divisors(devices // (t * p), 16.0 if length > _LONG else 1.0):
                d = devices // (t * p * c)
                for v in _chunks(depth, p, spare):
                    yield from ((t, p, v, d, c, e) for e in _divisors(experts) if d * c % e == 0)


def _divisors(number: int, most: float = np.inf) -> list[int]:
    return [each for each in range(1, number + 1) if number % each == 0 and each <= most]


def _counts(model: ModelSpec, field: str) -> list[int]:
    found = (getattr(item, field, None) for _, item in model.walk())
    return [int(count) for count in found if count is not None and np.ndim(count) == 0]


def _chunks(depth: int, pipeline: int, spare: int) -> list[int]:
    """Return the chunks a stage into which layers divide, some places being spare."""
    if pipeline == 1:
        return [1]
    fitting = (v for v in range(1, _CHUNKS + 1) if pipeline * v <= depth + spare)
    return [v for v in fitting if -depth % (pipeline * v) <= spare]
