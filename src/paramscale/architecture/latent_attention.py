"""Multi-head latent attention (MLA): keys and values rebuilt from one small latent per token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import matmul, norm
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["LatentAttention"]

_NONE = np.float64(0.0)


@block("latent_attention")
@attrs.frozen(eq=False)
class LatentAttention:
    """MLA of DeepSeek-V2 (arXiv:2405.04434, section 2.1), with or without query low rank.

    The cache holds the latent and the rotary key of each token, whatever the number of heads.
    A decode step either expands the cached latents to keys and values (the reference code), or
    absorbs the up-projections into queries and outputs and attends in the latent space (engines):
    ``Pass.absorbed`` says which.

    Parameters
    ----------
    heads : Floats
        Query heads.
    query_rank : Floats, optional
        Rank of the query projection; None means a full matrix.
    kv_rank : Floats
        Width of the latent.
    nope_width, rope_width, value_width : Floats
        Channels of a head without and with rotary position, and of a value.
    bias : bool
        Bias of the down-projections and of the output.
    selected : Floats, optional
        Tokens that a sparse indexer leaves to each query (DeepSeek-V3.2).
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    query_rank: Floats | None = number(None, integer=True, optional=True)
    kv_rank: Floats = number(integer=True, default=512)
    nope_width: Floats = number(integer=True, default=128)
    rope_width: Floats = number(integer=True, default=64)
    value_width: Floats = number(integer=True, default=128)
    bias: bool = flag(False)
    selected: Floats | None = number(None, integer=True, optional=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return down-projections, up-projections, attention and output."""
        ops = self._queries(width, step)
        ops.append(
            matmul(
                "latent_down", "attention", step.tokens, width, self.kv_rank + self.rope_width,
                bias=self.bias, keeps_input=False,
            )
        )  # fmt: skip
        ops.append(norm("latent_norm", "attention", step.tokens, self.kv_rank, "rms"))
        ops.extend(self._attention(step))
        ops.append(
            matmul(
                "output", "attention", step.tokens, self.heads * self.value_width, width,
                bias=self.bias, split="row", collective="all_reduce",
            )
        )  # fmt: skip
        return ops

    def _queries(self, width: Floats, step: Pass) -> list[Operation]:
        outputs = self.heads * (self.nope_width + self.rope_width)
        tokens = step.tokens
        if self.query_rank is None:
            return [matmul("query", "attention", tokens, width, outputs, split="column")]
        return [
            matmul("query_down", "attention", tokens, width, self.query_rank, bias=self.bias),
            norm("query_norm", "attention", tokens, self.query_rank, "rms"),
            matmul("query_up", "attention", tokens, self.query_rank, outputs, split="column"),
        ]

    def _attention(self, step: Pass) -> list[Operation]:
        heads, rank = self.heads, self.kv_rank
        entry = rank + self.rope_width
        window = self.selected if step.causal else None  # the reference masks, and computes all
        pairs = step.pairs(window)
        absorbs = np.logical_and(step.absorbed, step.cached_tokens > 0)
        expanded = step.tokens + step.sequences * step.cached_tokens
        # absorbed: each new token goes through the matrix twice (query and output side), and the
        # heads attend over latent + rotary channels; expanded: every token of the context does
        up = 2.0 * rank * heads * (self.nope_width + self.value_width)
        up_flops = up * np.where(absorbs, step.tokens, expanded)
        channels = np.where(
            absorbs, 2.0 * rank + self.rope_width,
            self.nope_width + self.rope_width + self.value_width,
        )  # fmt: skip
        rows = step.tokens * heads
        return [
            Operation(
                "latent_up", "attention", "matmul",
                weights=rank * heads * (self.nope_width + self.value_width), flops=up_flops,
                moved_in=step.tokens * rank, moved_out=rows * (self.nope_width + self.value_width),
                kept=step.tokens * rank, split="column",
            ),
            Operation(
                "scores", "attention", "attention", flops=2.0 * pairs * heads * channels,
                moved_in=rows * (self.nope_width + self.rope_width),
                moved_out=rows * self.value_width,
                kept=rows * (2.0 * (self.nope_width + self.rope_width) + 2.0 * self.value_width + 1.0),
                state=step.sequences * step.context * entry,
                state_read=step.sequences * _recalled(step, self.selected) * entry,
                state_written=step.tokens * entry, split="heads",
            ),
        ]  # fmt: skip


def _recalled(step: Pass, selected: Floats | None) -> Floats:
    """Return the cached tokens read: all, or those that the indexer selected for some query."""
    if selected is None:
        return step.cached_tokens
    return np.minimum(step.cached_tokens, selected * step.new_tokens)
