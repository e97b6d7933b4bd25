"""Mamba-2: a state space with one scalar decay a head, computed in chunks as matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import causal_convolution, matmul, norm
from paramscale.architecture.recurrence import chunks, one_step, scan
from paramscale.errors import SpecError
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["Mamba2"]


@block("mamba2")
@attrs.frozen(eq=False)
class Mamba2:
    """State-space duality (arXiv:2405.21060, section 6 for the algorithm, 7 for the block).

    In chunks of q tokens a head of width P and state N takes, for each token, 2 q N FLOPs for the
    scores C·B (once a group), 2 q P for their product with x, and 2 N P each for the chunk's state
    and for the output from the state before it. One token (q = 1) is the recurrence itself.

    With ``Pass.causal`` False it is what an operator counter sees of the reference code: scores for
    every head, the last chunk padded, all pairs of chunk states, and of one further token the
    output alone, since the update is element-wise there.

    Parameters
    ----------
    heads : Floats
        Heads of the recurrence.
    head_width : Floats
        Channels of one head, P.
    state : Floats
        State elements of each channel, N.
    groups : Floats
        Groups of heads that share B and C.
    kernel : Floats
        Taps of the convolution over x, B and C.
    chunk : Floats
        Tokens of a chunk.
    bias_in, bias_out, conv_bias : bool
        Biases of input projection, output projection and convolution.
    gated_norm : bool
        Whether the gated output is normalised before it is projected.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(64.0, integer=True)
    state: Floats = number(128.0, integer=True)
    groups: Floats = number(1.0, integer=True, scales="exactly")
    kernel: Floats = number(4.0, integer=True)
    chunk: Floats = number(256.0, integer=True)
    bias_in: bool = flag(False)
    bias_out: bool = flag(False)
    conv_bias: bool = flag(True)
    gated_norm: bool = flag(True)

    def __attrs_post_init__(self) -> None:
        if np.any(np.remainder(self.heads, self.groups)):
            raise SpecError(
                f"Mamba2.heads must be a multiple of groups, not {self.heads} and {self.groups}"
            )

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, convolution, scan, norm and output."""
        inner, tokens = self.heads * self.head_width, step.tokens
        mixed = inner + 2.0 * self.groups * self.state
        ops = [
            matmul(
                "input", "mixer", tokens, width, inner + mixed + self.heads,
                bias=self.bias_in, split="column",
            ),
            causal_convolution("mixer", step, mixed, self.kernel, bias=self.conv_bias),
            scan(
                step, flops=self._chunked(step) if step.causal else self._counted(step),
                state=inner * self.state, inputs=mixed + self.heads, outputs=inner,
                weights=3.0 * self.heads,
            )._replace(apart_fp32=self._kept_apart(step)),
        ]  # fmt: skip
        if self.gated_norm:
            ops.append(norm("gated_norm", "mixer", tokens, inner, "rms"))
        ops.append(
            matmul(
                "output", "mixer", tokens, inner, width,
                bias=self.bias_out, split="row", collective="all_reduce",
            )
        )  # fmt: skip
        return ops

    def _kept_apart(self, step: Pass) -> Floats:
        """Return what the reference code keeps of a scan in fp32, beside what a kernel keeps.

        For each token: x five times, the gate and its products three times, B and C repeated to
        every head five times, three matrices of a chunk; for each chunk its state twice, and one.
        """
        inner, count = self.heads * self.head_width, chunks(step, self.chunk)
        rows = 8.0 * inner + self.heads * (5.0 * self.state + 3.0 * self.chunk)
        states = np.where(count > 0.0, 2.0 * count + 1.0, NOTHING) * inner * self.state
        return step.sequences * (count * self.chunk * rows + states)

    def _chunked(self, step: Pass) -> Floats:
        inner, state = self.heads * self.head_width, self.state
        chunk = np.minimum(self.chunk, step.new_tokens)
        return 2.0 * step.tokens * (chunk * (self.groups * state + inner) + 2.0 * inner * state)

    def _counted(self, step: Pass) -> Floats:
        inner, state = self.heads * self.head_width, self.state
        count = chunks(step, self.chunk)
        inside = self.chunk * (self.heads * state + inner) + 2.0 * inner * state
        across = (count + 1.0) ** 2 * inner * state
        across = np.where(count > 0.0, across, NOTHING)
        whole = 2.0 * step.sequences * (count * self.chunk * inside + across)
        single = 2.0 * step.tokens * inner * state
        return np.where(one_step(step) > 0.0, single, whole)
