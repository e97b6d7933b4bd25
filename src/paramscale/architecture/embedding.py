"""What stands before the layers: tables of tokens, positions and types, and projections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import matmul, table
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import choice, flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["Projection", "Table"]

#: Kinds of tables; all of them are embedding parameters.
TABLES = ("token_embedding", "position_embedding", "other_embedding")


@block("table")
@attrs.frozen(eq=False)
class Table:
    """A learned table from which each token takes one row.

    Parameters
    ----------
    rows : Floats
        Tokens of the vocabulary, positions, or types.
    of : str
        ``"token_embedding"``, ``"position_embedding"`` or ``"other_embedding"``.
    channels : Floats, optional
        Width of a row; None means the model's.
    tied : bool
        Whether its matrix is the head's and held there, as in classes that name the head first.
    normed : bool
        Whether the module of the table ends in a norm of its own, counted with it (Inkling).
    """

    kind: ClassVar[str]
    rows: Floats = number(integer=True)
    of: str = choice("token_embedding", TABLES)
    channels: Floats | None = number(None, integer=True, optional=True)
    tied: bool = flag(False)
    normed: bool = flag(False)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the one look-up."""
        channels = width if self.channels is None else self.channels
        op = table("lookup", self.of, step.tokens, self.rows, channels)
        if self.tied:
            op = op._replace(weights=NOTHING, borrowed=op.weights)
        if self.normed:
            op = op._replace(weights=op.weights + channels)
        return (op,)


@block("projection")
@attrs.frozen(eq=False)
class Projection:
    """A dense projection outside of the layers, between embedding width and model width.

    Parameters
    ----------
    inputs, outputs : Floats, optional
        Channels; None means the model's width.
    bias : bool
        Whether each output has a bias.
    part : str
        Component of the breakdown.
    once : bool
        Whether it works on one token of each sequence (a pooler), not on all.
    """

    kind: ClassVar[str]
    inputs: Floats | None = number(None, integer=True, optional=True)
    outputs: Floats | None = number(None, integer=True, optional=True)
    bias: bool = flag(False)
    part: str = attrs.field(default="projection")
    once: bool = flag(False)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the one projection."""
        inputs = width if self.inputs is None else self.inputs
        outputs = width if self.outputs is None else self.outputs
        tokens = step.sequences if self.once else step.tokens
        return (matmul("projection", self.part, tokens, inputs, outputs, bias=self.bias),)
