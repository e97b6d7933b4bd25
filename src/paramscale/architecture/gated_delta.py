"""Gated delta rule: linear attention that overwrites what its state holds under a key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import causal_convolution, matmul, norm
from paramscale.architecture.recurrence import chunks, one_step, scan
from paramscale.errors import SpecError
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["GatedDelta"]


@block("gated_delta")
@attrs.frozen(eq=False)
class GatedDelta:
    """Gated DeltaNet (arXiv:2412.06464, equation 10; chunks as in section 3.3).

    The state S of a head, key width K times value width V, becomes α S (I - β k kᵀ) + β v kᵀ.
    In chunks of q tokens each token takes 2 q K FLOPs for k·k and for q·k, 2 q V for the scores'
    product with the corrected values, q (K + V) to solve the triangular system, and 2 K V each
    to correct with, to read and to write the state. One token (q = 1) is the recurrence itself.

    With ``Pass.causal`` False it is what an operator counter sees of the reference code: the last
    chunk padded, no triangular solve, and nothing of one further token, which is element-wise.

    Parameters
    ----------
    key_heads, value_heads : Floats
        Heads of queries and keys, and of values; the state has one matrix a value head.
    key_width, value_width : Floats
        Channels of one head.
    kernel : Floats
        Taps of the convolution over queries, keys and values.
    chunk : Floats
        Tokens of a chunk.
    """

    kind: ClassVar[str]
    key_heads: Floats = number(integer=True, scales="exactly")
    value_heads: Floats = number(integer=True, scales="exactly")
    key_width: Floats = number(128.0, integer=True)
    value_width: Floats = number(128.0, integer=True)
    kernel: Floats = number(4.0, integer=True)
    chunk: Floats = number(64.0, integer=True)

    def __attrs_post_init__(self) -> None:
        if np.any(np.remainder(self.value_heads, self.key_heads)):
            raise SpecError(
                "GatedDelta.value_heads must be a multiple of key_heads, not"
                f" {self.value_heads} and {self.key_heads}"
            )

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, convolution, scan, norm and output."""
        tokens, heads = step.tokens, self.value_heads
        values = heads * self.value_width
        mixed = 2.0 * self.key_heads * self.key_width + values
        gated = norm("gated_norm", "mixer", tokens, values, "rms")
        return [
            matmul(
                "input", "mixer", tokens, width, mixed + values + 2.0 * heads, split="column"
            ),
            causal_convolution("mixer", step, mixed, self.kernel),
            scan(
                step, flops=self._chunked(step) if step.causal else self._counted(step),
                state=values * self.key_width, inputs=mixed + 2.0 * heads, outputs=values,
                weights=2.0 * heads,
            )._replace(apart=tokens * values, apart_fp32=self._kept_apart(step)),
            gated._replace(weights=self.value_width),  # one scale for all heads
            matmul(
                "output", "mixer", tokens, values, width, split="row", collective="all_reduce"
            ),
        ]  # fmt: skip

    def _kept_apart(self, step: Pass) -> Floats:
        """Return what the reference code keeps of the scan in fp32, beside what a kernel keeps.

        For each token keys eight times, values five times (two for the gate), and five matrices of
        a chunk; for each chunk the state before it.
        """
        keys, values, count = self.key_width, self.value_width, chunks(step, self.chunk)
        rows = self.chunk * (8.0 * keys + 5.0 * values + 5.0 * self.chunk) + keys * values
        return step.sequences * count * self.value_heads * rows

    def _products(self, chunk: Floats) -> Floats:
        """Return the multiply-adds of one token in a chunk, all heads together."""
        keys, values = self.key_width, self.value_width
        return self.value_heads * (chunk * (2.0 * keys + values) + 3.0 * keys * values)

    def _chunked(self, step: Pass) -> Floats:
        chunk = np.minimum(self.chunk, step.new_tokens)
        solve = self.value_heads * chunk * (self.key_width + self.value_width)
        return step.tokens * (2.0 * self._products(chunk) + solve)

    def _counted(self, step: Pass) -> Floats:
        padded = step.sequences * chunks(step, self.chunk) * self.chunk
        return np.where(one_step(step) > 0.0, NOTHING, 2.0 * padded * self._products(self.chunk))
