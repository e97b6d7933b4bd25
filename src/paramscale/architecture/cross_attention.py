"""Attention to the output of an encoder, as far as a decoder that runs alone has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import NORMS, norm_weights
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import choice, flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["CrossAttention"]


@block("cross_attention")
@attrs.frozen(eq=False)
class CrossAttention:
    """Cross-attention of an encoder-decoder model (arXiv:1706.03762, section 3.2.3).

    Its weights are held, and none of it is run: a decoder without an encoder's output skips it,
    so that it has no FLOPs, reads no weights and holds no cache.

    Parameters
    ----------
    source_width : Floats, optional
        Channels of the encoder's output; None means the model's width.
    query_bias, key_bias, value_bias, output_bias : bool
        Biases of the four projections.
    norm : str
        The norm that belongs to it.
    """

    kind: ClassVar[str]
    source_width: Floats | None = number(None, integer=True, optional=True, scales="about")
    query_bias: bool = flag(True)
    key_bias: bool = flag(True)
    value_bias: bool = flag(True)
    output_bias: bool = flag(True)
    norm: str = choice("layer", NORMS)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the held weights of the norm and of the four projections."""
        source = width if self.source_width is None else self.source_width
        biases = self.query_bias + self.key_bias + self.value_bias + self.output_bias
        weights = 2.0 * width * (width + source) + biases * width
        return (
            Operation(
                "norm", "norm", "elementwise", weights=norm_weights(self.norm, width), read=NOTHING
            ),
            Operation(
                "cross_attention", "attention", "matmul", weights=weights, read=NOTHING,
                split="heads",
            ),
        )  # fmt: skip
