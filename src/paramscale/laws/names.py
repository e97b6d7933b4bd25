"""What laws take and what they give: each name once, with its meaning and unit.

The inputs of a law are the parameters of its form's signature, so these names are what callers
write: ``laws["ludziejewski2025"](active_parameters=1e9, tokens=2e10, experts=8)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from paramscale.typing import Floats

__all__ = ["COUNTS", "ENDLESS", "GIVES", "INPUTS", "domain_values"]

#: Input of a form, to what it means.
INPUTS: Mapping[str, str] = MappingProxyType(
    {
        "parameters": "N, size as the law counts it: see `counted` and `parameters_convention`",
        "active_parameters": "parameters that one token touches",
        "non_vocabulary_parameters": "parameters without the tables of the vocabulary",
        "vocabulary_parameters": "vocabulary times width",
        "tokens": "D, tokens trained on, repetitions included",
        "unique_tokens": "tokens of the data set",
        "finetuning_tokens": "tokens of the fine-tuning set",
        "characters": "characters trained on",
        "flops": "C, training compute; 6·N·D where size and tokens are given",
        "steps": "optimizer steps at a batch far above the critical one",
        "loss": "cross-entropy [nats per token]",
        "teacher_loss": "loss of the teacher [nats per token]",
        "student_loss": "loss of the student without a teacher [nats per token]",
        "experts": "experts of a routed layer",
        "granularity": "into how many smaller ones each expert is cut",
        "sparsity": "share of experts, or of weights, that do no work",
        "weight_bits": "bits of a weight in training",
        "kv_bits": "bits of a key or value in training",
        "streams": "parallel streams of one input",
        "years": "years of progress in algorithms",
        "learning_rates": "rate of each step after warm-up, along the last axis",
        "warmup_sum": "sum of the learning rates of warm-up",
        "learning_rate_sum": "sum of the learning rates up to a step",
        "annealing_area": "sum of the momentum of the decay up to a step",
        "amount": "parameters, tokens, FLOPs, or whatever a one-dimensional fit varies",
        "flops_ratio": "by which factor compute grows",
        "parameters_ratio": "by which factor the size grows",
        "tokens_ratio": "by which factor the data grow",
    }
)

#: What a law gives, to what it means; the end of the name tells the unit.
GIVES: Mapping[str, str] = MappingProxyType(
    {
        "loss_nats": "cross-entropy per token",
        "excess_loss_nats": "part of the loss that goes away with more of the input",
        "unigram_normalised_loss_nats": "loss minus that of the frequencies of the tokens",
        "error_fraction": "average top-1 error on benchmarks",
        "compute_optimal_parameters": "size of least loss at some compute",
        "compute_optimal_tokens": "tokens of least loss at some compute",
        "compute_optimal_flops_per_token": "training FLOPs per token of least loss",
        "sufficient_tokens": "tokens that keep overfitting below the noise of seeds",
        "transferred_tokens": "tokens of the fine-tuning set that pre-training replaces",
        "optimal_batch_tokens": "tokens of the best batch",
        "critical_batch_tokens": "tokens of the batch beyond which more saves few steps",
        "optimal_learning_rate_ratio": "the best peak learning rate",
        "effective_parameters": "size of the plain model that would do as well",
        "effective_flops": "compute that older algorithms would have needed",
        "compute_optimal_parameters_ratio": "growth of the size of least loss",
        "compute_optimal_tokens_ratio": "growth of the tokens of least loss",
        "compute_optimal_steps_ratio": "growth of the steps of least loss",
        "optimal_batch_ratio": "growth of the best batch",
        "optimal_vocabulary_ratio": "growth of the best parameters of the vocabulary",
        "reducible_loss_ratio": "factor on the part of the loss above its floor",
        "compression_loss_ratio": "factor on the loss that quantization adds",
    }
)

#: How a law counts N, to the quantity that counts so.
COUNTS: Mapping[str, str] = MappingProxyType(
    {
        "total": "parameters",
        "non_embedding": "non_embedding_parameters",
        "active": "active_parameters",
    }
)

#: Inputs that may grow without end; what is left of the loss then is its floor.
ENDLESS = frozenset(
    {"parameters", "active_parameters", "non_vocabulary_parameters", "vocabulary_parameters"}
    | {"tokens", "characters", "flops", "steps", "learning_rate_sum"}
)

#: Inputs that a domain knows by another name, which is that of a scenario.
_DOMAIN_NAMES = {"tokens": "training.tokens", "flops": "training_flops"}

#: Names of a domain that are computed from the inputs: (numerator, denominator).
_DERIVED = {
    "tokens_per_parameter": ("tokens", "parameters"),
    "training.epochs": ("tokens", "unique_tokens"),
}


def domain_values(inputs: Mapping[str, Any]) -> dict[str, Floats]:
    """Return the values that a domain may bound, by the names that domains use.

    Parameters
    ----------
    inputs : mapping of str to float or array
        By the names of `INPUTS`; None is left out.

    Examples
    --------
    >>> found = domain_values({"parameters": 1e9, "tokens": 2e10})
    >>> {name: float(value) for name, value in found.items()}
    {'parameters': 1000000000.0, 'training.tokens': 20000000000.0, 'training_flops': 1.2e+20, \
'tokens_per_parameter': 20.0}
    """
    given = {
        name: np.asarray(value, dtype=np.float64)
        for name, value in inputs.items()
        if value is not None
    }
    values: dict[str, Any] = {_DOMAIN_NAMES.get(name, name): value for name, value in given.items()}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        size = given.get("parameters", given.get("active_parameters"))
        if size is not None and "tokens" in given:
            values.setdefault("training_flops", 6.0 * size * given["tokens"])
        for name, (above, below) in _DERIVED.items():
            if above in given and below in given:
                values[name] = given[above] / given[below]
    return values
