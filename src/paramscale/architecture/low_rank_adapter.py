"""A low-rank adapter that belongs to the architecture itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["LowRankAdapter"]


@block("low_rank_adapter")
@attrs.frozen(eq=False)
class LowRankAdapter:
    """Two matrices of small rank beside a shared one, so that its uses differ (Zamba2).

    Parameters
    ----------
    rank : Floats
        Channels between the two matrices.
    inputs, outputs : Floats
        Channels of input and output.
    names : Floats
        Under how many names the matrices are stored.
    shared : bool
        Whether those names mean the same tensors, counted once. Otherwise each is a tensor of
        its own, of which only one is used here.
    part : str
        Component of the breakdown.
    """

    kind: ClassVar[str]
    rank: Floats = number(integer=True)
    inputs: Floats = number(integer=True, scales="exactly")
    outputs: Floats = number(integer=True, scales="about")
    names: Floats = number(1.0, integer=True)
    shared: bool = flag(True)
    part: str = attrs.field(default="attention")

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the two projections."""
        down = matmul("adapter_down", self.part, step.tokens, self.inputs, self.rank)
        up = matmul("adapter_up", self.part, step.tokens, self.rank, self.outputs)
        down = down._replace(kept=down.kept * 0.0)  # the matrix beside it keeps the same input
        if self.shared:
            again = self.names - 1.0
            return [op._replace(borrowed=again * op.weights, read=op.weights) for op in (down, up)]
        return [op._replace(weights=self.names * op.weights, read=op.weights) for op in (down, up)]
