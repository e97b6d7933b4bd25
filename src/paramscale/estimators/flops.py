"""How many floating-point operations a pass, a step and a training run take.

A multiply-add counts two; element-wise work, norms, softmax and look-ups are not counted. The
convention is part of the number: causal attention as fused kernels compute it, with logits where
an engine computes them, or full squares with all logits, as an operator counter sees the reference
code.
"""

from __future__ import annotations

from paramscale import quantities as q
from paramscale.core.estimator import estimator
from paramscale.specs.bill import Bill, by_part, total
from paramscale.specs.block import Operation
from paramscale.specs.model import ModelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.specs.training import TrainingSpec
from paramscale.typing import Floats

_CAUSAL = "2 FLOPs a multiply-add over the bill of work, causal (query, key) pairs"
_FULL = "the convention of torch.utils.flop_counter: full squares of attention, all logits"
_KAPLAN = "Kaplan et al. 2020 (arXiv:2001.08361), section 2.1: C = 6 N D"

#: Forward and backward together, in forwards: the backward pass multiplies each matrix twice.
FORWARDS_A_STEP = 3.0


def _flops(op: Operation) -> Floats:
    return op.flops


@estimator(
    gives=q.PREFILL_FLOPS,
    source=_CAUSAL,
    parts=lambda prefill_work: by_part(prefill_work, _flops),
)
def causal_attention(prefill_work: Bill) -> Floats:
    """FLOPs of the prefill of all prompts, logits of the last position of each."""
    return total(prefill_work, _flops)


@estimator(gives=q.PREFILL_FLOPS, source=_FULL, rank=1, name="full_attention")
def full_prefill(model: ModelSpec, serving: ServingSpec) -> Floats:
    """FLOPs of the prefill of all prompts, full squares also in windowed layers, all logits."""
    return total(model.operations(serving.prefill(causal=False)), _flops)


@estimator(
    gives=q.DECODE_FLOPS,
    source=_CAUSAL,
    name="causal_attention",
    parts=lambda decode_work: by_part(decode_work, _flops),
)
def causal_decode(decode_work: Bill) -> Floats:
    """FLOPs of one decode step of all sequences, latent attention in its absorbed form."""
    return total(decode_work, _flops)


@estimator(gives=q.DECODE_FLOPS, source=_FULL, rank=1, name="full_attention")
def full_decode(model: ModelSpec, serving: ServingSpec) -> Floats:
    """FLOPs of one decode step as the reference code computes it, latents expanded again."""
    return total(model.operations(serving.decode(causal=False)), _flops)


def _per_token(work: Bill, training: TrainingSpec) -> Floats:
    """Return FLOPs of forward and backward for one training token."""
    return FORWARDS_A_STEP * total(work, _flops) / training.sequence_length


def _full_per_token(model: ModelSpec, training: TrainingSpec) -> Floats:
    return _per_token(model.operations(training.sequence(causal=False)), training)


@estimator(
    gives=q.STEP_FLOPS, source=_CAUSAL, name="causal_attention", needs=("training.batch_tokens",)
)
def causal_step(training_work: Bill, training: TrainingSpec) -> Floats:
    """FLOPs of one optimizer step, forward and backward, nothing recomputed."""
    assert training.batch_tokens is not None  # stated as a need above
    return _per_token(training_work, training) * training.batch_tokens


@estimator(
    gives=q.STEP_FLOPS,
    source=_FULL,
    rank=1,
    name="full_attention",
    needs=("training.batch_tokens",),
)
def full_step(model: ModelSpec, training: TrainingSpec) -> Floats:
    """FLOPs of one optimizer step with full squares of attention."""
    assert training.batch_tokens is not None
    return _full_per_token(model, training) * training.batch_tokens


@estimator(gives=q.TRAINING_FLOPS, source=_CAUSAL, name="causal_attention")
def causal_training(training_work: Bill, training: TrainingSpec) -> Floats:
    """FLOPs of the whole run, forward and backward, nothing recomputed."""
    return _per_token(training_work, training) * training.tokens


@estimator(gives=q.TRAINING_FLOPS, source=_FULL, rank=1, name="full_attention")
def full_training(model: ModelSpec, training: TrainingSpec) -> Floats:
    """FLOPs of the whole run with full squares of attention."""
    return _full_per_token(model, training) * training.tokens


@estimator(gives=q.TRAINING_FLOPS, source=_KAPLAN, rank=2)
def six_nd(active_parameters: Floats, training: TrainingSpec) -> Floats:
    """Six times parameters times tokens, the usual estimate; attention is left out."""
    return 6.0 * active_parameters * training.tokens
