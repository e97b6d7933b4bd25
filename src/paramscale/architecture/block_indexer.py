"""The indexer of block-sparse attention: a small attention that chooses blocks of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul, norm
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["BlockIndexer"]


@block("block_indexer")
@attrs.frozen(eq=False)
class BlockIndexer:
    """Indexer of MiniMax-M3: the score of a block of tokens is its best ``q_h · k_s``.

    Queries of several heads and one key a token, which is cached, are made of the hidden state and
    normed; every earlier token is scored, ``2 heads width`` FLOPs a pair. The maximum in each block
    and the choice of the best blocks are not counted.

    Parameters
    ----------
    heads : Floats
        Query heads of the indexer.
    head_width : Floats
        Channels of a query head and of the key.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(integer=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, norms and scores."""
        tokens, heads, channels = step.tokens, self.heads, self.head_width
        return (
            matmul(
                "index_query", "attention", tokens, width, heads * channels, keeps_input=False
            ),
            matmul("index_key", "attention", tokens, width, channels, keeps_input=False),
            norm("index_query_norm", "attention", tokens * heads, channels, "rms"),
            norm("index_key_norm", "attention", tokens, channels, "rms"),
            Operation(
                "index_scores", "attention", "attention",
                flops=2.0 * step.pairs() * heads * channels,
                moved_in=tokens * heads * channels, moved_out=step.pairs(),
                state=step.sequences * step.context * channels,
                state_read=step.sequences * step.cached_tokens * channels,
                state_written=tokens * channels,
            ),
        )  # fmt: skip
