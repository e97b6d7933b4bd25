"""Alternating updates (AltUp) of Gemma 3n: several hidden streams, of which one is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul, norm
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["AlternatingUpdates"]


@block("alternating_updates")
@attrs.frozen(eq=False)
class AlternatingUpdates:
    """What AltUp adds to a layer (Baykal et al. 2023, arXiv:2301.13310, algorithm 1).

    A router reads the active stream before and after the layer; from it a matrix of K x K
    coefficients predicts all K streams, and K coefficients correct them.

    Parameters
    ----------
    streams : Floats
        Hidden streams K.
    """

    kind: ClassVar[str]
    streams: Floats = number(integer=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return router, prediction and correction."""
        k, tokens, part = self.streams, step.tokens, "alternating_updates"
        router = matmul("router", part, tokens, width, k, keeps_input=False)
        mixing = 2.0 * tokens * width * k * k  # every stream is predicted from all of them
        predict = matmul("predict", part, tokens, k, k * k)
        return (
            norm("router_norm", part, tokens, width, "rms"),
            router._replace(flops=2.0 * router.flops),  # before the layer, and after it
            predict._replace(flops=predict.flops + mixing, moved_in=tokens * width * k),
            matmul("correct", part, tokens, k, k),
            Operation("output_scale", part, "elementwise", weights=width),
        )
