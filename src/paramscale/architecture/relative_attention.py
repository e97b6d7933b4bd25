"""Attention with relative positions, and hidden states of the past in place of a cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import matmul
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["RelativeAttention"]


@block("relative_attention")
@attrs.frozen(eq=False)
class RelativeAttention:
    """Attention of Transformer-XL and XLNet (arXiv:1901.02860, section 3.3; arXiv:1906.08237).

    A score is the sum of a content term and of a term between the query and a projected distance:
    (q + u) k + (q + v) W_r r, with learned u and v. Keys and values of the past are computed again
    in every pass, from the hidden states that a memory of `memory` tokens keeps.

    Parameters
    ----------
    heads, head_width : Floats
        Heads and their channels.
    memory : Floats, optional
        Tokens of which the hidden state is kept; None means all.
    both_ways : bool
        Whether distances of both signs are projected (as for training on permutations).
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(integer=True)
    memory: Floats | None = number(None, integer=True, optional=True)
    both_ways: bool = flag(True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections of tokens, of their past and of distances, attention and output."""
        inner = self.heads * self.head_width
        past = step.sequences * self._remembered(step.cached_tokens)
        seen = self._remembered(step.cached_tokens) + step.new_tokens
        distances = step.sequences * (seen + (step.new_tokens if self.both_ways else 1.0))
        keys = matmul("key_value", "attention", step.tokens + past, width, 2.0 * inner)
        return (
            matmul("query", "attention", step.tokens, width, inner, split="column"),
            keys._replace(split="column", kept=past * width),
            matmul("distances", "attention", distances, width, inner, split="column"),
            self._scores(width, step, seen, distances),
            matmul(
                "output", "attention", step.tokens, inner, width, split="row",
                collective="all_reduce",
            ),
        )  # fmt: skip

    def _remembered(self, tokens: Floats) -> Floats:
        return tokens if self.memory is None else np.minimum(tokens, self.memory)

    def _scores(self, width: Floats, step: Pass, seen: Floats, distances: Floats) -> Operation:
        inner = self.heads * self.head_width
        # every distance is scored and shifted into place, which no fused kernel avoids
        pairs = 2.0 * step.tokens * seen + step.new_tokens * distances
        rows = step.tokens * inner
        return Operation(
            "scores", "attention", "attention",
            weights=5.0 * inner,  # u and v, and for segments a third one and two embeddings
            flops=2.0 * pairs * inner, moved_in=rows, moved_out=rows, kept=5.0 * rows,
            state=step.sequences * self._remembered(step.context) * width, state_format="model",
            state_read=step.sequences * self._remembered(step.cached_tokens) * width,
            state_written=step.tokens * width, split="heads",
        )  # fmt: skip
