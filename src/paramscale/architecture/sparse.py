"""A block of whose weights a share is zero: pruned, in a pattern or anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.specs.block import NOTHING, Block, Operation, Sparsity, block
from paramscale.specs.fields import choice, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["INDICES", "STORAGES", "Sparse"]

#: Ways to store zeros: as numbers; left out, with an index for each kept weight inside its group;
#: with a bit for each weight; with the 16-bit column of each kept weight (compressed rows).
STORAGES = ("dense", "indexed", "bitmask", "csr")

#: Bits of the index of a kept weight inside its group of four or eight.
INDICES = {"2:4": 2.0, "4:8": 3.0}

_COLUMN_BITS = 16.0

#: Parts whose matrices are not pruned.
_KEPT = ("router", "head")


@block("sparse")
@attrs.frozen(eq=False)
class Sparse:
    """A block some of whose weights are zero.

    Shapes stay, and so do the counts of parameters and FLOPs: a zero is a weight like others to a
    machine that does not know of it. Where zeros are left out of storage the bytes fall; where the
    machine has units that pass over the pattern, so do the FLOPs it computes and the bytes it
    reads (see :meth:`paramscale.specs.hardware.HardwareSpec.left_of`).

    Parameters
    ----------
    block : Block
        Whose matrices are pruned; routers are not.
    sparsity : Floats
        Share of the weights that is zero.
    pattern : str
        ``"unstructured"``: anywhere; ``"2:4"``, ``"4:8"``: at least 2 of each 4, 4 of each 8.
    storage : str
        ``"dense"``: zeros are stored; ``"indexed"``: kept weights with their place in the group;
        ``"bitmask"``: with one bit for each weight; ``"csr"``: with the column of each of them.
    """

    kind: ClassVar[str]
    block: Block
    sparsity: Floats = number(0.5, low_allowed=True, high=1.0, high_allowed=False)
    pattern: str = choice("unstructured", ("unstructured", "2:4", "4:8"))
    storage: str = choice("dense", STORAGES)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the operations of the block, told which weights are zero."""
        density = 1.0 - self.sparsity
        zeros = Sparsity(self.pattern, density, self._index_bits(density), self.storage != "dense")
        return [
            op._replace(sparse=zeros) if op.kind == "matmul" and op.part not in _KEPT else op
            for op in self.block.operations(width, step)
        ]

    def _index_bits(self, density: Floats) -> Floats:
        """Return the bits an element, zeros included, that say where the others stand."""
        if self.storage == "bitmask":
            return density * 0.0 + 1.0
        if self.storage == "csr":
            return density * _COLUMN_BITS
        if self.storage == "indexed":
            return density * INDICES.get(self.pattern, _COLUMN_BITS)
        return NOTHING
