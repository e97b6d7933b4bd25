"""Bytes of activations that one device keeps for the backward pass, by place and stage."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from paramscale.catalogue.formats import as_format
from paramscale.catalogue.reference_code import ReferenceCode
from paramscale.specs.block import NOTHING, Operation
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.kept import Kernels, kept_bytes
from paramscale.systems.rules import some
from paramscale.systems.training_share import Places, Stages
from paramscale.typing import Floats

__all__ = ["Pair", "element_bytes", "kept_by_part", "kernels_of", "layer_bytes", "loss_bytes"]

#: The same amount in the first and in the last stage.
Pair = tuple[Floats, Floats]

_QUANTIZED_BITS = 16.0

_BYTES = {"bf16": 2.0, "fp16": 2.0, "fp32": 4.0, "fp8": 2.0}

#: Bytes a logit beside the fp32 log-probabilities while a loss written step by step runs back.
_LOSS_APART = 8.0


def element_bytes(training: TrainingSpec) -> float:
    """Return the bytes of an activation."""
    return _BYTES[training.precision]


def kernels_of(
    training: TrainingSpec, parallel: ParallelSpec, code: ReferenceCode, mask_bytes: float
) -> Kernels:
    """Return how the forward pass of a run is written."""
    each = element_bytes(training)
    return Kernels(
        element_bytes=each,
        input_bytes=1.0 if training.precision == "fp8" else each,
        attention=training.attention_kernel,
        fused=training.fused,
        recomputes_scores=training.recomputation != "none",
        dropout=some(training.dropout > 0.0),
        attention_dropout=some(training.attention_dropout > 0.0),
        mask_bytes=mask_bytes,
        frozen=_frozen(training),
        single=not some(training.micro_batch != 1.0),
        code=code,
        tensor=parallel.tensor,
        sequence=parallel.tensor if parallel.sequence_parallel else np.float64(1.0),
    )


def _frozen(training: TrainingSpec) -> str:
    """Return which frozen matrices keep their inputs; kernels of quantized ones keep them all."""
    if not training.adapts:
        return ""
    quantized = as_format(training.frozen_format).bits_per_weight < _QUANTIZED_BITS
    return "all" if quantized else training.lora_on


def layer_bytes(ops: list[Operation], how: Kernels) -> Floats:
    """Return the bytes that one layer keeps if nothing is computed again."""
    total: Floats = NOTHING
    for op in ops:
        total = total + kept_bytes(op, how)
    return total


def kept_by_part(
    places: Places, stages: Stages, training: TrainingSpec, how: Kernels, inputs: Floats
) -> dict[str, Pair]:
    """Return the bytes kept by each component of the model, in the first and in the last stage.

    Parameters
    ----------
    inputs : Floats
        Elements of the input of a layer, which full recomputation keeps in place of the layer.
    """
    parts: dict[str, Pair] = {}

    def add(part: str, amount: Floats, held: Pair) -> None:
        if amount is not NOTHING:
            first, last = parts.get(part, (NOTHING, NOTHING))
            parts[part] = (first + amount * held[0], last + amount * held[1])

    for count, op in places.embedding:
        add(op.part, count * kept_bytes(op, how), stages.kept_embedding)
    stream = 4.0 if how.code.residual_in_fp32 and not how.fused else how.element_bytes
    for count, ops in places.layers:
        if training.recomputation == "full":
            add("layer inputs", count * inputs * stream / how.sequence, stages.kept_layers)
            continue
        for op in ops:
            add(op.part, count * _kept(op, training, how), stages.kept_layers)
        if training.recomputation == "operators":
            add("layer inputs", count * inputs * stream / how.sequence, stages.kept_layers)
    for count, op in places.head:
        if op.part == "head":
            add("logits", count * kept_bytes(_loss_kept(op, training), how), stages.kept_head)
        else:
            add(op.part, count * kept_bytes(op, how), stages.kept_head)
    return parts


def _loss_kept(op: Operation, training: TrainingSpec) -> Operation:
    """Return the head with what its loss keeps.

    Step by step these are log-probabilities in fp32; a fused loss keeps the logits themselves, and
    a fused loss over chunks nothing (Hsu et al. 2024, Liger kernel, arXiv:2410.10989, section 3.2).
    """
    if training.loss == "chunked":
        return op._replace(kept_fp32=NOTHING)
    if training.loss == "eager":
        return op
    return op._replace(kept_fp32=NOTHING, kept=op.kept + op.moved_out)


def _kept(op: Operation, training: TrainingSpec, how: Kernels) -> Floats:
    """Return what an operation of a layer keeps; ``"operators"`` keeps results of costly ones."""
    if training.recomputation != "operators":
        return kept_bytes(op, how)
    if op.kind == "matmul":  # every second result
        return 0.5 * op.moved_out * how.element_bytes / how.tensor
    if op.kind in ("attention", "scan"):
        return (op.moved_out * how.element_bytes + op.kept_fp32 * 4.0) / how.tensor
    return NOTHING


class Working(NamedTuple):
    """Bytes in use for a moment: in the loss, before it, and in a layer on the way back."""

    loss: Floats
    before_loss: Floats
    layer: Floats


def loss_bytes(places: Places, training: TrainingSpec, how: Kernels) -> tuple[Floats, Floats]:
    """Return the bytes of logits and their gradients beside what the loss keeps.

    A fused loss needs their gradients. Step by step, beside the log-probabilities, 8 bytes a logit
    are in use at the peak: two of fp32 copy, its gradient, and gradients and logits in 16 bits.
    Before, logits are held in the activations' format until their copy is made; they come second.
    """
    total: Floats = NOTHING
    before: Floats = NOTHING
    if training.loss == "chunked":
        return total, before
    fused = training.loss == "fused"
    for count, op in places.head:
        if op.part == "head":
            logits = count * op.moved_out / how.tensor
            total = total + logits * (how.element_bytes if fused else _LOSS_APART)
            before = before if fused else before + logits * how.element_bytes
    return total, before


def _moved(op: Operation, how: Kernels) -> Floats:
    """Return the elements that an operation reads and writes on one rank.

    The input of a matrix divided by columns is gathered first, and the result of one divided by
    rows is whole until it is reduced (Korthikanti et al. 2022, arXiv:2205.05198, section 4.2.2).
    """
    if op.split == "column" or op.split == "heads" or op.split == "vocabulary":
        return op.moved_in + op.moved_out / how.tensor
    if op.split == "row":
        return op.moved_in / how.tensor + op.moved_out
    return (op.moved_in + op.moved_out) / (how.sequence if op.split == "none" else how.tensor)


def working_bytes(places: Places, training: TrainingSpec, how: Kernels) -> Working:
    """Return the momentary needs: of the loss, of logits before it, and of the layer in hand.

    A layer in hand needs the gradients of input and output of its widest operation, and where it is
    computed again, all that it keeps.
    """
    layer: Floats = NOTHING
    for _, ops in places.layers:
        widest: Floats = NOTHING
        for op in ops:
            widest = np.maximum(widest, _moved(op, how) * how.element_bytes)
        if training.recomputation in ("full", "operators"):
            widest = widest + layer_bytes(ops, how)
        layer = np.maximum(layer, widest)
    return Working(*loss_bytes(places, training, how), layer)
