"""A block that works on more tokens than the user gives: prompts put first, or further streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.specs.block import Block, Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["MoreTokens", "filled_up"]


def filled_up(step: Pass, multiple: Floats, above: Floats) -> Floats:
    """Return the new tokens of a sequence, filled up to a multiple if they are a long beginning."""
    new = step.new_tokens
    long = np.logical_and(step.cached_tokens == 0, new > above)
    return np.where(long, np.ceil(new / multiple) * multiple, new)


@block("more_tokens")
@attrs.frozen(eq=False)
class MoreTokens:
    """A block over every token, tokens put before the first one, and copies of both.

    Parameters
    ----------
    block : Block
        What is done.
    prefix : Floats
        Tokens that the model itself puts before those of the user, once a sequence (CPM-Ant).
    streams : Floats
        Copies of each token that go through the model together (ProphetNet).
    multiple, above : Floats
        A first pass of more than `above` tokens is filled up to a multiple (Reformer's chunks).
    """

    kind: ClassVar[str]
    block: Block
    prefix: Floats = number(0.0, integer=True, low_allowed=True)
    streams: Floats = number(1.0, integer=True)
    multiple: Floats = number(1.0, integer=True)
    above: Floats = number(0.0, integer=True, low_allowed=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the operations of the block in the larger pass."""
        begins = step.cached_tokens == 0
        filled = filled_up(step, self.multiple, self.above)
        larger = attrs.evolve(
            step,
            sequences=step.sequences * self.streams,
            new_tokens=filled + np.where(begins, self.prefix, 0.0),
            cached_tokens=step.cached_tokens + np.where(begins, 0.0, self.prefix),
        )
        return self.block.operations(width, larger)
