"""Hyper-connections: several residual streams, mixed around each block by learned weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import choice, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["HyperConnection"]

#: Learned scales of the weights, by the form: one for each use of them.
SCALES = {"mixing": 3.0, "adding": 2.0, "collapsing": 1.0}


@block("hyper_connection")
@attrs.frozen(eq=False)
class HyperConnection:
    """Manifold-constrained hyper-connection (arXiv:2512.24880; DeepSeek-V4 report, section 2.2).

    All n streams of a token together are projected to the weights that collapse them into a block's
    input (n), spread the block's output (n) and mix the streams (n × n).

    Parameters
    ----------
    streams : Floats
        Residual streams n.
    form : str
        ``"mixing"``; ``"adding"``, which leaves the streams unmixed (Hy4); ``"collapsing"``, which
        stands after the last layer and makes one stream of them.
    """

    kind: ClassVar[str]
    streams: Floats = number(integer=True)
    form: str = choice("mixing", tuple(SCALES))

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the projection to weights, and the mixing of the streams."""
        n, tokens = self.streams, step.tokens
        outputs = {"mixing": n * (2.0 + n), "adding": 2.0 * n, "collapsing": n}[self.form]
        weights = matmul(
            "stream_weights", "hyper_connection", tokens, n * width, outputs,
            bias=outputs + SCALES[self.form],
        )  # fmt: skip
        if self.form == "collapsing":
            return (weights,)
        mixing = Operation(
            "stream_mixing", "hyper_connection", "elementwise",
            flops=2.0 * tokens * n * n * width if self.form == "mixing" else NOTHING,
            moved_in=tokens * (n + 1.0) * width, moved_out=tokens * (n + 1.0) * width,
            kept=tokens * width,
        )  # fmt: skip
        return (weights, mixing)
