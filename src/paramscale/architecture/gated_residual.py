"""Gated residual streams: one block's input out of several streams, through a low-rank gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul, norm
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["GatedResidual"]


@block("gated_residual")
@attrs.frozen(eq=False)
class GatedResidual:
    """Gated hyper-connection of Qwen4: before each block, and once after the last layer.

    The n streams of a token, normalised together, pass two matrices of small rank that gate their
    mean into the block's input; a third gives the weight with which each stream takes the output.

    Parameters
    ----------
    streams : Floats
        Residual streams n.
    rank : Floats
        Channels between the two matrices of the gate.
    injects : bool
        Whether a block's output is added to the streams (not after the last layer).
    """

    kind: ClassVar[str]
    streams: Floats = number(integer=True)
    rank: Floats = number(integer=True, scales="about")
    injects: bool = flag(True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return norm, gate and injection weights."""
        part, tokens, streams = "hyper_connection", step.tokens, self.streams * width
        ops = [
            norm("stream_norm", part, tokens, streams, "rms"),
            matmul("gate_down", part, tokens, streams, self.rank),
            matmul("gate_up", part, tokens, self.rank, streams),
        ]
        if self.injects:
            ops.append(matmul("injection", part, tokens, streams, self.streams, keeps_input=False))
        return ops
