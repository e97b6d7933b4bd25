"""Attention of a main stream and of streams that predict several tokens ahead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["NgramAttention"]


@block("ngram_attention")
@attrs.frozen(eq=False)
class NgramAttention:
    """N-stream self-attention of ProphetNet (arXiv:2001.04063, section 2.2).

    The main stream attends to itself. Each of the `streams` that predict attends to the main
    stream and to itself, with its own copy of every token; only the main stream is cached. All
    share four projections with biases, and one from hidden states to a position bias for every
    distance bucket and head.

    Parameters
    ----------
    heads : Floats
        Heads, each with as many queries as keys and values.
    head_width : Floats
        Channels of a head.
    streams : Floats
        Streams that predict: tokens foreseen at each position.
    buckets : Floats
        Distance buckets of the position biases.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(integer=True)
    streams: Floats = number(2.0, integer=True)
    buckets: Floats = number(32.0, integer=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, position biases, attention and output."""
        inner = self.heads * self.head_width
        tokens = step.tokens * (1.0 + self.streams)
        return (
            matmul(
                "query_key_value", "attention", tokens, width, 3.0 * inner, bias=True,
                split="column",
            ),
            matmul(
                "position_bias", "attention", tokens, width, self.heads * self.buckets, bias=True,
                split="column", keeps_input=False,
            ),
            self._scores(step, inner),
            matmul(
                "output", "attention", tokens, inner, width, bias=True, split="row",
                collective="all_reduce",
            ),
        )  # fmt: skip

    def _scores(self, step: Pass, inner: Floats) -> Operation:
        # a predicting token sees the main stream up to itself, and of its own stream itself alone;
        # the reference computes the whole square of its own stream and masks it
        itself = step.tokens if step.causal else step.tokens * step.new_tokens
        pairs = (1.0 + self.streams) * step.pairs() + self.streams * itself
        rows = step.tokens * (1.0 + self.streams) * inner
        return Operation(
            "scores", "attention", "attention", flops=4.0 * pairs * inner, moved_in=rows,
            moved_out=rows, kept=4.0 * rows, state=step.sequences * step.held() * 2.0 * inner,
            state_read=step.sequences * step.recalled() * 2.0 * inner,
            state_written=step.tokens * 2.0 * inner, state_ranks=self.heads, split="heads",
        )  # fmt: skip
