"""What stands after the layers: the projection of hidden states to logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import choice, flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["Head"]


@block("head")
@attrs.frozen(eq=False)
class Head:
    """The output projection to the vocabulary, for as many positions as the pass asks.

    Parameters
    ----------
    vocabulary : Floats
        Number of logits.
    tied : bool
        Whether its matrix is the token table, held there.
    bias : bool
        Whether each logit has a bias, which a tied head holds itself.
    second_bias : str
        Whether the head names a second bias, as BERT-like heads do: ``"shared"`` is the first one
        under another name, ``"own"`` a vector that nothing uses; ``"none"``.
    channels : Floats, optional
        Width of its input; None means the model's.
    """

    kind: ClassVar[str]
    vocabulary: Floats = number(integer=True)
    tied: bool = flag(False)
    bias: bool = flag(False)
    second_bias: str = choice("none", ("none", "shared", "own"))
    channels: Floats | None = number(None, integer=True, optional=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the projection to logits, and the second bias."""
        inputs = width if self.channels is None else self.channels
        op = matmul(
            "logits", "head", step.logit_positions, inputs, self.vocabulary, split="vocabulary"
        )
        bias = self.vocabulary if self.bias else NOTHING
        held, borrowed = (NOTHING, op.weights) if self.tied else (op.weights, NOTHING)
        # the loss keeps the log-probabilities of every position in fp32
        ops = [op._replace(weights=held + bias, borrowed=borrowed, kept_fp32=op.moved_out)]
        if self.second_bias != "none":
            held, borrowed = (NOTHING, bias) if self.second_bias == "shared" else (bias, NOTHING)
            ops.append(
                Operation(
                    "second_bias", "other", "elementwise", weights=held, borrowed=borrowed,
                    read=NOTHING,
                )
            )  # fmt: skip
        return ops
