"""How many sequences run at the same time, and how many tokens a step of them yields."""

from __future__ import annotations

import numpy as np

from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.load import expert_ranks
from paramscale.systems.totals import Totals
from paramscale.typing import Floats

__all__ = ["USABLE", "running_sequences", "tokens_a_step"]

#: Share of a device's memory that an engine gives to weights and cache; the rest is context,
#: workspace and fragments (vLLM's gpu_memory_utilization is 0.9, TensorRT-LLM's 0.9 of the free).
USABLE = 0.92

_ONE = np.float64(1.0)


def tokens_a_step(serving: ServingSpec) -> Floats:
    """Return the tokens that a step yields: with drafts, as many as hold, and one.

    (1 - a^(d+1)) / (1 - a) for d drafts that hold with chance a, one after the other (Leviathan et
    al. 2023, arXiv:2211.17192, equation 1).

    Examples
    --------
    >>> round(float(tokens_a_step(ServingSpec(draft_tokens=1, acceptance_fraction=0.8))), 9)
    1.8
    """
    if isinstance(serving.draft_tokens, np.float64) and serving.draft_tokens == 0.0:
        return _ONE
    chance = np.minimum(serving.acceptance_fraction, 1.0 - 1e-12)
    yielded: Floats = (1.0 - chance ** (serving.draft_tokens + 1.0)) / (1.0 - chance)
    return yielded


def running_sequences(
    decode: Totals, memory: Floats, serving: ServingSpec, parallel: ParallelSpec
) -> Floats:
    """Return how many sequences of one replica fit beside the weights; at least one.

    Where the weights alone do not fit, times are those of a machine on which they would: all run,
    and ``missing_memory_bytes`` says what is lacking.
    """
    sequences = decode.counted(serving.batch)
    held = decode.held_bytes / (sequences * parallel.pipeline * parallel.context)
    if serving.schedule != "continuous":  # all of them reach their full length together
        full = serving.prompt_tokens + serving.output_tokens
        held = held * full / (serving.prompt_tokens + 0.5 * serving.output_tokens)
    whole, split, expert = decode.stored_bytes
    stored = (whole + split / parallel.tensor + expert / expert_ranks(parallel)) / parallel.pipeline
    free = USABLE * memory - stored
    known = np.where(free > 0.0, free, np.inf)  # also where the memory is not known
    places = np.maximum(known / np.maximum(held, 1e-9), 1.0)
    return np.minimum(serving.batch / parallel.data, places)
