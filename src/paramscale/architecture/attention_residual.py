"""Attention residuals: a softmax over the sums of earlier blocks of layers in place of one sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import NORMS, norm
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import choice, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["AttentionResidual"]


@block("attention_residual")
@attrs.frozen(eq=False)
class AttentionResidual:
    """Block attention residuals of Kimi K3 and Inkling 2, before a block and before the head.

    Each token scores the sums that whole blocks of layers left, and the running sum, by a learned
    vector after a norm, and takes their mean weighted by the softmax of the scores: ``4 D`` FLOPs
    a sum and token of width D.

    Parameters
    ----------
    sums : Floats
        How many sums are seen, the running one included; a mean where layers see different ones.
    queries : Floats
        Learned vectors, and so means: three where query, key and value have inputs of their own.
    form : str
        Kind of the norm of the sums.
    part : str
        Component of the breakdown.
    """

    kind: ClassVar[str]
    sums: Floats = number(low_allowed=True)
    queries: Floats = number(1.0, integer=True)
    form: str = choice("rms", NORMS)
    part: str = attrs.field(default="attention_residual")

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the norm of the sums and their weighted mean."""
        moved = step.tokens * self.sums * width
        normed = norm("residual_norm", self.part, step.tokens, width, self.form)
        return (
            normed._replace(moved_in=moved, moved_out=moved, kept=moved),
            Operation(
                "residual_mean", self.part, "matmul", weights=self.queries * width,
                flops=4.0 * self.queries * moved, moved_in=2.0 * moved,
                moved_out=step.tokens * self.queries * width, kept=moved,
            ),
        )  # fmt: skip
