"""Mamba: a selective state space with one state vector for each channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import causal_convolution, matmul, norm
from paramscale.architecture.recurrence import scan
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["Mamba"]


@block("mamba")
@attrs.frozen(eq=False)
class Mamba:
    """The selective state space of Mamba (arXiv:2312.00752, section 3, algorithm 2 and figure 3).

    Each of the inner channels has a state of N numbers, h ← exp(ΔA) h + ΔB x, y = C h + D x, in
    which Δ, B and C are projected from x. A multiply-add for the update and one for the output are
    4 N FLOPs a channel and token. With ``Pass.causal`` False only the output's 2 N are counted: the
    update is element-wise in the reference, and an operator counter does not see it.

    Parameters
    ----------
    inner : Floats
        Channels of the recurrence, usually twice the model's width.
    state : Floats
        State elements of one channel, N.
    kernel : Floats
        Taps of the convolution, all of which the reference keeps as state.
    rank : Floats
        Rank of the projection to the step sizes Δ.
    bias : bool
        Biases of the input and output projection.
    conv_bias : bool
        Bias of the convolution.
    norms : bool
        Learned norms of Δ's latent, B and C (Jamba).
    """

    kind: ClassVar[str]
    inner: Floats = number(integer=True, scales="about")
    state: Floats = number(16.0, integer=True)
    kernel: Floats = number(4.0, integer=True)
    rank: Floats = number(integer=True, default=48, scales="about")
    bias: bool = flag(False)
    conv_bias: bool = flag(True)
    norms: bool = flag(False)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, convolution, selection, scan and output."""
        inner, tokens = self.inner, step.tokens
        selected = self.rank + 2.0 * self.state
        ops = [
            matmul("input", "mixer", tokens, width, 2.0 * inner, bias=self.bias, split="column"),
            causal_convolution("mixer", step, inner, self.kernel, bias=self.conv_bias),
            matmul("selection", "mixer", tokens, inner, selected, split="row"),
        ]
        if self.norms:
            ops.append(norm("selection_norm", "mixer", tokens, selected, "rms"))
        seen = 4.0 if step.causal else 2.0
        ops += [
            matmul("step", "mixer", tokens, self.rank, inner, bias=True, split="column"),
            scan(
                step, flops=seen * tokens * inner * self.state, state=inner * self.state,
                inputs=3.0 * inner + 2.0 * self.state, outputs=inner,
                weights=inner * self.state + inner,
            )._replace(
                # the reference code keeps decay, input and state of every token (a kernel computes
                # them again), and two products with the gate
                apart=tokens * inner * self.state,
                apart_fp32=tokens * inner * (3.0 * self.state + 2.0),
            ),
            matmul(
                "output", "mixer", tokens, inner, width,
                bias=self.bias, split="row", collective="all_reduce",
            ),
        ]  # fmt: skip
        return ops
