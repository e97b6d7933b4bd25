"""The lightning indexer of sparse attention: a small attention that chooses for a large one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul, norm
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import choice, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["Indexer"]


@block("indexer")
@attrs.frozen(eq=False)
class Indexer:
    """Lightning indexer of DeepSeek-V3.2 (its report, section 2.1, equation 1).

    The index score of query t and token s is ``sum_h w_th relu(q_th · k_s)``: one key a token,
    which is cached, several query heads made of the latent of the attention's queries, and weights
    of the heads made of the hidden state. Every earlier token is scored, ``2 heads (width + 1)``
    FLOPs a pair; the choice of the best is not counted.

    Parameters
    ----------
    heads : Floats
        Query heads of the indexer.
    head_width : Floats
        Channels of a query head and of the key.
    query_rank : Floats
        Width of the query latent that the attention hands over.
    key_format : str
        Format of the cached keys: the cache's, or ``"fp32"`` where the reference code keeps that.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True)
    head_width: Floats = number(integer=True)
    query_rank: Floats = number(integer=True)
    key_format: str = choice("kv", ("kv", "fp32"))

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, key norm and scores."""
        tokens, heads, channels = step.tokens, self.heads, self.head_width
        return (
            matmul(
                "index_query", "attention", tokens, self.query_rank, heads * channels,
                keeps_input=False,
            ),
            matmul("index_key", "attention", tokens, width, channels, keeps_input=False),
            norm("index_norm", "attention", tokens, channels, "layer"),
            matmul("index_weights", "attention", tokens, width, heads, keeps_input=False),
            Operation(
                "index_scores", "attention", "attention",
                flops=2.0 * step.pairs() * heads * (channels + 1.0),
                moved_in=tokens * heads * (channels + 1.0), moved_out=step.pairs(),
                state=step.sequences * step.context * channels, state_format=self.key_format,
                state_read=step.sequences * step.cached_tokens * channels,
                state_written=tokens * channels,
            ),
        )  # fmt: skip
