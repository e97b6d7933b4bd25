"""A block with low-rank adapters beside its matrices (LoRA, arXiv:2106.09685)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import Matrix, matmul, shapes_of
from paramscale.specs.block import NOTHING, Block, Operation, block
from paramscale.specs.fields import choice, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["ADAPTER", "Adapted", "stands_beside"]

#: Component of the breakdown of every adapter.
ADAPTER = "adapter"

_KEPT = ("router", "head")


def stands_beside(matrix: str, op: Operation, beside: str) -> bool:
    """Tell whether an adapter stands beside a matrix of an operation.

    Parameters
    ----------
    beside : str
        ``"all"`` matrices, those of ``"attention"``, or ``"query_value"``: its queries and values.
    """
    if op.kind != "matmul" or op.part in _KEPT:
        return False
    if beside == "all":
        return True
    skipped = ("gate",) if beside == "attention" else ("gate", "output", "key")
    return op.part == "attention" and matrix not in skipped


@block("adapted")
@attrs.frozen(eq=False)
class Adapted:
    """A block beside whose matrices two thin ones stand: y = W x + B (A x).

    They are not added to the weights, so that one model serves many of them.

    Parameters
    ----------
    block : Block
        The block as it was.
    rank : Floats
        Channels between the two matrices.
    beside : str
        Which matrices have adapters: ``"all"``, those of ``"attention"``, or ``"query_value"``.
    """

    kind: ClassVar[str]
    block: Block
    rank: Floats = number(16.0, integer=True)
    beside: str = choice("all", ("all", "attention", "query_value"))

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the operations of the block, and those of the adapters."""
        ops = list(self.block.operations(width, step))
        shapes = shapes_of(self.block, width)
        return ops + [
            adapter
            for op, matrices in zip(ops, shapes, strict=True)
            for each in matrices
            if stands_beside(each.name, op, self.beside)
            for adapter in self._adapter(op, each)
        ]

    def _adapter(self, op: Operation, matrix: Matrix) -> Iterator[Operation]:
        rows = op.moved_in / matrix.inputs
        ends = ((matrix.inputs, self.rank, "in"), (self.rank, matrix.outputs, "out"))
        for inputs, outputs, end in ends:
            made = matmul(f"{matrix.name}_adapter_{end}", ADAPTER, rows, inputs, outputs)
            share = inputs * outputs / (matrix.inputs * matrix.outputs * _matrices(op, matrix))
            yield made._replace(
                weights=made.weights * matrix.copies,
                active=None if op.active is None else op.active * share,
                read=None if op.read is None else op.read * share,
                kept=NOTHING if end == "in" else made.kept,  # the matrix keeps the same input
                split="experts" if op.split == "experts" else "none",
            )


def _matrices(op: Operation, matrix: Matrix) -> Floats:
    """Return how many times as large as one of its matrices an operation is."""
    if not op.fused:
        return matrix.copies / matrix.copies
    return sum((outputs for _, outputs in op.fused), NOTHING) / matrix.outputs
