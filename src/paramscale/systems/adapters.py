"""Frozen weights and trained adapters: LoRA (arXiv:2106.09685) and QLoRA (arXiv:2305.14314)."""

from __future__ import annotations

import numpy as np

from paramscale.architecture.adapted import ADAPTER, stands_beside
from paramscale.architecture.parts import matrices_of
from paramscale.catalogue.formats import as_format
from paramscale.specs.block import NOTHING
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
    frozen = [(n, op) for n, op in bill if op.part != ADAPTER]
    quantized = [(n, op) for n, op in frozen if op.kind == "matmul" and op.part != "head"]
    others = [(n, op) for n, op in frozen if op.kind != "matmul" or op.part == "head"]
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
    own = [(count, op) for count, op in layers if op.part == ADAPTER]
    if own:  # the model has them
        return elements_of(own, parallel)
    total: Floats = NOTHING
    for count, op in layers:
        for each in matrices_of(op):
            if stands_beside(each.name, op, training.lora_on):
                total = total + count * each.copies * (each.inputs + each.outputs)
    assert training.lora_rank is not None  # else there would be no adapters
    return Elements(dense=training.lora_rank * total / parallel.tensor)
