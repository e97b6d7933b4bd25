"""What blocks with a recurrent state share: the scan over time, whole chunks, and its counting."""

from __future__ import annotations

import numpy as np

from paramscale.specs.block import NOTHING, Operation
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["chunks", "one_step", "scan"]


def chunks(step: Pass, size: Floats) -> Floats:
    """Return how many chunks of `size` tokens one sequence fills, the last of them padded."""
    return np.ceil(step.new_tokens / size)


def one_step(step: Pass) -> Floats:
    """Return where the pass is one further token on a held state, 1, and else 0."""
    return np.where((step.new_tokens <= 1.0) & (step.cached_tokens > 0.0), 1.0, 0.0)


def scan(
    step: Pass,
    *,
    flops: Floats,
    state: Floats,
    inputs: Floats,
    outputs: Floats,
    weights: Floats = NOTHING,
    state_format: str = "fp32",
    part: str = "mixer",
) -> Operation:
    """Return a recurrence over time, whose state does not grow with the context.

    Parameters
    ----------
    flops : Floats
        Floating-point operations of the pass, all sequences together.
    state : Floats
        State elements of one sequence.
    inputs, outputs : Floats
        Activation elements read and written for each token.
    weights : Floats
        Learned elements of the recurrence itself (decays, skips, step biases).
    state_format : str
        ``"fp32"`` or ``"model"``: in what the reference keeps the state.
    """
    held = step.sequences * state
    return Operation(
        "scan",
        part,
        "scan",
        weights=weights,
        flops=flops,
        moved_in=step.tokens * inputs,
        moved_out=step.tokens * outputs,
        kept=step.tokens * (inputs + outputs),
        state=held,
        state_format=state_format,
        state_read=np.where(step.cached_tokens > 0.0, held, NOTHING),
        state_written=held,
        split="heads",
    )
