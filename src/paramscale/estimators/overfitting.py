"""What repeated data cost, apart from under-training; how often to repeat, and with which size."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from paramscale import quantities as q
from paramscale.core.domain import Domain
from paramscale.core.estimator import Interval, estimator
from paramscale.laws.repetition import LossParts, RepetitionLaw, repetition_law
from paramscale.laws.repetition_optimum import BestSize, best_epochs, best_size
from paramscale.specs.training import TrainingSpec
from paramscale.typing import Floats

__all__ = ["RepetitionLoss", "overfitting_risk"]

_SOURCE = (
    "docs/overfitting.md; fitted on the runs of Muennighoff et al. 2023, arXiv:2305.16264 "
    "(huggingface/datablations), by tools/fit_repetition.py"
)
_DECAY = "weight decay: Lovelace 2026, arXiv:2605.01640, abstract"
_DROPOUT = "dropout, direction alone: Xue et al. 2023, arXiv:2305.13230, abstract"

_SEEN: dict[str, tuple[float | None, float | None]] = {
    "training.unique_tokens": (1e8, 1.74e11),
    "training.weight_decay": (0.1, 1.0),
    "active_fraction": (1.0, 1.0),
}
_NOTE = "C4, GPT-2 tokenizer, dense; sizes above 4.2e9 are predicted, see the audit in the docs"
_DATA = Domain(_SEEN, note=_NOTE)
#: The largest size of the study is twice the largest run that was fitted.
_SIZED = attrs.evolve(_DATA, bounds={"parameters": (7e6, 8.7e9), **_SEEN})
_RUNS = attrs.evolve(
    _SIZED,
    bounds={
        **_SIZED.bounds, "training.tokens": (1e8, 9e11), "training.epochs": (1.0, 9000.0),
    },
)  # fmt: skip


def _inputs(parameters: Floats, training: TrainingSpec) -> tuple[Floats, Floats, Floats, Floats]:
    """Return what the law takes; without a statement of unique tokens none is repeated."""
    unique = training.tokens if training.unique_tokens is None else training.unique_tokens
    return parameters, training.tokens, unique, training.weight_decay


@estimator(gives=q.REPETITION_PARTS, source=(_SOURCE, _DECAY))
def repetition_parts(parameters: Floats, training: TrainingSpec) -> LossParts:
    """Loss by cause: floor, size, too few tokens, too few steps, and both costs of repeats."""
    return repetition_law().parts(*_inputs(parameters, training))


def _loss_parts(parameters: Floats, training: TrainingSpec) -> dict[str, Any]:
    return repetition_parts(parameters, training)._asdict()


def _repeat_parts(repetition_parts: LossParts, training: TrainingSpec) -> dict[str, Any]:
    """Excess by cause: repeats that are worth less, and memory in the place of learning."""
    return {"faded": repetition_parts.faded, "memorised": repetition_parts.memorised}


@attrs.frozen(eq=False)
class RepetitionLoss:
    """Cross-entropy where data are repeated: size, tokens, unique tokens and weight decay.

    It comes first wherever `unique_tokens` is stated and its domain covers the points; with
    nothing repeated it is its own law of fresh data. Level: C4 under GPT-2's tokenizer.
    """

    law: RepetitionLaw

    def __call__(self, parameters: Floats, training: TrainingSpec) -> Interval:
        """Return the loss in nats per token, with its 90 % interval, wider outside the domain."""
        inputs = _inputs(parameters, training)
        parts = self.law.parts(*inputs)
        loss: Floats = sum(parts)
        low, high = self.law.interval_of(parts, *inputs[:2])
        without = np.minimum(low, loss - parts.faded - parts.memorised)
        return Interval(loss, _lower_by_dropout(training, low, without), high)


def _lower_by_dropout(training: TrainingSpec, low: Floats, without: Floats) -> Floats:
    """Return the low end of an interval: without any cost of repeats where there is dropout.

    Dropout is the one usual regulariser found to relieve the cost of repeats, where it is tuned
    well; by how much is published for no range of sizes, so that it may take all of it or nothing.
    """
    return np.where(training.dropout > 0.0, without, low)[()]


estimator(
    gives=q.LOSS_NATS, name="repetition", source=(_SOURCE, _DECAY, _DROPOUT), kind="law", rank=-1,
    domain=_RUNS, needs=("training.unique_tokens",), parts=_loss_parts,
)(RepetitionLoss(repetition_law()))  # fmt: skip


@estimator(
    gives=q.OVERFITTING_NATS, source=(_SOURCE, _DECAY, _DROPOUT), kind="law", domain=_RUNS,
    parts=_repeat_parts,
)  # fmt: skip
def excess_over_fresh(repetition_parts: LossParts, training: TrainingSpec) -> Interval:
    """Loss minus that on as many tokens that are all different; 0 at one epoch.

    Under-training is in both and cancels. The 90 % interval is a factor either way; with dropout
    it begins at 0.
    """
    excess = np.maximum(repetition_parts.faded + repetition_parts.memorised, 0.0)
    low, high = repetition_law().excess_interval(excess)
    return Interval(excess, _lower_by_dropout(training, low, 0.0 * low), high)


@estimator(
    gives=q.OVERFITTING_RISK_FRACTION, source=_SOURCE, kind="calibrated",
    domain=Domain({"overfitting_nats": (0.0, 9.5)}),
)  # fmt: skip
def overfitting_risk(overfitting_nats: Floats, *, threshold_nats: float = 0.05) -> Floats:
    """Probability that repeats truly cost more than `threshold_nats`, given the expected cost.

    True over expected excess scatters by a factor, logistic in its logarithm, as runs that were
    left out of the fit did: ``1 / (1 + (threshold / excess)^(1 / scale))``. It is a function of
    size, unique tokens, epochs and weight decay, through the excess.
    """
    return repetition_law().risk(overfitting_nats, threshold_nats)


@estimator(gives=q.UNDERTRAINING_NATS, source=_SOURCE, kind="law", domain=_RUNS)
def too_few_tokens(repetition_parts: LossParts) -> Floats:
    """Loss that fresh tokens without end would take away at this size: data and start-up."""
    return repetition_parts.data + repetition_parts.start_up


@estimator(
    gives=q.BEST_EPOCHS_COUNT, source=(_SOURCE, _DECAY), kind="law", domain=_SIZED,
    needs=("training.unique_tokens",),
)  # fmt: skip
def epochs_of_least_loss(parameters: Floats, training: TrainingSpec) -> Interval:
    """Fewest epochs within 0.02 nats of the least loss; the interval holds all within 0.05.

    From 1 to 1,000 are tried. Past the interval's end a further epoch raises the loss, or 1,000
    are reached.
    """
    _, _, unique, decay = _inputs(parameters, training)
    best = best_epochs(repetition_law(), parameters, unique, decay)
    return Interval(best.epochs, best.low, best.high)


@estimator(
    gives=q.DATA_OPTIMUM, source=(_SOURCE, _DECAY), needs=("training.unique_tokens",)
)  # fmt: skip
def data_optimum(training: TrainingSpec) -> BestSize:
    """Size that learns most from the unique tokens, with its band, epochs and loss."""
    _, _, unique, decay = _inputs(1.0, training)
    return best_size(repetition_law(), unique, decay)


@estimator(gives=q.DATA_OPTIMAL_PARAMETERS, source=(_SOURCE, _DECAY), kind="law", domain=_DATA)
def size_of_least_loss(data_optimum: BestSize, training: TrainingSpec) -> Interval:
    """Size of least loss, each size at its best epochs; the interval holds all within 0.05 nats.

    The optimum is flat, often with two wells: read the interval, not the point.
    """
    return Interval(data_optimum.parameters, data_optimum.low, data_optimum.high)


@estimator(gives=q.DATA_OPTIMAL_TOKENS, source=(_SOURCE, _DECAY), kind="law", domain=_DATA)
def tokens_of_least_loss(data_optimum: BestSize, training: TrainingSpec) -> Floats:
    """Tokens, repeats included, of the size of least loss."""
    _, _, unique, _ = _inputs(1.0, training)
    return data_optimum.epochs * unique
