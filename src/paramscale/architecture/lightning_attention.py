"""Lightning attention: linear attention with a fixed decay a head, computed in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import matmul, norm
from paramscale.architecture.recurrence import one_step, scan
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["LightningAttention"]


@block("lightning_attention")
@attrs.frozen(eq=False)
class LightningAttention:
    """Lightning attention of MiniMax-01 (arXiv:2501.08313, section 2.2; arXiv:2401.04658, alg. 1).

    Inside a block of q tokens a head of width D takes 4 q D FLOPs a token for scores and their
    product with the values, and 2 D² each to read the state kᵀv and to add to it; one further
    token takes only the latter two.

    Parameters
    ----------
    heads, head_width : Floats
        Heads, and channels of one head.
    chunk : Floats
        Tokens of a block.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(128.0, integer=True)
    chunk: Floats = number(256.0, integer=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, scan, norm, gate and output."""
        tokens, channels = step.tokens, self.heads * self.head_width
        return (
            matmul("query_key_value", "mixer", tokens, width, 3.0 * channels, split="column"),
            scan(
                step, flops=self._flops(step), state=channels * self.head_width,
                inputs=3.0 * channels, outputs=channels, state_format="model",
            ),
            norm("norm", "mixer", tokens, channels, "rms"),
            matmul(
                "gate", "mixer", tokens, width, channels, split="column", keeps_input=False
            ),
            matmul(
                "output", "mixer", tokens, channels, width, split="row", collective="all_reduce"
            ),
        )  # fmt: skip

    def _flops(self, step: Pass) -> Floats:
        channels = self.heads * self.head_width
        whole = np.floor(step.new_tokens / self.chunk)
        rest = step.new_tokens - whole * self.chunk
        pairs = step.sequences * (whole * self.chunk**2 + rest**2) * (1.0 - one_step(step))
        return 4.0 * channels * (pairs + step.tokens * self.head_width)
