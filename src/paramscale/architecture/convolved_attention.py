"""Compressed convolutional attention: queries and keys mixed over a few tokens before scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.grouped_attention import softmax_attention
from paramscale.architecture.parts import matmul
from paramscale.errors import SpecError
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["ConvolvedAttention"]


@block("convolved_attention")
@attrs.frozen(eq=False)
class ConvolvedAttention:
    """CCA (arXiv:2510.04476) as ZAYA has it.

    Queries and keys pass a causal convolution of each channel and then one inside each head; one
    half of every value is projected from the current token and one from the token before, which
    is a state beside the cache. Keys have a learned temperature a head.

    Parameters
    ----------
    heads, kv_heads : Floats
        Query heads, and key-value heads.
    head_width : Floats
        Channels of one head.
    kernel, head_kernel : Floats
        Taps of the convolution of each channel, and of the one inside each head.
    bias : bool
        Biases of the projections; the convolutions always have them.
    window : Floats, optional
        Sliding window: each token sees at most this many tokens, itself included.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    kv_heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(integer=True)
    kernel: Floats = number(2.0, integer=True)
    head_kernel: Floats = number(2.0, integer=True)
    bias: bool = flag(False)
    window: Floats | None = number(None, integer=True, optional=True)

    def __attrs_post_init__(self) -> None:
        if np.any(np.remainder(self.heads, self.kv_heads)):
            raise SpecError(
                "ConvolvedAttention.heads must be a multiple of kv_heads, not"
                f" {self.heads} and {self.kv_heads}"
            )

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, convolutions, attention and output."""
        queries, keys = self.heads * self.head_width, self.kv_heads * self.head_width
        mixed = queries + keys
        attend = softmax_attention(
            step, self.heads, self.head_width, self.head_width, 2.0 * keys,
            window=self.window, weights=self.kv_heads, ranks=self.kv_heads,
        )  # fmt: skip
        return (
            matmul(
                "query_key", "attention", step.tokens, width, mixed, bias=self.bias, split="column"
            ),
            self._value(width, step, keys),
            *self._convolutions(step, mixed),
            attend,
            matmul(
                "output", "attention", step.tokens, queries, width,
                bias=self.bias, split="row", collective="all_reduce",
            ),
        )  # fmt: skip

    def _value(self, width: Floats, step: Pass, values: Floats) -> Operation:
        """Return the projection of both halves of the values; the last of one is kept."""
        op = matmul(
            "value", "attention", step.tokens, width, values,
            bias=self.bias, split="column", keeps_input=False,
        )  # fmt: skip
        half = step.sequences * values * 0.5
        # without a state the reference projects a zero in place of the token before the first
        begins = np.where(step.cached_tokens > 0.0, 0.0, step.sequences)
        beyond = NOTHING if step.causal else begins * width * values
        return op._replace(
            flops=op.flops + beyond,
            state=half,
            state_format="model",
            state_read=half,
            state_written=half,
        )

    def _convolutions(self, step: Pass, channels: Floats) -> tuple[Operation, Operation]:
        """Return the convolution of each channel, and the one inside each head."""
        moved = step.tokens * channels
        # the first one also works on the earlier tokens that the second one needs
        earlier = NOTHING if step.causal else step.sequences * channels * (self.head_kernel - 1.0)
        held = step.sequences * channels * (self.kernel + self.head_kernel - 2.0)
        first = Operation(
            "convolution", "attention", "elementwise", weights=channels * (self.kernel + 1.0),
            flops=2.0 * (moved + earlier) * self.kernel, moved_in=moved, moved_out=moved,
            kept=moved, state=held, state_format="model", state_read=held, state_written=held,
            split="heads",
        )  # fmt: skip
        taps = self.head_width * self.head_kernel
        second = Operation(
            "head_convolution", "attention", "matmul", weights=channels * (taps + 1.0),
            flops=2.0 * moved * taps, moved_in=moved, moved_out=moved, kept=moved, split="heads",
        )  # fmt: skip
        return first, second
