"""Normalisation of the hidden state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import NORMS, norm
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import choice, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["Norm", "Scale"]


@block("norm")
@attrs.frozen(eq=False)
class Norm:
    """RMS or layer normalisation, with a learned scale, with scale and bias, or with neither.

    Parameters
    ----------
    form : str
        ``"rms"`` (scale), ``"layer"`` (scale and bias), ``"layer_no_bias"`` (scale), ``"none"``
        (nothing is learned).
    channels : Floats, optional
        Width that is normalised; None means the model's.
    """

    kind: ClassVar[str]
    form: str = choice("rms", NORMS)
    channels: Floats | None = number(None, integer=True, optional=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the one normalisation."""
        channels = width if self.channels is None else self.channels
        return (norm("norm", "norm", step.tokens, channels, self.form),)


@block("scale")
@attrs.frozen(eq=False)
class Scale:
    """A learned factor for each channel, or one for all: gates of residual branches.

    Parameters
    ----------
    channels : Floats, optional
        Learned factors; None means the model's width.
    part : str
        Component of the breakdown.
    """

    kind: ClassVar[str]
    channels: Floats | None = number(None, integer=True, optional=True)
    part: str = attrs.field(default="norm")

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the one element-wise product."""
        factors = width if self.channels is None else self.channels
        moved = step.tokens * width
        return (
            Operation(
                "scale",
                self.part,
                "elementwise",
                weights=factors,
                moved_in=moved,
                moved_out=moved,
                kept=moved,
            ),
        )
