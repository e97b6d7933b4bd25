"""A block that runs once more in the same pass, with the same weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.specs.block import NOTHING, Block, Operation, block
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["Repeated"]


@block("repeated")
@attrs.frozen(eq=False)
class Repeated:
    """A further run of a block that stands earlier in the same pass, as in recurrent depth.

    Work and state are those of the block, its weights are read again, and they are neither held
    nor stored under a further name (as those of a ``Borrowed`` block are).

    Parameters
    ----------
    block : Block
        What is run again.
    """

    kind: ClassVar[str]
    block: Block

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the operations of the block, holding nothing."""
        return [
            op._replace(
                weights=NOTHING, borrowed=NOTHING, active=NOTHING, buffers=NOTHING,
                read=op.weights_read,
            )
            for op in self.block.operations(width, step)
        ]  # fmt: skip
