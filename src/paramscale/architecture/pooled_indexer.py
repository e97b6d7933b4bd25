"""The indexer of sparse attention over pooled blocks: it scores one mean key for each block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import matmul, norm
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["PooledIndexer"]


def _whole_blocks(tokens: Floats, size: Floats) -> Floats:
    """Return ``sum of floor(v / size)`` over v from 1 to `tokens`."""
    whole = np.floor(tokens / size)
    return size * whole * (whole - 1.0) / 2.0 + whole * (tokens - whole * size + 1.0)


@block("pooled_indexer")
@attrs.frozen(eq=False)
class PooledIndexer:
    """Indexer of Qwen4's sparse attention: keys of whole blocks are averaged before the scores.

    A query of several heads is compared with each whole block before it, ``2 heads width`` FLOPs a
    pair. The key of every token is cached, since the reference pools them anew in each pass.

    Parameters
    ----------
    heads : Floats
        Query heads of the indexer.
    head_width : Floats
        Channels of a query head and of the key.
    block : Floats
        Tokens of a block.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(integer=True)
    block: Floats = number(integer=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projection, norms and scores."""
        tokens, heads, channels = step.tokens, self.heads, self.head_width
        pairs = step.sequences * (
            _whole_blocks(step.context, self.block) - _whole_blocks(step.cached_tokens, self.block)
        )
        return (
            matmul(
                "index_query_key", "attention", tokens, width, (heads + 1.0) * channels,
                keeps_input=False,
            ),
            norm("index_query_norm", "attention", tokens * heads, channels, "rms"),
            norm("index_key_norm", "attention", tokens, channels, "rms"),
            Operation(
                "index_scores", "attention", "attention", flops=2.0 * pairs * heads * channels,
                moved_in=tokens * heads * channels, moved_out=pairs,
                state=step.sequences * step.context * channels,
                state_read=step.sequences * step.cached_tokens * channels,
                state_written=tokens * channels,
            ),
        )  # fmt: skip
