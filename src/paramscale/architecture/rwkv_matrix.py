"""Time mixing of RWKV-5 and RWKV-6: a matrix of state in every head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul, norm
from paramscale.architecture.recurrence import scan
from paramscale.architecture.rwkv import _token_shift
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["MatrixTimeMixing"]


@block("rwkv_matrix_time_mixing")
@attrs.frozen(eq=False)
class MatrixTimeMixing:
    """Time mixing of Eagle and Finch (RWKV-5 and RWKV-6, arXiv:2404.05892).

    A head of N channels keeps a matrix of N x N numbers, which decays, and to which each token adds
    the product of its key and value. Its FLOPs are 6 for each number of state and token
    (appendix on computing costs, after equation 23). Finch makes the mixtures of neighbouring
    tokens, and the decays, of the input through a low rank.

    Parameters
    ----------
    head_width : Floats
        Channels N of a head; as many heads as fill the width.
    mix_rank, decay_rank : Floats, optional
        Ranks of Finch's mixtures and decays; None means Eagle, in which both are learned vectors.
    """

    kind: ClassVar[str]
    head_width: Floats = number(64.0, integer=True)
    mix_rank: Floats | None = number(None, integer=True, optional=True)
    decay_rank: Floats | None = number(None, integer=True, optional=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return token shift, projections, scan, norm of each head and output."""
        tokens = step.tokens
        # vectors for receptance, key, value and gate; Finch also for decay and for the mixing
        ops = [_token_shift(width, step, 4.0 if self.mix_rank is None else 6.0)]
        if self.mix_rank is not None:
            ranks = 5.0 * self.mix_rank
            ops += [
                matmul("mixtures_down", "mixer", tokens, width, ranks),
                # five matrices side by side
                matmul("mixtures_up", "mixer", tokens, ranks, width)._replace(
                    moved_out=5.0 * tokens * width
                ),
            ]
        if self.decay_rank is not None:
            ops += [
                matmul("decay_down", "mixer", tokens, width, self.decay_rank),
                matmul("decay_up", "mixer", tokens, self.decay_rank, width, split="column"),
            ]
        state = width * self.head_width
        return (
            *ops,
            matmul(
                "receptance_key_value_gate", "mixer", tokens, width, 4.0 * width, split="column"
            )._replace(moved_in=4.0 * tokens * width, kept=4.0 * tokens * width),
            scan(
                step, flops=6.0 * tokens * state, state=state,
                inputs=3.0 * width, outputs=width, weights=2.0 * width,
            ),
            norm("norm", "mixer", tokens, width, "layer"),
            matmul(
                "output", "mixer", tokens, width, width, split="row", collective="all_reduce"
            ),
        )  # fmt: skip
