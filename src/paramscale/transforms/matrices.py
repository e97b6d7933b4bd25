"""The matrices of a model's layers, which most transforms are about."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramscale.architecture.parts import Matrix, matrices_of
from paramscale.specs.block import NOTHING, Block, Operation
from paramscale.specs.model import ModelSpec
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["has_matrices", "layer_matrices", "layer_weights"]

_ONE = Pass(1.0, 1.0)

#: Parts of which transforms leave the matrices alone: they are small, and decide much.
UNTOUCHED = ("router", "head")


def _touched(item: Block, width: Floats) -> Iterator[Operation]:
    for op in item.operations(width, _ONE):
        if op.kind == "matmul" and op.part not in UNTOUCHED and np.any(op.weights > 0.0):
            yield op


def has_matrices(item: Block, width: Floats) -> bool:
    """Tell whether a block holds matrices that transforms touch."""
    return any(True for _ in _touched(item, width))


def layer_matrices(model: ModelSpec) -> Iterator[tuple[Floats, Operation, Matrix]]:
    """Yield how often, in which operation, and which matrix, for all that transforms touch."""
    for layer in model.layers:
        for item in layer.blocks:
            for op in _touched(item, model.width):
                for matrix in matrices_of(op):
                    yield layer.count, op, matrix


def layer_weights(model: ModelSpec) -> Floats:
    """Return the weights of these matrices."""
    total: Floats = NOTHING
    for layer in model.layers:
        for item in layer.blocks:
            for op in _touched(item, model.width):
                total = total + layer.count * op.weights
    return total
