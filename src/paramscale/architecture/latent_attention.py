"""Multi-head latent attention (MLA): keys and values rebuilt from one small latent per token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import attrs
import numpy as np

from paramscale.architecture.parts import matmul, norm
from paramscale.errors import SpecError
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import choice, flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["LatentAttention"]


class _Way(NamedTuple):
    """How heads attend: pairs, channels of a pair, rows through the up-projection, entries read."""

    pairs: Floats
    channels: Floats
    rows: Floats
    recalled: Floats


@block("latent_attention")
@attrs.frozen(eq=False)
class LatentAttention:
    """MLA of DeepSeek-V2 (arXiv:2405.04434, section 2.1), with or without query low rank.

    The cache holds the latent and the rotary key of each token, whatever the number of heads.
    Heads attend in one of two ways, which give the same result (same paper, section 2.1.2 and
    appendix C). *Expanded*: the latents of the whole context become keys and values, and a
    (query, key) pair costs ``2 (nope + rope + value)`` FLOPs a head. *Absorbed*: the up-projections
    move into query and output, only new tokens pass them, and a pair costs ``2 (2 rank + rope)``.
    The reference code always expands. With ``Pass.absorbed`` the way with fewer FLOPs is taken
    wherever there is a cache, as engines do: decode steps absorb, long chunks of a prompt expand.

    With `selected` tokens for each query (DeepSeek-V3.2 report, section 2.1 and equation 2) the
    absorbed way attends to those only, also in a prompt, and the expanded way masks, that is, it
    computes every pair; engines use the masked way for short prompts. So the FLOPs are at most
    those of the same attention without selection.

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
        Tokens that a sparse indexer leaves to each query; the indexer is a block of its own.
    window : Floats, optional
        Sliding window: each token sees at most this many tokens, itself included.
    gate : str
        Gate on the attention output: ``"heads"`` one scalar a head, and ``"elements"`` one a
        channel, from the hidden state;
        ``"latent"`` every channel, from one matrix with the queries whose input is the query
        latent before and after its norm (A.X-K2); ``"none"``.
    rope_norm : bool
        Whether the rotary key has a learned norm.
    sinks : bool
        Whether each head has a learned sink logit.
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
    window: Floats | None = number(None, integer=True, optional=True)
    gate: str = choice("none", ("none", "heads", "elements", "latent"))
    rope_norm: bool = flag(False)
    sinks: bool = flag(False)

    def __attrs_post_init__(self) -> None:
        if self.gate == "latent" and self.query_rank is None:
            raise SpecError(
                "LatentAttention.gate 'latent' needs a query latent; give query_rank, or choose"
                " 'heads' or 'elements'"
            )

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return down-projections, up-projections, attention and output."""
        tokens = step.tokens
        ops = self._queries(width, tokens)
        ops.append(
            matmul(
                "latent_down", "attention", tokens, width, self.kv_rank + self.rope_width,
                bias=self.bias, keeps_input=False,
            )
        )  # fmt: skip
        ops.append(norm("latent_norm", "attention", tokens, self.kv_rank, "rms"))
        if self.rope_norm:
            ops.append(norm("rope_norm", "attention", tokens, self.rope_width, "rms"))
        way = self._way(step)
        ops += [self._up(tokens, way), self._scores(step, way)]
        if self.gate in ("heads", "elements"):
            attended = self.heads * self.value_width
            gates = self.heads if self.gate == "heads" else attended
            gate = matmul(
                "gate", "attention", tokens, width, gates, split="column", keeps_input=False
            )
            ops.append(gate._replace(kept=tokens * (gates + attended)))
        ops.append(
            matmul(
                "output", "attention", tokens, self.heads * self.value_width, width,
                bias=self.bias, split="row", collective="all_reduce",
            )
        )  # fmt: skip
        return ops

    def _queries(self, width: Floats, tokens: Floats) -> list[Operation]:
        outputs = self.heads * (self.nope_width + self.rope_width)
        if self.query_rank is None:
            return [matmul("query", "attention", tokens, width, outputs, split="column")]
        inputs = self.query_rank
        if self.gate == "latent":
            inputs, outputs = 2.0 * inputs, outputs + self.heads * self.value_width
        return [
            matmul("query_down", "attention", tokens, width, self.query_rank, bias=self.bias),
            norm("query_norm", "attention", tokens, self.query_rank, "rms"),
            matmul("query_up", "attention", tokens, inputs, outputs, split="column"),
        ]

    def _way(self, step: Pass) -> _Way:
        """Return the expanded or the absorbed way, each where it is taken."""
        cached = step.sequences * step.recalled(self.window)
        expanded = _Way(
            step.pairs(self.window),
            self.nope_width + self.rope_width + self.value_width,
            step.tokens + cached,
            cached,
        )
        reached, limit = cached, self.window
        if self.selected is not None:
            reached = np.minimum(cached, step.tokens * self.selected)
            limit = self.selected if limit is None else np.minimum(limit, self.selected)
        absorbed = _Way(
            step.pairs(limit), 2.0 * self.kv_rank + self.rope_width, step.tokens, reached
        )
        takes = np.logical_and(
            np.logical_and(step.absorbed, self.selected is not None or step.cached_tokens > 0),
            self._cost(absorbed) < self._cost(expanded),
        )
        return _Way(*(np.where(takes, a, e)[()] for a, e in zip(absorbed, expanded, strict=True)))

    def _cost(self, way: _Way) -> Floats:
        return way.pairs * way.channels + way.rows * self.kv_rank * self._opened

    @property
    def _opened(self) -> Floats:
        """Channels of a head that come of the latent."""
        return self.nope_width + self.value_width

    def _up(self, tokens: Floats, way: _Way) -> Operation:
        matrix = self.kv_rank * self.heads * self._opened
        return Operation(
            "latent_up", "attention", "matmul", weights=matrix, flops=2.0 * way.rows * matrix,
            moved_in=way.rows * self.kv_rank, moved_out=way.rows * self.heads * self._opened,
            kept=tokens * self.kv_rank, split="column",
            fused=(
                ("key_up", self.heads * self.nope_width),
                ("value_up", self.heads * self.value_width),
            ),
        )  # fmt: skip

    def _scores(self, step: Pass, way: _Way) -> Operation:
        keys = self.nope_width + self.rope_width
        rows = step.tokens * self.heads
        entry = self.kv_rank + self.rope_width
        return Operation(
            "scores", "attention", "attention", weights=self.heads if self.sinks else NOTHING,
            flops=2.0 * way.pairs * self.heads * way.channels,
            moved_in=rows * keys, moved_out=rows * self.value_width,
            kept=rows * (2.0 * keys + self.value_width), kept_fp32=rows,
            scores=rows * step.context,
            state=step.sequences * step.held(self.window) * entry,
            state_read=way.recalled * entry, state_written=step.tokens * entry, split="heads",
        )  # fmt: skip
