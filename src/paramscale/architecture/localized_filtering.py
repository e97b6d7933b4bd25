"""Localized filtering of Yuan 2: two small convolutions over time before queries and keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul, norm
from paramscale.specs.block import Operation, block
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["LocalizedFiltering"]


@block("localized_filtering")
@attrs.frozen(eq=False)
class LocalizedFiltering:
    """What localized filtering-based attention adds (Yuan 2.0, arXiv:2311.15786).

    Two dense convolutions of two taps each, down to half of the channels and up again, with a norm
    after them, see the two tokens before each token. Those are its state. Queries and keys are made
    of the result, values of the input.
    """

    kind: ClassVar[str]

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return both convolutions and the norm."""
        tokens, half = step.tokens, 0.5 * width
        held = 2.0 * step.sequences * width
        down = matmul("filter_down", "attention", tokens, 2.0 * width, half, bias=True)
        return (
            down._replace(
                state=held, state_format="model", state_read=held, state_written=held
            ),
            matmul("filter_up", "attention", tokens, 2.0 * half, width, bias=True),
            norm("filter_norm", "attention", tokens, width, "rms"),
        )  # fmt: skip
