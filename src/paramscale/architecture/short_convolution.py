"""Gated short convolution: the mixer of most layers of the LFM models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import causal_convolution, matmul
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["ShortConvolution"]


@block("short_convolution")
@attrs.frozen(eq=False)
class ShortConvolution:
    """Double-gated short convolution of LFM2 (arXiv:2511.23404).

    y = W (C ⊙ conv(B ⊙ x)), where B, C and x are projected from the hidden state. Its only state
    is the last inputs of the convolution.

    Parameters
    ----------
    kernel : Floats
        Taps of the convolution, all of which the reference keeps as state.
    bias : bool
        Biases of both projections and of the convolution.
    """

    kind: ClassVar[str]
    kernel: Floats = number(3.0, integer=True)
    bias: bool = flag(False)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return input projection, convolution and output."""
        tokens = step.tokens
        opened = matmul(
            "input", "mixer", tokens, width, 3.0 * width, bias=self.bias, split="column"
        )
        mixed = causal_convolution("mixer", step, width, self.kernel, bias=self.bias)
        return (
            # the factors of two products: two gates and the input here, the convolved there
            opened._replace(kept=opened.kept + opened.moved_out),
            mixed._replace(kept=mixed.kept + mixed.moved_out),
            matmul(
                "output", "mixer", tokens, width, width,
                bias=self.bias, split="row", collective="all_reduce",
            ),
        )  # fmt: skip
