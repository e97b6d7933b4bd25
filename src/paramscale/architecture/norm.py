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

__all__ = ["Norm"]


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
