"""A short causal convolution of each channel alone, beside attention or behind a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import causal_convolution, matmul
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["DepthwiseConvolution"]


@block("depthwise_convolution")
@attrs.frozen(eq=False)
class DepthwiseConvolution:
    """Causal convolution over a few tokens, added to its input; Inkling has four of them a layer.

    Parameters
    ----------
    kernel : Floats
        Taps; the state is as many inputs, which the reference keeps in fp32.
    channels : Floats, optional
        Channels; None means the model's width.
    dynamic_heads : Floats, optional
        Heads for which each token projects taps of its own from the hidden state, which are added
        to the learned ones (dynamic convolution); None means that taps are learned only.
    part : str
        Component of the breakdown.
    """

    kind: ClassVar[str]
    kernel: Floats = number(4.0, integer=True)
    channels: Floats | None = number(None, integer=True, optional=True, scales="about")
    dynamic_heads: Floats | None = number(None, integer=True, optional=True, scales="exactly")
    part: str = attrs.field(default="mixer")

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the convolution, and the projection of its taps where tokens have their own."""
        channels = width if self.channels is None else self.channels
        op = causal_convolution(self.part, step, channels, self.kernel)
        op = op._replace(state_format="fp32")
        if self.dynamic_heads is None:
            return (op,)
        taps = matmul(
            "taps", self.part, step.tokens, width, self.dynamic_heads * self.kernel,
            keeps_input=False,
        )  # fmt: skip
        return taps, op._replace(flops=NOTHING)  # taps of each token: an element-wise product
