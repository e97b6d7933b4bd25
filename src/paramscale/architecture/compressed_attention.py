"""Compressed attention of DeepSeek-V4: a sliding window, and pooled entries of what came before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import matmul, norm
from paramscale.errors import SpecError
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["CompressedAttention", "pooled_pairs"]


def pooled_pairs(step: Pass, rate: Floats, selected: Floats | None = None) -> Floats:
    """Return the pairs of queries and pooled entries of all sequences together.

    The query at position t (from 1) sees the ``floor(t / rate)`` entries whose tokens are past, or
    `selected` of them. Without causal counting each query sees every entry that there is.

    Examples
    --------
    >>> step = Pass(1, 5)
    >>> float(pooled_pairs(step, np.float64(2.0)))  # 0 + 1 + 1 + 2 + 2
    6.0
    >>> float(pooled_pairs(step, np.float64(2.0), np.float64(1.0)))
    4.0
    """
    if not step.causal:
        return step.tokens * np.floor(step.context / rate)

    def until(tokens: Floats) -> Floats:
        growing = tokens if selected is None else np.minimum(tokens, selected * rate)
        whole = np.floor(growing / rate)
        pairs = rate * whole * (whole - 1.0) * 0.5 + whole * (growing - whole * rate + 1.0)
        return pairs if selected is None else pairs + (tokens - growing) * selected

    return step.sequences * (until(step.context) - until(step.cached_tokens))


@block("compressed_attention")
@attrs.frozen(eq=False)
class CompressedAttention:
    """Hybrid attention of DeepSeek-V4 (its report, section 2.3), or its sliding window alone.

    One head of keys, which are the values too, serves all query heads. Beside the last `window`
    tokens a query sees entries into which a compressor pools `rate` tokens each by a gated sum
    (section 2.3.2, equations 20 to 23). *Compressed sparse attention* (section 2.3.1) pools two
    overlapping series, and an indexer with a small compressor of its own leaves `selected` entries
    to each query. Outputs are projected in groups of heads through a low rank.

    The cache holds the window, the pooled entries, the tokens of the unfinished window of each
    compressor (twice: content and gate), and of overlapping ones the last window's share.

    Parameters
    ----------
    heads : Floats
        Query heads.
    head_width : Floats
        Channels of a head, and of the keys.
    query_rank : Floats
        Rank of the query projection.
    window : Floats
        Each token sees at most this many tokens themselves, itself included.
    output_groups, output_rank : Floats
        Groups of heads, and the rank of each group's output.
    rate : Floats, optional
        Tokens that are pooled into one entry; None means the window alone.
    index_heads, index_width, selected : Floats, optional
        Indexer of compressed sparse attention; None means that every entry is seen.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(integer=True)
    query_rank: Floats = number(integer=True)
    window: Floats = number(integer=True)
    output_groups: Floats = number(integer=True)
    output_rank: Floats = number(integer=True)
    rate: Floats | None = number(None, integer=True, optional=True)
    index_heads: Floats | None = number(None, integer=True, optional=True)
    index_width: Floats | None = number(None, integer=True, optional=True)
    selected: Floats | None = number(None, integer=True, optional=True)

    def __attrs_post_init__(self) -> None:
        if np.any(np.remainder(self.heads, self.output_groups)):
            raise SpecError(
                "CompressedAttention.heads must be a multiple of output_groups, not"
                f" {self.heads} and {self.output_groups}"
            )

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, compressor, indexer, attention and grouped output."""
        tokens, channels = step.tokens, self.head_width
        queries = self.heads * channels
        ops = [
            matmul("query_down", "attention", tokens, width, self.query_rank),
            norm("query_norm", "attention", tokens, self.query_rank, "rms"),
            matmul("query_up", "attention", tokens, self.query_rank, queries, split="column"),
            matmul("key_value", "attention", tokens, width, channels, keeps_input=False),
            norm("key_norm", "attention", tokens, channels, "rms"),
        ]
        if self.rate is not None:
            indexed = self.index_heads is not None
            ops += _compressor("pool", width, step, channels, self.rate, overlapping=indexed)
            ops += self._indexer(width, step, self.rate)
        ops.append(self._scores(step))
        low = self.output_groups * self.output_rank
        ops += [
            matmul(
                "output_down", "attention", tokens, queries, self.output_rank, split="column"
            ),
            matmul("output_up", "attention", tokens, low, width, collective="all_reduce"),
        ]  # fmt: skip
        return ops

    def _indexer(self, width: Floats, step: Pass, rate: Floats) -> list[Operation]:
        """Return the scores of pooled entries, equations 13 to 17."""
        heads, channels = self.index_heads, self.index_width
        if heads is None or channels is None:
            return []
        return [
            *_compressor("index_pool", width, step, channels, rate, overlapping=True),
            matmul(
                "index_query", "attention", step.tokens, self.query_rank, heads * channels,
                keeps_input=False,
            ),
            matmul("index_weights", "attention", step.tokens, width, heads, keeps_input=False),
            Operation(
                "index_scores", "attention", "attention",
                flops=2.0 * pooled_pairs(step, rate) * heads * channels,
                moved_in=step.tokens * heads * channels, moved_out=pooled_pairs(step, rate),
                state_read=step.sequences * np.floor(step.cached_tokens / rate) * channels,
            ),
        ]  # fmt: skip

    def _scores(self, step: Pass) -> Operation:
        channels, rows = self.head_width, step.tokens * self.heads
        pairs = step.pairs(self.window)
        reached = step.sequences * step.recalled(self.window)
        if self.rate is not None:
            pairs = pairs + pooled_pairs(step, self.rate, self.selected)
            pooled = np.floor(step.cached_tokens / self.rate)
            if self.selected is not None:
                pooled = np.minimum(pooled, self.selected * step.new_tokens)
            reached = reached + step.sequences * pooled
        # the cache class of plain windows holds keys and values, though they are equal
        entry = channels if self.rate is not None else 2.0 * channels
        return Operation(
            "scores", "attention", "attention", weights=self.heads,
            flops=4.0 * pairs * self.heads * channels,
            moved_in=rows * channels, moved_out=rows * channels,
            kept=rows * (2.0 * channels + 1.0) + step.tokens * channels,
            state=step.sequences * step.held(self.window) * entry,
            state_read=reached * channels, state_written=step.tokens * entry, split="heads",
        )  # fmt: skip


def _compressor(
    name: str, width: Floats, step: Pass, channels: Floats, rate: Floats, *, overlapping: bool
) -> list[Operation]:
    """Return content, gate and gated sum of a compressor that makes entries of `channels`."""
    outputs = 2.0 * channels if overlapping else channels
    entries = np.floor(step.context / rate)
    new = entries - np.floor(step.cached_tokens / rate)
    waiting = (step.context - entries * rate) * 2.0 * outputs
    if overlapping:  # content and gate of the last window's first series
        waiting = waiting + 2.0 * rate * channels * np.minimum(entries, 1.0)
    content = matmul(f"{name}_content", "attention", step.tokens, width, outputs, keeps_input=False)
    return [
        content,
        content._replace(
            name=f"{name}_gate", state=step.sequences * waiting, state_format="model",
            state_read=step.sequences * waiting, state_written=step.sequences * waiting,
        ),
        Operation(
            f"{name}_sum", "attention", "elementwise",
            weights=rate * outputs + channels,  # a bias of each position, and a norm
            moved_in=2.0 * step.tokens * outputs, moved_out=step.sequences * new * channels,
            kept=2.0 * step.tokens * outputs,
            state=step.sequences * entries * channels,
            state_written=step.sequences * new * channels,
        ),
    ]  # fmt: skip
