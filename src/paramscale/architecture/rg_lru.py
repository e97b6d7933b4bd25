"""Griffin's recurrent block: a real-gated linear recurrent unit behind a short convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import causal_convolution, matmul
from paramscale.architecture.recurrence import scan
from paramscale.errors import SpecError
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["RGLRU"]


@block("rg_lru")
@attrs.frozen(eq=False)
class RGLRU:
    """Recurrent block with RG-LRU (arXiv:2402.19427, section 2.4, equations 1 to 4).

    h ← a ⊙ h + sqrt(1 - a²) ⊙ (i ⊙ x) has one number of state a channel; the gates a and i come
    from block-diagonal matrices. Its multiply-add is 2 FLOPs a channel and token, which an operator
    counter (``Pass.causal`` False) does not see.

    Parameters
    ----------
    inner : Floats
        Channels of the recurrence.
    heads : Floats
        Blocks of the gates' matrices.
    kernel : Floats
        Taps of the convolution; its state is one shorter.
    bias : bool
        Biases of the projections.
    """

    kind: ClassVar[str]
    inner: Floats = number(integer=True, scales="exactly")
    heads: Floats = number(integer=True, scales="exactly")
    kernel: Floats = number(4.0, integer=True)
    bias: bool = flag(True)

    def __attrs_post_init__(self) -> None:
        if np.any(np.remainder(self.inner, self.heads)):
            raise SpecError(
                f"RGLRU.inner must be a multiple of heads, not {self.inner} and {self.heads}"
            )

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, convolution, gates, scan and output."""
        inner, tokens = self.inner, step.tokens
        block_width = inner / self.heads
        return (
            matmul("input", "mixer", tokens, width, 2.0 * inner, bias=self.bias, split="column"),
            causal_convolution(
                "mixer", step, inner, self.kernel, bias=True, held=self.kernel - 1.0
            ),
            # two gates, each a matrix of block_width squared a head
            matmul(
                "gates", "mixer", tokens, inner, 2.0 * block_width, bias=2.0 * inner, split="heads"
            )._replace(moved_out=2.0 * tokens * inner),
            scan(
                step, flops=2.0 * tokens * inner if step.causal else NOTHING, state=inner,
                inputs=3.0 * inner, outputs=inner, weights=inner,
            )._replace(  # the gates' element-wise steps, and the state of every token, apart
                apart=8.0 * tokens * inner, apart_fp32=2.0 * tokens * inner
            ),
            matmul(
                "output", "mixer", tokens, inner, width,
                bias=self.bias, split="row", collective="all_reduce",
            ),
        )  # fmt: skip
