"""Bytes of weights, gradients and optimizer states on one device.

With a number format each, N elements take N (w + g + o) bytes: 2 + 2 + 12 for Adam in mixed
precision (Rajbhandari et al. 2020, arXiv:1910.02054, section 3.1; fp32 gradients make it 18). ZeRO
divides them over data ranks: stage 1 the optimizer's part, 2 also gradients, 3 also weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from paramscale.catalogue.formats import as_format
from paramscale.specs.block import NOTHING, Operation
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.rules import some
from paramscale.typing import Floats

__all__ = [
    "Elements",
    "Rows",
    "StateBytes",
    "elements_of",
    "gathered_bytes",
    "optimizer_bytes_each",
    "state_bytes",
]

#: Bytes of states an element in formats of their own: two moments of 8 or 4 bits and an fp32 scale
#: for each of their blocks of 256 or 128 (bitsandbytes and torchao; formats.csv).
_QUANTIZED = {"adam8bit": 2.0 * (1.0 + 4.0 / 256.0), "adam4bit": 2.0 * (0.5 + 4.0 / 128.0)}

#: Moments that an optimizer keeps of every element.
_MOMENTS = {"adam": 2.0, "adafactor": 0.0, "muon": 1.0, "sgd": 0.0, "momentum": 1.0}


#: How often, and what: some operations of a bill of work.
Rows: TypeAlias = Sequence[tuple[Floats, Operation]]


class Elements(NamedTuple):
    """Elements on one tensor and expert rank: dense ones, those of routed experts, and two others.

    `factored` counts rows and columns of matrices (Adafactor), `vectors` what Muon leaves to Adam.
    """

    dense: Floats = NOTHING
    expert: Floats = NOTHING
    factored: Floats = NOTHING
    vectors: Floats = NOTHING


class StateBytes(NamedTuple):
    """Bytes on one device."""

    weights: Floats
    gradients: Floats
    optimizer: Floats
    master: Floats


def elements_of(bill: Rows, parallel: ParallelSpec, *, tied: bool = False) -> Elements:
    """Return the elements of a bill on one rank; `tied` counts a borrowed table too."""
    whole: Floats = NOTHING
    split: Floats = NOTHING
    expert: Floats = NOTHING
    vectors: Floats = NOTHING
    factored: Floats = NOTHING
    for count, op in bill:
        each = op.weights + op.borrowed if tied and op.part == "head" else op.weights
        if each is NOTHING:
            continue
        held = count * each
        if op.split == "experts":
            expert = expert + held
        elif op.split == "none":
            whole = whole + held
        else:
            split = split + held
        if op.kind != "matmul" or op.split == "vocabulary":
            vectors = vectors + held
        if op.kind in ("matmul", "lookup"):  # n elements have at least 2 sqrt(n) rows and columns
            factored = factored + 2.0 * np.sqrt(count * held)
    if expert is not NOTHING:
        expert = expert / np.maximum(parallel.expert, parallel.tensor)
    return Elements(whole + split / parallel.tensor, expert, factored, vectors / parallel.tensor)


def optimizer_bytes_each(training: TrainingSpec) -> float:
    """Return the bytes of optimizer state of one element, factored moments left out."""
    quantized = _QUANTIZED.get(training.optimizer)
    if quantized is not None:
        return quantized
    return _MOMENTS[training.optimizer] * as_format(training.optimizer_format).bits_per_weight / 8.0


def state_bytes(held: Elements, training: TrainingSpec, parallel: ParallelSpec) -> StateBytes:
    """Return the bytes of trained elements on one device, as ZeRO divides them."""
    first, second, third = (_shared(held, parallel, stage) for stage in (1.0, 2.0, 3.0))
    state = first * optimizer_bytes_each(training)
    if training.optimizer in ("adafactor", "muon"):
        more = held.factored if training.optimizer == "adafactor" else held.vectors
        beside = Elements(dense=more)
        each = as_format(training.optimizer_format).bits_per_weight / 8.0
        state = state + _shared(beside, parallel, 1.0) * each
    return StateBytes(
        third * as_format(training.weight_format).bits_per_weight / 8.0,
        second * as_format(training.gradient_format).bits_per_weight / 8.0,
        state,
        first * 4.0 if training.master_weights else NOTHING,
    )


def _shared(held: Elements, parallel: ParallelSpec, stage: float) -> Floats:
    """Return the elements on one device where ZeRO divides them from a stage on."""
    divides, dense = parallel.zero_stage >= stage, parallel.data * parallel.context
    if np.ndim(divides) == 0 and not divides:
        return held.dense + held.expert
    total = held.dense / np.where(divides, dense, 1.0)[()]
    if held.expert is NOTHING:
        return total
    ranks = dense * parallel.tensor / np.maximum(parallel.expert, parallel.tensor)
    return total + held.expert / np.where(divides, np.maximum(ranks, 1.0), 1.0)[()]


def gathered_bytes(
    largest: Floats, stage: Floats, around: Floats, each: float, gradient: float,
    parallel: ParallelSpec,
) -> Floats:  # fmt: skip
    """Return the bytes of weights and gradients that stage 3 of ZeRO holds whole for a moment.

    The layer in hand and the next one are there in the activations' format (`each` bytes), with the
    gradients of one of them unless they are frozen; what stands around the layers is gathered as a
    whole. What expert parallelism divides stays divided. With pipeline stages, all layers of a
    stage stay gathered from one micro-batch to the next, and so do their gradients: else each
    micro-batch would gather and reduce them anew (pytorch/torchtitan,
    torchtitan/models/llama3/infra/parallelize.py, apply_fsdp: no resharding after the forward
    pass where there is a pipeline).

    Parameters
    ----------
    largest, stage, around : Floats
        Elements of the largest layer, of all layers of a stage, and of what stands around them.
    each, gradient : float
        Bytes of an activation, and of a gradient that is added up; 0 where weights are frozen.
    """
    if largest is NOTHING:
        return NOTHING
    gathers = (parallel.zero_stage >= 3.0) & (parallel.data * parallel.context > 1.0)
    whole = largest * (2.0 * each + min(each, gradient)) + around * each
    if some(parallel.pipeline > 1.0):
        between = (stage + around) * (each + gradient)
        whole = np.where(parallel.pipeline > 1.0, between, whole)
    return np.where(gathers, whole, 0.0)[()]
