"""A router that is a small network instead of one projection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul, norm
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["RouterNetwork"]


@block("router_network")
@attrs.frozen(eq=False)
class RouterNetwork:
    """Router of ZAYA (arXiv:2511.17127): a narrow state, its norm, and three more projections.

    Parameters
    ----------
    inner : Floats
        Width of the router.
    outputs : Floats
        Choices it scores; there is a balancing correction for each, which is stored.
    continues : bool
        Whether the state of the router below is added, with a learned scale a channel.
    """

    kind: ClassVar[str]
    inner: Floats = number(integer=True, scales="about")
    outputs: Floats = number(integer=True)
    continues: bool = flag(True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections and norm."""
        tokens, inner = step.tokens, self.inner
        scale = inner if self.continues else NOTHING
        score = matmul("score", "router", tokens, inner, self.outputs)
        return (
            matmul("router_down", "router", tokens, width, inner, bias=inner + scale),
            norm("router_norm", "router", tokens, inner, "rms"),
            matmul("router_first", "router", tokens, inner, inner, bias=True),
            matmul("router_second", "router", tokens, inner, inner, bias=True),
            score._replace(buffers=self.outputs),
        )
