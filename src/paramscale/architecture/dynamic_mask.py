"""The dynamic mask of Doge: a learned decay of every cached value decides what is attended to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["DynamicMask"]


@block("dynamic_mask")
@attrs.frozen(eq=False)
class DynamicMask:
    """A projection of all values of the context, cached ones included, to one number a head.

    Parameters
    ----------
    kv_heads, head_width : Floats
        Shape of the values.
    bias : bool
        Whether the projection has biases.
    """

    kind: ClassVar[str]
    kv_heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(integer=True)
    bias: bool = flag(False)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the projection over the whole context, and the learned decay rates."""
        values = self.kv_heads * self.head_width
        seen = step.sequences * step.context
        return (
            matmul("mask", "attention", seen, values, self.kv_heads, bias=self.bias),
            Operation("decay", "attention", "elementwise", weights=self.kv_heads),
        )
