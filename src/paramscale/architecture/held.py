"""Weights that belong to a model and that a pass of its decoder does not run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["Held"]


@block("held")
@attrs.frozen(eq=False)
class Held:
    """Weights that are held and counted, and not run: poolers, adapters of other languages.

    Parameters
    ----------
    elements : Floats
        How many.
    part : str
        Component of the breakdown.
    table : bool
        Whether they are a table, and so embedding parameters.
    """

    kind: ClassVar[str]
    elements: Floats = number(integer=True, scales="about")
    part: str = attrs.field(default="other")
    table: bool = flag(False)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the weights, with no work."""
        work = "lookup" if self.table else "matmul"
        return (Operation("held", self.part, work, weights=self.elements, read=NOTHING),)
