"""A block of a model inside the model: another width, and fewer tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.specs.block import Block, Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["Nested"]


@block("nested")
@attrs.frozen(eq=False)
class Nested:
    """A block that works on hidden states of its own width, one for every few tokens.

    Parameters
    ----------
    block : Block
        What is done.
    width : Floats
        Channels of its hidden states.
    share : Floats
        Its hidden states a token of the model: 1/4 where four bytes make a patch. In a decode step
        the work of a patch is spread over its bytes.
    """

    kind: ClassVar[str]
    block: Block
    width: Floats = number(integer=True, scales="exactly")
    share: Floats = number(1.0)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the operations of the block at its width, for its share of the tokens."""
        inner = attrs.evolve(
            step,
            new_tokens=step.new_tokens * self.share,
            cached_tokens=step.cached_tokens * self.share,
        )
        return self.block.operations(self.width, inner)
