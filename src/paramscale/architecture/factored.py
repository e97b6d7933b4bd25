"""A block whose matrices are products of two thinner ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import Matrix, shapes_of
from paramscale.specs.block import NOTHING, Block, Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["Factored", "rank_of"]

#: Parts whose matrices stay whole.
_KEPT = ("router", "head")

#: What follows the first of the two, by how its channels are divided: each rank has a part of them.
_GATHERED = {"column": "all_gather", "heads": "all_gather"}


def rank_of(matrix: Matrix, rank: Floats | None, share: Floats) -> Floats:
    """Return the rank of a matrix: the given one, or the largest that leaves a share of it.

    A rank r has r (inputs + outputs) weights.
    """
    if rank is not None:
        return rank
    most = share * matrix.inputs * matrix.outputs / (matrix.inputs + matrix.outputs)
    return np.maximum(np.floor(most), 1.0)


@block("factored")
@attrs.frozen(eq=False)
class Factored:
    """A block whose matrices are products of two, through fewer channels.

    Matrices that a product would make larger stay whole; so do routers.

    Parameters
    ----------
    block : Block
        Whose matrices are factored.
    rank : Floats, optional
        Channels between the two, for every matrix; None: as `share` says.
    share : Floats
        Parameters that are left of each matrix.
    """

    kind: ClassVar[str]
    block: Block
    rank: Floats | None = number(None, integer=True, optional=True)
    share: Floats = number(0.5, high=1.0)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the operations of the block, two for each matrix."""
        ops, shapes = self.block.operations(width, step), shapes_of(self.block, width)
        found: list[Operation] = []
        for op, matrices in zip(ops, shapes, strict=True):
            kept = op.kind != "matmul" or op.part in _KEPT or not matrices
            found.extend([op] if kept else self._products(op, matrices))
        return found

    def _products(self, op: Operation, matrices: tuple[Matrix, ...]) -> Iterator[Operation]:
        """Yield the thin matrices of an operation; those into the few channels are one."""
        inputs = matrices[0].inputs
        all_outputs = sum((each.outputs for each in matrices), NOTHING)
        rows = op.moved_in / inputs
        thin = [(each, rank) for each in matrices if (rank := self._channels(each)) is not None]
        whole = [each for each in matrices if self._channels(each) is None]
        if not thin:
            yield op
            return
        channels = sum((rank for _, rank in thin), NOTHING)
        yield _scaled(op, channels / all_outputs)._replace(
            name=f"{op.name}_in", moved_out=rows * channels, apart=NOTHING,
            collective=_GATHERED.get(op.split, op.collective if op.split == "row" else ""),
            fused=tuple((f"{each.name}_in", rank) for each, rank in thin),
        )  # fmt: skip
        for each, rank in thin:
            second = _scaled(op, rank * each.outputs / (inputs * all_outputs))
            second = _one(second, f"{each.name}_out", rows, rank, each.outputs)
            yield second._replace(
                kept=rows * rank,
                split="column" if op.split == "row" else op.split,
                collective="all_gather" if op.split == "row" else second.collective,
            )
        for each in whole:
            share = each.outputs / all_outputs
            yield _one(_scaled(op, share), each.name, rows, inputs, each.outputs)

    def _channels(self, matrix: Matrix) -> Floats | None:
        """Return the rank of a matrix, or None where no weights would be saved."""
        most = np.floor(matrix.inputs * matrix.outputs / (matrix.inputs + matrix.outputs))
        rank = rank_of(matrix, self.rank, self.share)
        return None if np.all(rank >= most) else np.minimum(rank, most)


def _one(op: Operation, name: str, rows: Floats, inputs: Floats, outputs: Floats) -> Operation:
    """Return one of the matrices into which an operation was taken apart."""
    return op._replace(
        name=name, moved_in=rows * inputs, moved_out=rows * outputs, fused=(), kept=NOTHING,
        kept_fp32=NOTHING, buffers=NOTHING, apart=NOTHING,
        collective=op.collective if op.split == "experts" else "",
    )  # fmt: skip


def _scaled(op: Operation, share: Floats) -> Operation:
    """Return an operation with a share of the weights and of the work."""
    return op._replace(
        weights=op.weights * share,
        borrowed=op.borrowed * share,
        active=None if op.active is None else op.active * share,
        read=None if op.read is None else op.read * share,
        flops=op.flops * share,
    )
