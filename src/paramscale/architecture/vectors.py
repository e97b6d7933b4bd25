"""Learned vectors that scale or shift channels, and are no part of another block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.specs.block import Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["Vectors"]


@block("vectors")
@attrs.frozen(eq=False)
class Vectors:
    """Element-wise scales and shifts, for example of residuals; their work is not counted.

    Parameters
    ----------
    count : Floats
        How many vectors.
    channels : Floats, optional
        Elements of one; None means the model's width.
    part : str
        Component of the breakdown.
    """

    kind: ClassVar[str]
    count: Floats = number(1.0, integer=True)
    channels: Floats | None = number(None, integer=True, optional=True)
    part: str = attrs.field(default="other")

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the one element-wise operation."""
        channels = width if self.channels is None else self.channels
        moved = step.tokens * channels
        return (
            Operation(
                "vectors", self.part, "elementwise", weights=self.count * channels,
                moved_in=moved, moved_out=moved, kept=moved,
            ),
        )  # fmt: skip
