"""Attention inside chunks of the sequence, or of the sequence sorted by hashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.more_tokens import filled_up
from paramscale.architecture.parts import matmul
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["ChunkAttention"]


@block("chunk_attention")
@attrs.frozen(eq=False)
class ChunkAttention:
    """Local and locality-sensitive-hashing attention of the Reformer (arXiv:2001.04451, section 2).

    Queries of a chunk meet the keys of that chunk and of `before` earlier ones. With hashing,
    queries are keys, tokens are sorted by their bucket first, once for each of `hashes` rounds, and
    the buckets come from a projection on random directions. A sequence no longer than one chunk is
    attended to as a whole. Hidden states are kept in place of keys and values, which a decode step
    computes again for the chunks that it meets.

    Parameters
    ----------
    heads, head_width : Floats
        Heads and their channels.
    chunk, before : Floats
        Tokens of a chunk, and earlier chunks that each one sees.
    hashed : bool
        Whether chunks are of tokens sorted by hash; else they are of neighbours.
    hashes : Floats
        Rounds of hashing.
    buckets : Floats, optional
        Random directions twice; None means the largest power of 2 up to two a chunk.
    most_buckets : Floats, optional
        Above so many, tokens are hashed in two steps, with about the root as many buckets in each.
    multiple, above : Floats
        A first pass of more than `above` tokens is filled up to a multiple.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(integer=True)
    chunk: Floats = number(integer=True, default=64)
    before: Floats = number(1.0, integer=True, low_allowed=True)
    hashed: bool = flag(False)
    hashes: Floats = number(1.0, integer=True)
    buckets: Floats | None = number(None, integer=True, optional=True)
    most_buckets: Floats | None = number(None, integer=True, optional=True)
    multiple: Floats = number(1.0, integer=True)
    above: Floats = number(0.0, integer=True, low_allowed=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, hashing, attention and output."""
        inner = self.heads * self.head_width
        new = filled_up(step, self.multiple, self.above)
        tokens = step.sequences * new
        # a decode step projects the tokens again that its chunk and the earlier ones hold
        again = step.sequences * np.minimum(step.cached_tokens, self.chunk * self.before)
        kinds = 1.0 if self.hashed else 2.0
        return (
            matmul("query", "attention", tokens, width, inner, split="column"),
            matmul("key_value", "attention", tokens + again, width, kinds * inner, split="column"),
            self._scores(width, step, new),
            matmul(
                "output", "attention", tokens, inner, width, split="row", collective="all_reduce"
            ),
        )

    def _scores(self, width: Floats, step: Pass, new: Floats) -> Operation:
        inner, seen = self.heads * self.head_width, new + step.cached_tokens
        short = np.logical_or(new <= self.chunk, step.cached_tokens > 0)
        rounds = np.where(short, 1.0, self.hashes) if self.hashed else 1.0
        keys = self.chunk * (self.before + 1.0)
        keys = np.where(step.cached_tokens > 0, np.minimum(seen, keys), np.where(short, seen, keys))
        tokens = step.sequences * new
        flops = 4.0 * tokens * rounds * keys * inner
        if self.hashed:
            flops = flops + np.where(short, 0.0, 2.0 * tokens * inner * self._directions(new))
        return Operation(
            "scores", "attention", "attention", flops=flops, moved_in=tokens * rounds * inner,
            moved_out=tokens * inner, kept=3.0 * tokens * rounds * inner,
            state=step.sequences * step.held() * width, state_format="model",
            state_read=step.sequences * np.minimum(step.recalled(), keys) * width,
            state_written=step.tokens * width, split="heads",
        )  # fmt: skip

    def _directions(self, new: Floats) -> Floats:
        buckets = self.buckets
        if buckets is None:
            chunks = np.maximum(np.floor(new / self.chunk), 1.0)
            power = np.floor(np.log2(2.0 * chunks))
            buckets = np.exp2(power)
            if self.most_buckets is not None:
                half = np.floor(power / 2.0)
                steps = np.exp2(half) + np.exp2(power - half)
                buckets = np.where(buckets > self.most_buckets, steps, buckets)
        return self.hashes * buckets / 2.0
