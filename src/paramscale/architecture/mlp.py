"""Dense feed-forward block, plain or gated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import ACTIVATED, matmul
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["MLP", "feed_forward"]


def feed_forward(
    part: str,
    tokens: Floats,
    width: Floats,
    inner: Floats,
    *,
    gated: bool,
    bias_in: bool = False,
    bias_out: bool = False,
    keeps_input: bool = True,
) -> tuple[Operation, Operation]:
    """Return the two projections of a feed-forward block of `inner` channels."""
    opened = ACTIVATED[gated] * inner
    up = matmul(
        "up", part, tokens, width, opened, bias=bias_in, split="column", keeps_input=keeps_input,
        fused=(("gate", inner), ("up", inner)) if gated else (),
    )  # fmt: skip
    # the activation keeps its inputs, and a gate apart also its result; the product of both, or
    # the result where there is no gate, is kept by the down projection
    up = up._replace(kept=up.kept + tokens * opened, apart=tokens * inner if gated else NOTHING)
    down = matmul(
        "down", part, tokens, inner, width, bias=bias_out, split="row", collective="all_reduce"
    )
    return up, down


@block("mlp")
@attrs.frozen(eq=False)
class MLP:
    """Two projections with an activation between them; a gated block has three matrices.

    Parameters
    ----------
    inner : Floats
        Intermediate channels.
    gated : bool
        Whether a second input matrix gates the first (SwiGLU, GeGLU). It is stated by the
        architecture and never inferred from a ratio of widths.
    bias_in, bias_out : bool
        Biases of the input matrices and of the output matrix.
    learned_activation : Floats
        Numbers that the activation function itself learns (xIELU has two).
    """

    kind: ClassVar[str]
    inner: Floats = number(integer=True, scales="about")
    gated: bool = flag(True)
    bias_in: bool = flag(False)
    bias_out: bool = flag(False)
    learned_activation: Floats = number(0.0, low_allowed=True, integer=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return input and output projection."""
        up, down = feed_forward(
            "mlp",
            step.tokens,
            width,
            self.inner,
            gated=self.gated,
            bias_in=self.bias_in,
            bias_out=self.bias_out,
        )
        return up._replace(weights=up.weights + self.learned_activation), down
