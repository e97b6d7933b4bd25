"""A residual that attends over the outputs of earlier groups of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.specs.block import Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["AttentionResidual"]


@block("attention_residual")
@attrs.frozen(eq=False)
class AttentionResidual:
    """Block attention residual: the input of a block is a softmax average over depth.

    At each position a learned query scores the normed states of the sources, which are the
    embedding, the sums of earlier groups of layers and the sum of the group so far.

    Parameters
    ----------
    sources : Floats
        States that are averaged.
    queries : Floats
        Learned queries, and so averages (three where query, key and value have their own input).
    """

    kind: ClassVar[str]
    sources: Floats = number(integer=True)
    queries: Floats = number(1.0, integer=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return scores and average, which are products of activations for every token."""
        moved = step.tokens * width
        return (
            Operation(
                "depth", "attention", "attention", weights=self.queries * width,
                flops=4.0 * moved * self.queries * self.sources,
                moved_in=moved * self.sources, moved_out=moved * self.queries,
                kept=moved * self.sources,
            ),
        )  # fmt: skip
