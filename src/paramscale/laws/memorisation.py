"""What a model can hold, and give away, of its training data: three different quantities.

*Memorisation* is all that weights can store of noise, 3.6 bits a parameter; *knowledge* is facts
that can be asked for, 2 bits a parameter after many exposures; *extraction* is the share of
training sequences that a prompt brings back word for word. None follows from another.
"""

from __future__ import annotations

import numpy as np

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = [
    "KNOWLEDGE_BITS",
    "MEMORY_BITS",
    "extractable_share",
    "knowledge_bits",
    "memory_bits",
    "memory_ratio",
]

#: Bits a parameter of random data; Morris et al. 2025, arXiv:2505.24832, abstract.
MEMORY_BITS = 3.6
#: Bits a parameter of facts seen 1,000 times; Allen-Zhu and Li 2024, arXiv:2404.05405, result 1.
KNOWLEDGE_BITS = 2.0
#: The same after 100 exposures: half of it (there, result 2).
_HALF_AT, _WHOLE_AT = 100.0, 1000.0

#: GPT-J 6B gives back 33 % of sequences at 50 tokens of context and 65 % at 450; a size ten times
#: larger gives back 19 points more. Carlini et al. 2022, arXiv:2202.07646, section 4.
_SIZE, _CONTEXT, _SHARE = 6e9, 50.0, 0.33
_PER_DECADE_OF_SIZE = 0.19
_PER_DECADE_OF_CONTEXT = (0.65 - 0.33) / float(np.log10(450.0 / 50.0))


def memory_bits(parameters: FloatsLike) -> Floats:
    """Return how much random data the weights can store [bits]: 3.6 a parameter.

    Measured on GPT-like models of 0.5M to 1.5B parameters in bf16.

    Examples
    --------
    >>> float(memory_bits(1e9))
    3600000000.0
    """
    bits: Floats = MEMORY_BITS * positive(parameters)
    return bits


def memory_ratio(
    parameters: FloatsLike, unique_tokens: FloatsLike, bits_per_token: FloatsLike
) -> Floats:
    """Return the capacity to memorise over the information in the data.

    Above 1 the data fit into the weights as they are. Where it is 1, test loss peaks between the
    two descents, and beyond (below 1) models begin to generalise: Morris et al. 2025, section 4.

    Parameters
    ----------
    parameters, unique_tokens : float or array
        N and U; they broadcast.
    bits_per_token : float or array
        Information of a token for one who knows the language: its cross-entropy [bits].

    Examples
    --------
    >>> round(float(memory_ratio(1e9, 1e9, 3.6)), 9)
    1.0
    """
    ratio: Floats = memory_bits(parameters) / (positive(unique_tokens) * positive(bits_per_token))
    return ratio


def knowledge_bits(parameters: FloatsLike, exposures: FloatsLike = _WHOLE_AT) -> Floats:
    """Return how many bits of facts the weights hold, ready to be asked for.

    2 bits a parameter after 1,000 exposures to each fact, 1 after 100; in between, and below 100,
    linear in the logarithm (so none below 10), and never more than 2.

    Parameters
    ----------
    parameters : float or array
        N.
    exposures : float or array
        How often each fact was seen in training, in whatever words.

    Examples
    --------
    >>> [float(knowledge_bits(7e9, seen)) / 7e9 for seen in (1.0, 100.0, 1000.0, 1e6)]
    [0.0, 1.0, 2.0, 2.0]
    """
    seen = np.log10(positive(exposures) / _HALF_AT) / np.log10(_WHOLE_AT / _HALF_AT)
    each = np.clip(0.5 * KNOWLEDGE_BITS * (1.0 + seen), 0.0, KNOWLEDGE_BITS)
    bits: Floats = each * positive(parameters)
    return bits


def extractable_share(parameters: FloatsLike, context_tokens: FloatsLike = _CONTEXT) -> Floats:
    """Return the share of training sequences that a prompt of their beginning brings back.

    Log-linear in size and context, anchored at GPT-J 6B on the Pile, and kept within 0 and 1. It
    is the mean over the paper's sample, in which sequences of few and of many duplicates are
    equally frequent: an upper bound of what is extractable from a deduplicated corpus.

    Parameters
    ----------
    parameters : float or array
        N; models of 1.25e8 to 6e9 were measured.
    context_tokens : float or array
        Length of the prompt, 50 to 450.

    Examples
    --------
    >>> [round(float(extractable_share(6e9, length)), 2) for length in (50, 450)]
    [0.33, 0.65]
    """
    size = np.log10(positive(parameters) / _SIZE)
    context = np.log10(positive(context_tokens) / _CONTEXT)
    share = _SHARE + _PER_DECADE_OF_SIZE * size + _PER_DECADE_OF_CONTEXT * context
    kept: Floats = np.clip(share, 0.0, 1.0)
    return kept
