"""What weights hold of the training data: noise, facts, and sequences that can be extracted."""

from __future__ import annotations

from paramscale import quantities as q
from paramscale.core.domain import Domain
from paramscale.core.estimator import estimator
from paramscale.laws.memorisation import (
    extractable_share,
    knowledge_bits,
    memory_bits,
    memory_ratio,
)
from paramscale.laws.repetition import repetition_law
from paramscale.specs.training import TrainingSpec
from paramscale.typing import Floats, FloatsLike

__all__ = ["memorization_capacity", "memorization_ratio"]

_MORRIS = "Morris et al. 2025, arXiv:2505.24832, abstract: 3.6 bits a parameter"
_KNOWLEDGE = "Allen-Zhu and Li 2024, arXiv:2404.05405, results 1 and 2"
_CARLINI = "Carlini et al. 2022, arXiv:2202.07646, section 4"
#: The capacity was measured from 0.5M to 1.5B parameters.
_MEASURED = Domain({"parameters": (5e5, 1.5e9)}, note="GPT-like, bf16")


@estimator(gives=q.MEMORIZATION_CAPACITY_BITS, source=_MORRIS, kind="law", domain=_MEASURED)
def memorization_capacity(parameters: Floats) -> Floats:
    """Random data that the weights can store: 3.6 bits a parameter."""
    return memory_bits(parameters)


@estimator(gives=q.MEMORIZATION_RATIO, source=_MORRIS, kind="law", domain=_MEASURED)
def memorization_ratio(
    parameters: Floats, training: TrainingSpec, *, bits_per_token: FloatsLike | None = None
) -> Floats:
    """Capacity to memorise over information in the unique tokens; at 1 test loss peaks.

    A token holds `bits_per_token`; unless given, what this size cannot predict of fresh text (its
    loss without repeats), since only that is left to be memorised. Above 1 all data fit in.
    """
    unique = training.tokens if training.unique_tokens is None else training.unique_tokens
    bits = bits_per_token
    if bits is None:
        bits = repetition_law().fresh(parameters, training.tokens) / 0.6931471805599453
    return memory_ratio(parameters, unique, bits)


@estimator(
    gives=q.KNOWLEDGE_CAPACITY_BITS, source=_KNOWLEDGE, kind="law",
    domain=Domain({"parameters": (1e6, 1e9)}, note="GPT-2 on synthetic biographies"),
)  # fmt: skip
def knowledge_capacity(parameters: Floats, *, exposures: FloatsLike = 1000.0) -> Floats:
    """Facts that the weights hold: 2 bits a parameter at 1,000 exposures to each, 1 at 100.

    Not the capacity to memorise: facts can be asked for, in other words than those seen.
    """
    return knowledge_bits(parameters, exposures)


@estimator(
    gives=q.EXTRACTABLE_FRACTION, source=_CARLINI, kind="law",
    domain=Domain({"parameters": (1.25e8, 6e9)}, note="GPT-Neo and GPT-J on the Pile"),
)  # fmt: skip
def extractable(parameters: Floats, *, context_tokens: FloatsLike = 50.0) -> Floats:
    """Training sequences that a prompt of `context_tokens` brings back word for word.

    The mean over a sample in which few and many duplicates are equally frequent: of a
    deduplicated corpus less is extractable.
    """
    return extractable_share(parameters, context_tokens)
