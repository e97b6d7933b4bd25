"""Attention between bytes and the patches that they make up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import matmul, norm
from paramscale.errors import SpecError
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["PatchAttention"]


@block("patch_attention")
@attrs.frozen(eq=False)
class PatchAttention:
    """Cross-attention of the Byte Latent Transformer (arXiv:2412.09871, sections 3.2.2 and 3.3.1).

    Each patch is `slots` vectors of the bytes' width. On the way in the slots are queries and the
    bytes of their patch keys and values; on the way out it is the other way round. Either way each
    byte meets the slots of one patch; the reference computes every pair and masks the others.

    Parameters
    ----------
    heads, kv_heads, head_width : Floats
        Query heads, key-value heads, and channels of a head.
    patch : Floats
        Bytes of a patch, on average.
    slots : Floats
        Vectors of a patch.
    inward : bool
        Whether patches ask and bytes answer.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    kv_heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(integer=True)
    patch: Floats = number(default=4.0)
    slots: Floats = number(integer=True, default=2.0)
    inward: bool = flag(True)

    def __attrs_post_init__(self) -> None:
        if np.any(np.remainder(self.heads, self.kv_heads)):
            raise SpecError(
                "PatchAttention.heads must be a multiple of kv_heads, not"
                f" {self.heads} and {self.kv_heads}"
            )

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return norms, projections, attention and output."""
        vectors = step.tokens * self.slots / self.patch
        asks, answers = (vectors, step.tokens) if self.inward else (step.tokens, vectors)
        inner, held = self.heads * self.head_width, self.kv_heads * self.head_width
        pairs = step.tokens * self.slots
        if not step.causal:
            pairs = np.maximum(pairs, asks * answers / step.sequences)  # at least one patch
        return (
            norm("query_norm", "attention", asks, width, "rms"),
            norm("key_norm", "attention", answers, width, "rms"),
            matmul("query", "attention", asks, width, inner, split="column"),
            matmul("key_value", "attention", answers, width, 2.0 * held, split="column"),
            Operation(
                "scores", "attention", "attention", flops=4.0 * pairs * inner,
                moved_in=asks * inner, moved_out=asks * inner,
                kept=2.0 * asks * inner + 2.0 * answers * held, split="heads",
            ),
            matmul(
                "output", "attention", asks, inner, width, split="row", collective="all_reduce"
            ),
        )  # fmt: skip
