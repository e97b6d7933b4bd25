"""Block-sparse attention with a fixed pattern: nearby blocks, and every so many blocks before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["BlockSparseAttention"]


@block("block_sparse_attention")
@attrs.frozen(eq=False)
class BlockSparseAttention:
    """Block-sparse attention of Phi-3-small (arXiv:2404.14219, section 2).

    A query sees the tokens of the last `window`, and of those before one in `stride`; which ones
    differs between heads. Without causal counting every pair is counted, as in windowed layers.
    The cache keeps all tokens.

    Parameters
    ----------
    attention : GroupedAttention
        Heads, projections and cache.
    window : Floats
        Nearby tokens that are all seen.
    stride : Floats
        Of blocks before the window one in this many is seen.
    """

    kind: ClassVar[str]
    attention: GroupedAttention
    window: Floats = number(integer=True)
    stride: Floats = number(integer=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the operations of the attention with fewer pairs."""
        return [
            self._thinned(op, step) if op.kind == "attention" else op
            for op in self.attention.operations(width, step)
        ]

    def _thinned(self, op: Operation, step: Pass) -> Operation:
        if not step.causal:
            return op
        every, near = step.pairs(), step.pairs(self.window)
        seen = (near + (every - near) / self.stride) / every
        recalled, close = step.cached_tokens, step.recalled(self.window)
        reached = step.sequences * (close + (recalled - close) / self.stride)
        attend = self.attention
        entry = 2.0 * attend.kv_heads * attend.head_width
        return op._replace(flops=op.flops * seen, state_read=reached * entry)
