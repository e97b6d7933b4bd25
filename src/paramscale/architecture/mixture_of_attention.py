"""Mixture of attention heads: a router chooses the query heads of each token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.experts import experts_hit
from paramscale.architecture.grouped_attention import softmax_attention
from paramscale.architecture.parts import matmul
from paramscale.errors import SpecError
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["MixtureOfAttention"]


@block("mixture_of_attention")
@attrs.frozen(eq=False)
class MixtureOfAttention:
    """Attention of JetMoE (arXiv:2404.07413, section 2.3): experts project queries and outputs.

    Keys and values are shared by all experts. An expert has as many heads as there are key-value
    heads, so a token attends with `chosen` times as many.

    Parameters
    ----------
    experts, chosen : Floats
        Experts of the layer, and experts of one token.
    kv_heads, head_width : Floats
        Key-value heads, and channels of a head.
    """

    kind: ClassVar[str]
    experts: Floats = number(integer=True)
    chosen: Floats = number(integer=True)
    kv_heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(integer=True)

    def __attrs_post_init__(self) -> None:
        if np.any(self.chosen > self.experts):
            raise SpecError(
                f"MixtureOfAttention.chosen must be at most experts, not {self.chosen} of"
                f" {self.experts}"
            )

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return router, projections, attention and output."""
        inner = self.kv_heads * self.head_width
        query = self._routed("query", step.tokens, width, inner)
        output = self._routed("output", step.tokens, inner, width)
        # the bias of the output belongs to the experts, and is counted with them
        output = output._replace(
            weights=output.weights + width,
            active=output.active_weights + np.floor(width * self.chosen / self.experts),
            collective="all_to_all",
            copies=self.chosen,
        )
        return (
            matmul("router", "router", step.tokens, width, self.experts),
            query,
            matmul("key_value", "attention", step.tokens, width, 2.0 * inner, split="column"),
            softmax_attention(
                step, self.chosen * self.kv_heads, self.head_width, self.head_width, 2.0 * inner,
                ranks=self.kv_heads,
            ),
            output,
        )  # fmt: skip

    def _routed(self, name: str, tokens: Floats, inputs: Floats, outputs: Floats) -> Operation:
        """Return a projection that each expert has, and that a token passes `chosen` times."""
        one, rows = inputs * outputs, tokens * self.chosen
        return Operation(
            name, "experts", "matmul", weights=self.experts * one, active=self.chosen * one,
            read=experts_hit(self.experts, self.chosen, tokens) * one, flops=2.0 * rows * one,
            moved_in=rows * inputs, moved_out=rows * outputs, kept=rows * inputs, split="experts",
        )  # fmt: skip
