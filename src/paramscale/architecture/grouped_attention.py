"""Softmax attention with grouped keys and values: full, sliding-window or chunked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import matmul
from paramscale.errors import SpecError
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import choice, flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["GroupedAttention", "softmax_attention"]

_ONE = np.float64(1.0)

#: Learned norms of queries and keys: over one head (one vector for all heads), or over all heads.
QK_NORMS = ("none", "head", "head_bias", "heads", "heads_bias")


def softmax_attention(
    step: Pass,
    heads: Floats,
    key_width: Floats,
    value_width: Floats,
    entry: Floats,
    *,
    window: Floats | None = None,
    chunk: Floats | None = None,
    holds: bool = True,
    part: str = "attention",
    weights: Floats = NOTHING,
    ranks: Floats = _ONE,
    keeps_all: bool = False,
    passes: Floats = _ONE,
) -> Operation:
    """Return scores and weighted sum of softmax attention, with the cache it reads.

    Parameters
    ----------
    key_width, value_width : Floats
        Channels of a query or key, and of a value, in each head.
    entry : Floats
        Cache elements of one token.
    holds : bool
        Whether the layer holds a cache of its own (False: it reads another layer's).
    weights : Floats
        Learned elements of the operation itself (sinks, relative positions).
    ranks : Floats
        Key-value heads: over how many tensor ranks the cache can be divided.
    keeps_all : bool
        Whether the cache keeps also the tokens that the window hides.
    passes : Floats
        How often scores and weighted sums are computed.
    """
    limit = window if chunk is None else chunk
    kept_limit = None if keeps_all else limit
    if keeps_all and not step.causal:  # hidden tokens are masked after their scores are computed
        window = None
    rows = step.tokens * heads
    repeated = np.maximum(rows * (key_width + value_width) - step.tokens * entry, NOTHING)
    masked: Floats = NOTHING
    if limit is not None:  # where a window binds, the reference hands over a mask and repeats heads
        whole = repeated + step.tokens * step.context
        masked = np.where(step.context > limit, whole, NOTHING)[()]
    return Operation(
        "scores",
        part,
        "attention",
        weights=weights,
        # what the model decides first, so that one product has all dimensions of a grid
        flops=(2.0 * passes * heads * (key_width + value_width)) * step.pairs(window, chunk),
        moved_in=rows * key_width,
        moved_out=rows * value_width,
        # queries, keys and values here, the result where it is projected; one log-sum-exp a row
        kept=rows * key_width + step.tokens * entry,
        kept_fp32=rows,
        scores=passes * rows * step.context,
        repeated=repeated,
        apart=masked,
        state=step.sequences * step.held(kept_limit) * entry if holds else NOTHING,
        state_read=step.sequences * step.recalled(limit) * entry,
        state_written=step.tokens * entry if holds else NOTHING,
        state_ranks=ranks,
        split="heads",
    )


@block("grouped_attention")
@attrs.frozen(eq=False)
class GroupedAttention:
    """Multi-head, grouped-query or multi-query attention.

    Parameters
    ----------
    heads, kv_heads : Floats
        Query heads, and key-value heads (equal: multi-head; 1: multi-query).
    head_width : Floats
        Channels of one head; it need not be width / heads.
    value_width : Floats, optional
        Channels of a value head where they differ.
    query_bias, key_bias, value_bias, output_bias : bool
        Biases of the four projections.
    qk_norm : str
        Learned norm of queries and keys: ``"head"`` one scale for all heads, ``"heads"`` one a
        head (or over all heads together), each also with ``"_bias"``; ``"none"``.
    window : Floats, optional
        Sliding window: each token sees at most this many tokens, itself included.
    chunk : Floats, optional
        Attention inside chunks of this many positions (Llama 4).
    sinks : bool
        Whether each head has a learned sink logit (gpt-oss).
    gate : str
        Gate on the attention output: ``"elements"`` (a matrix of the output's width),
        ``"heads"`` (one scalar a head) or ``"none"``.
    gate_bias : bool
        Bias of that gate.
    gate_head_bias : bool
        One learned number a head that is added to that gate (Beam).
    value_from_key : bool
        Whether values are the keys, without a projection of their own; both are cached.
    shares_cache : bool
        Whether keys and values are those of an earlier layer: nothing is projected or held.
    score_passes : Floats
        How often scores and weighted sums are computed (differential attention: twice).
    keeps_all : bool
        Whether the cache keeps also the tokens that the window hides (GPT-Neo).
    input_width : Floats, optional
        Channels of the layer's input where it is not the model's width (Zamba).
    cached_heads : Floats, optional
        Key-value heads in the cache where they are repeated before they are cached (Falcon).
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    kv_heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(integer=True)
    value_width: Floats | None = number(None, integer=True, optional=True)
    query_bias: bool = flag(False)
    key_bias: bool = flag(False)
    value_bias: bool = flag(False)
    output_bias: bool = flag(False)
    qk_norm: str = choice("none", QK_NORMS)
    window: Floats | None = number(None, integer=True, optional=True)
    chunk: Floats | None = number(None, integer=True, optional=True)
    sinks: bool = flag(False)
    gate: str = choice("none", ("none", "elements", "heads"))
    gate_bias: bool = flag(False)
    gate_head_bias: bool = flag(False)
    value_from_key: bool = flag(False)
    shares_cache: bool = flag(False)
    score_passes: Floats = number(1.0, integer=True)
    keeps_all: bool = flag(False)
    cached_heads: Floats | None = number(None, integer=True, optional=True, scales="exactly")
    input_width: Floats | None = number(None, integer=True, optional=True, scales="exactly")

    def __attrs_post_init__(self) -> None:
        if np.any(np.remainder(self.heads, self.kv_heads)):
            raise SpecError(
                "GroupedAttention.heads must be a multiple of kv_heads, not"
                f" {self.heads} and {self.kv_heads}"
            )

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, norms, attention and output."""
        keys = self.head_width
        values = keys if self.value_width is None else self.value_width
        queries = self.heads * keys
        attended = self.heads * values
        cached = self.kv_heads if self.cached_heads is None else self.cached_heads
        entering = width if self.input_width is None else self.input_width
        ops = [self._projection(entering, step, queries, keys, values)]
        if self.qk_norm != "none":
            ops.append(self._qk_norm(step))
        ops.append(
            softmax_attention(
                step, self.heads, keys, values, cached * (keys + values),
                window=self.window, chunk=self.chunk, holds=not self.shares_cache,
                ranks=cached,
                weights=self.heads if self.sinks else NOTHING, keeps_all=self.keeps_all,
                passes=self.score_passes,
            )
        )  # fmt: skip
        if self.gate != "none":
            gates = attended if self.gate == "elements" else self.heads
            bias = gates if self.gate_bias else NOTHING
            bias = bias + self.heads if self.gate_head_bias else bias
            gate = matmul(
                "gate", "attention", step.tokens, entering, gates,
                bias=bias, split="column", keeps_input=False,
            )  # fmt: skip
            # both factors of the product; the product itself is kept where it is projected
            ops.append(gate._replace(kept=step.tokens * (gates + attended)))
        ops.append(
            matmul(
                "output", "attention", step.tokens, attended, width,
                bias=self.output_bias, split="row", collective="all_reduce",
            )
        )  # fmt: skip
        return ops

    def _projection(
        self, width: Floats, step: Pass, queries: Floats, keys: Floats, values: Floats
    ) -> Operation:
        outputs = queries
        fused = [("query", queries)]
        bias = queries if self.query_bias else NOTHING
        if not self.shares_cache:
            fused.append(("key", self.kv_heads * keys))
            outputs = outputs + self.kv_heads * keys
            bias = bias + (self.kv_heads * keys if self.key_bias else NOTHING)
            if not self.value_from_key:
                fused.append(("value", self.kv_heads * values))
                outputs = outputs + self.kv_heads * values
                bias = bias + (self.kv_heads * values if self.value_bias else NOTHING)
        return matmul(
            "query_key_value", "attention", step.tokens, width, outputs, bias=bias, split="column",
            fused=tuple(fused),
        )  # fmt: skip

    def _qk_norm(self, step: Pass) -> Operation:
        kv_heads = NOTHING if self.shares_cache else self.kv_heads
        one_each = self.qk_norm.startswith("heads")
        vectors = self.heads + kv_heads if one_each else 1.0 + np.minimum(kv_heads, 1.0)
        scale = 2.0 if self.qk_norm.endswith("bias") else 1.0
        moved = step.tokens * (self.heads + kv_heads) * self.head_width
        return Operation(
            "qk_norm", "attention", "elementwise", weights=scale * vectors * self.head_width,
            moved_in=moved, moved_out=moved, kept=moved, kept_fp32=moved / self.head_width,
            apart_fp32=moved if scale == 1.0 else NOTHING, split="heads" if one_each else "none",
        )  # fmt: skip
