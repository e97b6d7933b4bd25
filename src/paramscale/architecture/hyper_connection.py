"""Hyper-connections: several residual streams, mixed around each block by learned weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["HyperConnection"]



@block("hyper_connection")
@attrs.frozen(eq=False)
class HyperConnection:
    """Manifold-constrained hyper-connection (mHC, arXiv:2512.24880; DeepSeek-V4 report, section 2.2).

    All n streams of a token together are projected to the weights that collapse them into a block's
    input (n), spread the block's output (n) and mix the streams (n × n).

    Parameters
    ----------
    streams : Floats
        Residual streams n.
    collapses : bool
        Whether it stands after the last layer, and only collapses.
    """

    kind: ClassVar[str]
    streams: Floats = number(integer=True)
    collapses: bool = flag(False)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the projection to weights, and the mixing of the streams."""
        n, tokens = self.streams, step.tokens
        outputs = n if self.collapses else n * (2.0 + n)
        scales = 1.0 if self.collapses else 3.0
        weights = matmul(
            "stream_weights", "hyper_connection", tokens, n * width, outputs, bias=outputs + scales
        )
        if self.collapses:
            return (weights,)
        mixing = Operation(
            "stream_mixing", "hyper_connection", "elementwise", weights=NOTHING,
            flops=2.0 * tokens * n * n * width,
            moved_in=tokens * (n + 1.0) * width, moved_out=tokens * (n + 1.0) * width,
            kept=tokens * width,
        )  # fmt: skip
        return (weights, mixing)
