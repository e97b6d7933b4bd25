"""A bias of attention scores by distance that each token mixes from learned profiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["RelativeBias"]


@block("relative_bias")
@attrs.frozen(eq=False)
class RelativeBias:
    """Relative position bias of Inkling: ``(W_r x)_h · P`` over the distances up to an extent.

    Every head of a token has a few channels, which weigh the rows of one table of profiles that
    all heads share; the result is added to the scores.

    Parameters
    ----------
    heads : Floats
        Query heads.
    channels : Floats
        Channels of a head, and profiles of the table.
    extent : Floats
        Distances of a profile; beyond it there is no bias.
    scaled : bool
        Whether the channels of each head have a learned scale.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    channels: Floats = number(integer=True)
    extent: Floats = number(integer=True)
    scaled: bool = flag(False)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the projection to channels, and their product with the profiles."""
        outputs = self.heads * self.channels
        project = matmul(
            "relative", "attention", step.tokens, width, outputs,
            bias=outputs if self.scaled else NOTHING, split="column", keeps_input=False,
        )  # fmt: skip
        rows = step.tokens * self.heads
        return project, matmul("profiles", "attention", rows, self.channels, self.extent)
