"""Builders of the operations that most blocks share, so that each rule of counting stands once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from paramscale.specs.block import NOTHING, Block, Operation
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = [
    "ACTIVATED", "Matrix", "causal_convolution", "matmul", "matrices_of", "norm", "norm_weights",
    "shapes_of", "table",
]  # fmt: skip


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
    fused: tuple[tuple[str, Floats], ...] = (),
) -> Operation:
    """Return a dense projection of `tokens` rows from `inputs` to `outputs` channels.

    Parameters
    ----------
    bias : Floats or bool
        True for one bias an output, or the number of biases (a fused projection may have some).
    keeps_input : bool
        Whether the input is kept for the backward pass here (False when an earlier operation
        keeps the same tensor).
    fused : tuple of (str, Floats)
        Name and output channels of each matrix, where several are multiplied at once.
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
        fused=fused,
    )


class Matrix(NamedTuple):
    """One matrix of an operation: its name, its channels, and how many there are (experts)."""

    name: str
    inputs: Floats
    outputs: Floats
    copies: Floats


def matrices_of(op: Operation) -> tuple[Matrix, ...]:
    """Return the matrices of an operation, those that it multiplies at once one by one.

    The FLOPs are 2 x rows x inputs x outputs, which gives the rows and so the channels. There are
    none where no weights are multiplied in the pass.

    Examples
    --------
    >>> one = matmul("output", "attention", np.float64(3.0), np.float64(64.0), np.float64(32.0))
    >>> matrices_of(one)[0][:3]
    ('output', np.float64(64.0), np.float64(32.0))
    """
    if op.kind != "matmul" or op.flops is NOTHING or not np.all(op.flops > 0.0):
        return ()
    rows = 2.0 * op.moved_in * op.moved_out / op.flops
    inputs, outputs = op.moved_in / rows, op.moved_out / rows
    copies = np.rint((op.weights + op.borrowed) / (inputs * outputs))
    return tuple(Matrix(*each, copies) for each in _apart(op, inputs, outputs))


def shapes_of(item: Block, width: Floats) -> list[tuple[Matrix, ...]]:
    """Return the matrices of each operation of a block, also of those that a pass leaves idle."""
    return [matrices_of(op) for op in item.operations(width, Pass(1.0, 1.0))]


def _apart(op: Operation, inputs: Floats, outputs: Floats) -> list[tuple[str, Floats, Floats]]:
    return [(name, inputs, each) for name, each in op.fused] or [(op.name, inputs, outputs)]


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
