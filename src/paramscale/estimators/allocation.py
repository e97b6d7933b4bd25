"""How compute is best spent: size against data, with and without the cost of use, and how to train.

Compute counts as the laws count it, 6·parameters·tokens. All follows from the law chosen as
``loss_law``; the published power laws of compute are there by name, ``use={...}``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from paramscale import quantities as q
from paramscale.core.estimator import estimator
from paramscale.laws import (
    Law,
    compute_excess,
    compute_optimum,
    laws,
    lifetime_optimum,
    overtraining,
)
from paramscale.laws.inference import Lifetime
from paramscale.laws.names import COUNTS
from paramscale.laws.optimal import Allocation
from paramscale.specs.training import TrainingSpec
from paramscale.typing import Floats

__all__ = ["OfFlops", "OfSizeAndTokens", "OfTokens"]

_CLOSED = "closed form on the law chosen as loss_law: Hoffmann et al. 2022, arXiv:2203.15556, Eq. 4"
_LIFE = "Sardana et al. 2024, arXiv:2401.00448: 6 N D + 2 N T at equal loss, on loss_law"


def _best(law: Law, parameters: Floats, training: TrainingSpec) -> Allocation:
    return compute_optimum(law, 6.0 * parameters * training.tokens)


@estimator(gives=q.COMPUTE_OPTIMAL_PARAMETERS, source=_CLOSED)
def closed_form_parameters(loss_law: Law, parameters: Floats, training: TrainingSpec) -> Floats:
    """Parameters of least loss for the compute of the run, 6·parameters·tokens."""
    return _best(loss_law, parameters, training).parameters


@estimator(gives=q.COMPUTE_OPTIMAL_TOKENS, source=_CLOSED)
def closed_form_tokens(loss_law: Law, parameters: Floats, training: TrainingSpec) -> Floats:
    """Tokens of least loss for the compute of the run, 6·parameters·tokens."""
    return _best(loss_law, parameters, training).tokens


@estimator(gives=q.COMPUTE_OPTIMAL_LOSS_NATS, source=_CLOSED)
def closed_form_loss(loss_law: Law, parameters: Floats, training: TrainingSpec) -> Floats:
    """Least loss that the compute of the run could reach, 6·parameters·tokens."""
    return _best(loss_law, parameters, training).loss


@estimator(gives=q.OVERTRAINING_RATIO, source=_CLOSED)
def tokens_over_best(loss_law: Law, parameters: Floats, training: TrainingSpec) -> Floats:
    """Tokens over those that are best for the same compute: above 1 a small model, long trained."""
    return overtraining(loss_law, parameters, training.tokens)


@estimator(gives=q.COMPUTE_EXCESS_RATIO, source=_CLOSED)
def compute_over_least(loss_law: Law, parameters: Floats, training: TrainingSpec) -> Floats:
    """Compute of the run over the least that reaches its loss: 1 at the optimum, else more."""
    return compute_excess(loss_law, parameters, training.tokens)


def _life(law: Law, parameters: Floats, training: TrainingSpec, served: Any) -> Lifetime:
    tokens = training.tokens
    return lifetime_optimum(law, law(parameters, tokens), tokens if served is None else served)


@estimator(gives=q.LIFETIME_OPTIMAL_PARAMETERS, source=_LIFE)
def lifetime_parameters(
    loss_law: Law, parameters: Floats, training: TrainingSpec, *, lifetime_tokens: Any = None
) -> Floats:
    """Parameters that reach the loss of the run with fewest FLOPs of training and use together.

    The option `lifetime_tokens` says how many tokens are read and written in use; as many as the
    run is trained on unless given.
    """
    return _life(loss_law, parameters, training, lifetime_tokens).parameters


@estimator(gives=q.LIFETIME_OPTIMAL_TOKENS, source=_LIFE)
def lifetime_training_tokens(
    loss_law: Law, parameters: Floats, training: TrainingSpec, *, lifetime_tokens: Any = None
) -> Floats:
    """Training tokens that reach the loss of the run with fewest FLOPs over a life.

    The option `lifetime_tokens` is that of ``lifetime_optimal_parameters``.
    """
    return _life(loss_law, parameters, training, lifetime_tokens).tokens


@attrs.frozen(eq=False)
class OfFlops:
    """What a published power law of compute gives, from the FLOPs of the whole run."""

    law: Law

    def __call__(self, training_flops: Floats) -> Floats:
        """Return what the law gives, in the unit of its quantity."""
        return self.law(training_flops)


@attrs.frozen(eq=False)
class OfTokens:
    """What a published power law of the data gives, from the tokens of the run."""

    law: Law

    def __call__(self, training: TrainingSpec) -> Floats:
        """Return what the law gives, in the unit of its quantity."""
        return self.law(training.tokens)


@attrs.frozen(eq=False)
class OfSizeAndTokens:
    """What a published law of size and data gives, the size without tables and head."""

    law: Law

    def __call__(self, non_embedding_parameters: Floats, training: TrainingSpec) -> Floats:
        """Return what the law gives, in the unit of its quantity."""
        return self.law(non_embedding_parameters, training.tokens)


_KINDS: dict[tuple[tuple[str, ...], str], Callable[[Law], Any]] = {
    (("flops",), "total"): OfFlops,
    (("tokens",), "non_embedding"): OfTokens,
    (("parameters", "tokens"), "non_embedding"): OfSizeAndTokens,
}

_GIVEN = {
    each.name: each
    for each in (
        q.COMPUTE_OPTIMAL_PARAMETERS,
        q.COMPUTE_OPTIMAL_TOKENS,
        q.OPTIMAL_BATCH_TOKENS,
        q.OPTIMAL_LEARNING_RATE_RATIO,
    )
}


def _register() -> None:
    """Register the laws that give one of these quantities from what a scenario knows."""
    for name, law in laws.items():
        kind = _KINDS.get((law.inputs, law.counted))
        if law.gives in _GIVEN and kind is not None and law.domain.bounds:
            bounds = {
                COUNTS[law.counted] if key == "parameters" else key: ends
                for key, ends in law.domain.bounds.items()
            }
            estimator(
                gives=_GIVEN[law.gives], name=name, source=law.citation, kind="law", rank=1,
                domain=attrs.evolve(law.domain, bounds=bounds),
            )(kind(law))  # fmt: skip


_register()
