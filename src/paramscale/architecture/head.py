"""What stands after the layers: the projection of hidden states to logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.parts import matmul
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["Head"]

_NONE = np.float64(0.0)


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
    bias_names : int
        Under how many names the bias is stored (2 in BERT-like heads); it is counted once.
    channels : Floats, optional
        Width of its input; None means the model's.
    """

    kind: ClassVar[str]
    vocabulary: Floats = number(integer=True)
    tied: bool = flag(False)
    bias: bool = flag(False)
    bias_names: Floats = number(1.0, integer=True)
    channels: Floats | None = number(None, integer=True, optional=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the one projection to logits."""
        inputs = width if self.channels is None else self.channels
        op = matmul(
            "logits", "head", step.logit_positions, inputs, self.vocabulary, split="vocabulary"
        )
        bias = self.vocabulary if self.bias else _NONE
        held, borrowed = (_NONE, op.weights) if self.tied else (op.weights, _NONE)
        return (
            op._replace(weights=held + bias, borrowed=borrowed + bias * (self.bias_names - 1.0)),
        )
