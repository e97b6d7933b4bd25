"""Builders of the operations that most blocks share, so that each rule of counting stands once."""

from __future__ import annotations

import numpy as np

from paramscale.specs.block import NOTHING, Operation
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["ACTIVATED", "causal_convolution", "matmul", "norm", "norm_weights", "table"]


#: Learned elements a normalised channel has, by the kind of norm.
NORM_WEIGHTS = {"rms": 1.0, "layer": 2.0, "layer_no_bias": 1.0, "none": 0.0}

#: The words a norm field accepts.
NORMS = tuple(NORM_WEIGHTS)

#: Input matrices of a feed-forward block: a gated one has two.
ACTIVATED = {True: 2.0, False: 1.0}


def matmul(
    name: str,
    part: str,
    tokens: Floats,
    inputs: Floats,
    outputs: Floats,
    *,
    bias: Floats | bool = False,
    split: str = "none",
    collective: str = "",
    keeps_input: bool = True,
) -> Operation:
    """Return a dense projection of `tokens` rows from `inputs` to `outputs` channels.

    Parameters
    ----------
    bias : Floats or bool
        True for one bias an output, or the number of biases (a fused projection may have some).
    keeps_input : bool
        Whether the input is kept for the backward pass here (False when an earlier operation
        keeps the same tensor).
    """
    matrix = inputs * outputs
    weights = matrix
    if bias is not False:
        weights = matrix + (outputs if bias is True else bias)
    moved_in = tokens * inputs
    return Operation(
        name,
        part,
        "matmul",
        weights=weights,
        flops=2.0 * tokens * matrix,
        moved_in=moved_in,
        moved_out=tokens * outputs,
        kept=moved_in if keeps_input else NOTHING,
        split=split,
        collective=collective,
    )


def norm_weights(kind: str, channels: Floats) -> Floats:
    """Return the learned elements of a norm over `channels` channels."""
    return NORM_WEIGHTS[kind] * channels


def norm(name: str, part: str, tokens: Floats, channels: Floats, kind: str) -> Operation:
    """Return a normalisation of `tokens` rows over `channels` channels.

    A fused kernel keeps its input and one or two statistics a row. The reference code of RMS norms
    keeps its input in fp32, and the normalised rows for the gradient of the scale.
    """
    moved = tokens * channels
    layer = kind.startswith("layer")
    return Operation(
        name,
        part,
        "elementwise",
        weights=norm_weights(kind, channels),
        moved_in=moved,
        moved_out=moved,
        kept=moved,
        kept_fp32=tokens,
        apart_fp32=NOTHING if layer else moved,
    )


def table(name: str, part: str, tokens: Floats, rows: Floats, width: Floats) -> Operation:
    """Return a look-up of one row of `width` elements a token; only those rows are read."""
    moved = tokens * width
    return Operation(
        name, part, "lookup", weights=rows * width, read=moved, moved_out=moved, split="vocabulary"
    )


def causal_convolution(
    part: str,
    step: Pass,
    channels: Floats,
    kernel: Floats,
    *,
    bias: bool = False,
    held: Floats | None = None,
) -> Operation:
    """Return a depthwise convolution over time; its state is the last `kernel` inputs.

    With ``Pass.causal`` False the positions are counted that the reference computes and drops.

    Parameters
    ----------
    held : Floats, optional
        Inputs of each channel that the state keeps; the reference keeps `kernel` of them.
    """
    moved = step.tokens * channels
    state = step.sequences * channels * (kernel if held is None else held)
    # the reference pads both ends (or sets the state before one new token) and cuts afterwards
    beyond = step.sequences * channels * np.where(step.cached_tokens > 0.0, 1.0, kernel - 1.0)
    return Operation(
        "convolution",
        part,
        "elementwise",
        weights=channels * kernel + (channels if bias else NOTHING),
        flops=2.0 * (moved if step.causal else moved + beyond) * kernel,
        moved_in=moved,
        moved_out=moved,
        kept=moved,
        state=state,
        state_format="model",
        state_read=state,
        state_written=state,
        split="column",
    )
