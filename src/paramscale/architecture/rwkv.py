"""RWKV-4: time mixing with a decaying weighted mean, and channel mixing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul
from paramscale.architecture.recurrence import scan
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["ChannelMixing", "TimeMixing"]


def _token_shift(width: Floats, step: Pass, mixtures: float) -> Operation:
    """Return the learned mixtures of each token with the one before it, which is the state."""
    moved, held = step.tokens * width, step.sequences * width
    return Operation(
        "token_shift",
        "mixer",
        "elementwise",
        weights=mixtures * width,
        moved_in=moved,
        moved_out=mixtures * moved,
        kept=moved,
        state=held,
        state_format="model",
        state_read=held,
        state_written=held,
    )


@block("rwkv_time_mixing")
@attrs.frozen(eq=False)
class TimeMixing:
    """Time mixing of RWKV-4 (arXiv:2305.13048, section 3.1).

    Each channel keeps numerator, denominator and largest exponent of a weighted mean of values.
    Two multiply-adds for the output and two for the state are 8 FLOPs a channel and token; all are
    element-wise, and an operator counter (``Pass.causal`` False) does not see them.

    Parameters
    ----------
    inner : Floats
        Channels of the recurrence.
    """

    kind: ClassVar[str]
    inner: Floats = number(integer=True, scales="exactly")

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return token shift, projections, scan and output."""
        inner, tokens = self.inner, step.tokens
        return (
            _token_shift(width, step, 3.0),
            matmul(
                "receptance_key_value", "mixer", tokens, width, 3.0 * inner, split="column"
            )._replace(moved_in=3.0 * tokens * width, kept=3.0 * tokens * width),
            scan(
                step, flops=8.0 * tokens * inner if step.causal else NOTHING, state=3.0 * inner,
                inputs=2.0 * inner, outputs=inner, weights=2.0 * inner,
            ),
            matmul(
                "output", "mixer", tokens, inner, width, split="row", collective="all_reduce"
            ),
        )  # fmt: skip


@block("rwkv_channel_mixing")
@attrs.frozen(eq=False)
class ChannelMixing:
    """Channel mixing of RWKV-4 (arXiv:2305.13048, section 3.1).

    A feed-forward block with squared ReLU whose output a receptance gates; it sees the token before
    each token, which is its state.

    Parameters
    ----------
    inner : Floats
        Intermediate channels.
    """

    kind: ClassVar[str]
    inner: Floats = number(integer=True, scales="about")

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return token shift and the three projections."""
        tokens = step.tokens
        key = matmul("key", "mlp", tokens, width, self.inner, split="column")
        return (
            _token_shift(width, step, 2.0),
            key._replace(kept=key.kept + tokens * self.inner),  # the activation keeps its input
            matmul("receptance", "mlp", tokens, width, width),
            matmul(
                "value", "mlp", tokens, self.inner, width, split="row", collective="all_reduce"
            ),
        )  # fmt: skip
