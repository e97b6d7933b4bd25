"""xLSTM: a matrix memory with exponential gates, written and read like linear attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import matmul, norm
from paramscale.architecture.recurrence import scan
from paramscale.errors import SpecError
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["MLSTM"]


@block("mlstm")
@attrs.frozen(eq=False)
class MLSTM:
    """mLSTM (arXiv:2405.04517, section 2.3) as in xLSTM-7B, computed in chunks (arXiv:2503.14376).

    A head keeps a matrix C of key width K times value width V, a vector n of K and one exponent.
    In chunks of q tokens each token takes 2 q K FLOPs for scores, 2 q V for their product with the
    values, and 2 K V each to read C and to add to it, with 2 K for n. One token (q = 1) is the
    recurrence itself. With ``Pass.causal`` False tokens that fill no chunk are single steps, as in
    the reference code.

    Parameters
    ----------
    heads : Floats
        Heads of the memory.
    key_channels, value_channels : Floats
        Channels of queries and keys, and of values, all heads together.
    bias : bool
        Biases of the projections and of the output norm; the gates always have them.
    chunk : Floats
        Tokens of a chunk.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    key_channels: Floats = number(integer=True, scales="exactly")
    value_channels: Floats = number(integer=True, scales="exactly")
    bias: bool = flag(False)
    chunk: Floats = number(64.0, integer=True)

    def __attrs_post_init__(self) -> None:
        for name in ("key_channels", "value_channels"):
            if np.any(np.remainder(getattr(self, name), self.heads)):
                raise SpecError(
                    f"MLSTM.{name} must be a multiple of heads, not"
                    f" {getattr(self, name)} and {self.heads}"
                )

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, gates, scan, norm and output."""
        keys, values, tokens = self.key_channels, self.value_channels, step.tokens
        entry = keys * values / self.heads + keys + self.heads
        return (
            matmul(
                "query_key_value", "mixer", tokens, width, 2.0 * keys + 2.0 * values,
                bias=self.bias, split="column",
            ),
            matmul(
                "gates", "mixer", tokens, width, 2.0 * self.heads,
                bias=True, split="heads", keeps_input=False,
            ),
            scan(
                step, flops=self._flops(step), state=entry, state_format="model",
                inputs=2.0 * keys + values + 2.0 * self.heads, outputs=values,
            ),
            norm("norm", "mixer", tokens, values, "layer" if self.bias else "layer_no_bias"),
            matmul(
                "output", "mixer", tokens, values, width,
                bias=self.bias, split="row", collective="all_reduce",
            ),
        )  # fmt: skip

    def _flops(self, step: Pass) -> Floats:
        keys, values, new = self.key_channels, self.value_channels, step.new_tokens
        whole = np.minimum(self.chunk, new)  # in chunks, the last of which may be shorter
        chunked = new
        if not step.causal:
            whole = self.chunk
            chunked = np.where(new > 1.0, np.floor(new / self.chunk) * self.chunk, NOTHING)
        inside = chunked * whole * (keys + values)
        memory = new * (2.0 * keys * values / self.heads + keys)
        return 2.0 * step.sequences * (inside + memory)
