"""Bills of work that several estimators share; each is made once an estimate."""

from __future__ import annotations

from functools import partial

from paramscale import quantities as q
from paramscale.core.estimator import estimator
from paramscale.specs.bill import Bill
from paramscale.specs.model import ModelSpec
from paramscale.specs.passes import Pass
from paramscale.specs.serving import ServingSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.training_load import TrainingLoad, training_load

__all__ = ["decode_work", "prefill_work", "token_work", "training_sums", "training_work"]

_HERE = "paramscale: the bill of work of the model's blocks"
_ONE_TOKEN = Pass(1.0, 1.0)


@estimator(gives=q.TOKEN_WORK, source=_HERE)
def token_work(model: ModelSpec) -> Bill:
    """Operations of one token, from which the counts are read."""
    return model.operations(_ONE_TOKEN)


@estimator(gives=q.PREFILL_WORK, source=_HERE)
def prefill_work(model: ModelSpec, serving: ServingSpec) -> Bill:
    """Operations of the prefill of all prompts, causal, logits of the last position."""
    return model.bill(serving.prefill())


@estimator(gives=q.DECODE_WORK, source=_HERE)
def decode_work(model: ModelSpec, serving: ServingSpec) -> Bill:
    """Operations of one decode step at the mean context, latent attention absorbed."""
    return model.bill(serving.decode())


@estimator(gives=q.TRAINING_WORK, source=_HERE)
def training_work(model: ModelSpec, training: TrainingSpec) -> Bill:
    """Operations of the forward pass of one training sequence, causal, all logits."""
    return model.operations(training.sequence())


@estimator(gives=q.TRAINING_LOAD, source=_HERE)
def training_sums(model: ModelSpec, training: TrainingSpec) -> TrainingLoad:
    """Sums over the same operations, which every layout and machine shares."""
    return model.kept("training load", training.sequence(), partial(_summed, model))


def _summed(model: ModelSpec, sequence: Pass) -> TrainingLoad:
    return training_load(model.operations(sequence))
