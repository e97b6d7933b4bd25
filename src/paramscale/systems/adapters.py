"""Frozen weights and trained adapters: LoRA (arXiv:2106.09685) and QLoRA (arXiv:2305.14314)."""

from __future__ import annotations

import numpy as np

from paramscale.catalogue.formats import as_format
from paramscale.specs.block import NOTHING, Operation
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.training_states import Elements, Rows, elements_of
from paramscale.typing import Floats

__all__ = ["adapter_elements", "frozen_bytes"]

_SIXTEEN_BITS = 2.0


def frozen_bytes(
    bill: Rows, training: TrainingSpec, parallel: ParallelSpec, *, tied: bool = False
) -> Floats:
    """Return the bytes of frozen weights on one device.

    Matrices of layers are stored in ``TrainingSpec.frozen_format``; tables, norms and head stay in
    16 bits, as quantizers of frozen models leave them.
    """
    stored = as_format(training.frozen_format).bits_per_weight / 8.0
    quantized = [(n, op) for n, op in bill if op.kind == "matmul" and op.part != "head"]
    others = [(n, op) for n, op in bill if op.kind != "matmul" or op.part == "head"]
    ranks = np.where(parallel.zero_stage >= 3.0, parallel.data * parallel.context, 1.0)[()]
    total: Floats = NOTHING
    for rows, each in ((quantized, stored), (others, _SIXTEEN_BITS)):
        held = elements_of(rows, parallel, tied=tied)
        total = total + (held.dense + held.expert) * each / ranks
    return total


def adapter_elements(layers: Rows, training: TrainingSpec, parallel: ParallelSpec) -> Elements:
    """Return the trained elements of all adapters, or those that are stated.

    An adapter of rank r beside a matrix from m to n channels has r (m + n) elements
    (arXiv:2106.09685, equation 3).
    """
    if training.trainable_parameters is not None:
        return Elements(dense=training.trainable_parameters / parallel.tensor)
    total: Floats = NOTHING
    keys: Floats = NOTHING
    for count, op in reversed(layers):  # attention comes after its projection
        if op.kind == "attention":
            keys = 0.5 * (op.kept - op.moved_in)
        elif op.kind == "matmul" and op.part not in ("head", "router"):
            total = total + count * _channels(op, training.lora_on, keys)
    assert training.lora_rank is not None  # else there would be no adapters
    return Elements(dense=training.lora_rank * total / parallel.tensor)


def _channels(op: Operation, beside: str, keys: Floats) -> Floats:
    """Return the input and output channels of the adapters beside a matrix."""
    if beside != "all" and (op.part != "attention" or op.name == "gate"):
        return NOTHING
    if beside == "query_value" and op.name == "output":
        return NOTHING
    rows = 2.0 * op.moved_in * op.moved_out / op.flops  # FLOPs are 2 x rows x inputs x outputs
    outputs, inputs = op.moved_out / rows, op.moved_in / rows
    if op.name == "up" and op.apart is not NOTHING:  # gate and input are two matrices
        return 2.0 * inputs + outputs
    if op.name != "query_key_value":
        return inputs + outputs
    if beside == "query_value":  # an adapter of the queries, one of the values
        return 2.0 * inputs + outputs - keys / rows
    return 3.0 * inputs + outputs
