"""Tensors of which only the shapes are known: exact counts, and nothing about what they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.specs.block import Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["Stored"]

_UNKNOWN = np.float64(np.nan)


@block("stored")
@attrs.frozen(eq=False)
class Stored:
    """Weights read from a file's tensor shapes, without the architecture they belong to.

    Counts and bytes are exact; work and state are not known, so they are NaN and so is everything
    that follows from them.

    Parameters
    ----------
    elements : Floats
        Weights stored, tables left aside.
    table_elements : Floats
        Weights of the token table, where one was recognised.
    """

    kind: ClassVar[str]
    elements: Floats = number(integer=True, low_allowed=True)
    table_elements: Floats = number(0.0, integer=True, low_allowed=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return what is stored, with unknown work."""
        return (
            Operation("table", "token_embedding", "lookup", weights=self.table_elements),
            Operation(
                "stored",
                "stored",
                "matmul",
                weights=self.elements,
                active=_UNKNOWN,
                flops=_UNKNOWN,
                state=_UNKNOWN,
                state_read=_UNKNOWN,
                moved_in=_UNKNOWN,
                moved_out=_UNKNOWN,
                kept=_UNKNOWN,
            ),
        )
