"""Kimi delta attention (KDA): a recurrent state a head, with a decay for each channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import causal_convolution, matmul, norm
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["DeltaAttention"]

_CHUNK = 64.0  # tokens that the published kernel takes together (arXiv:2510.26692, section 6.3)


@block("delta_attention")
@attrs.frozen(eq=False)
class DeltaAttention:
    """KDA of Kimi Linear (arXiv:2510.26692, section 3 and equation 1).

    Queries, keys and values pass a short convolution and drive a state of ``width × width`` a head,
    ``S_t = (I - b_t k_t k_t') Diag(a_t) S_(t-1) + b_t k_t v_t'``, whatever the context. T tokens
    cost ``6 T d² + 3 T C d + T C²`` FLOPs a head in chunks of C = 64 (section 6.3, equation 13);
    one token costs the first term, the recurrence itself.

    Parameters
    ----------
    heads : Floats
        Heads of queries, keys and values alike.
    head_width : Floats
        Channels d of each of them.
    kernel : Floats
        Tokens that the convolution spans.
    low_rank_decay, low_rank_gate : bool
        Whether the decays, and the output gate, come through a bottleneck of `head_width`.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(integer=True)
    kernel: Floats = number(4.0, integer=True)
    low_rank_decay: bool = flag(True)
    low_rank_gate: bool = flag(True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, convolution, decay, recurrence, gated norm and output."""
        tokens, inner = step.tokens, self.heads * self.head_width
        decay = self._through("decay", width, tokens, inner, self.low_rank_decay)
        # a bias of each channel, and the rate of each head
        decay[-1] = decay[-1]._replace(weights=decay[-1].weights + inner + self.heads)
        return (
            matmul("query_key_value", "mixer", tokens, width, 3.0 * inner, split="column"),
            causal_convolution("mixer", step, 3.0 * inner, self.kernel),
            *decay,
            matmul("beta", "mixer", tokens, width, self.heads, split="column", keeps_input=False),
            self._recurrence(step),
            *self._through("gate", width, tokens, inner, self.low_rank_gate),
            # one scale for all heads
            norm("output_norm", "mixer", tokens, inner, "rms")._replace(weights=self.head_width),
            matmul(
                "output", "mixer", tokens, inner, width, split="row", collective="all_reduce"
            ),
        )  # fmt: skip

    def _through(
        self, name: str, width: Floats, tokens: Floats, outputs: Floats, low_rank: bool
    ) -> list[Operation]:
        """Return a projection, of a matrix or of two around a bottleneck."""
        if not low_rank:
            whole = matmul(name, "mixer", tokens, width, outputs, split="column", keeps_input=False)
            return [whole]
        rank = self.head_width
        return [
            matmul(f"{name}_down", "mixer", tokens, width, rank, keeps_input=False),
            matmul(f"{name}_up", "mixer", tokens, rank, outputs, split="column"),
        ]

    def _recurrence(self, step: Pass) -> Operation:
        channels, rows = self.head_width, step.tokens * self.heads
        chunk = np.where(step.new_tokens > 1.0, _CHUNK, 0.0)[()]
        state = step.sequences * self.heads * channels**2
        return Operation(
            "recurrence", "mixer", "scan",
            flops=rows * (6.0 * channels**2 + 3.0 * chunk * channels + chunk**2),
            moved_in=rows * (4.0 * channels + 1.0), moved_out=rows * channels,
            kept=rows * (4.0 * channels + 1.0),
            state=state, state_format="fp32", state_read=state, state_written=state, split="heads",
        )  # fmt: skip
