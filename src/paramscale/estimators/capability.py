"""What a model of some size learns from some data: the published laws of loss, and their parts."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import attrs

from paramscale import quantities as q
from paramscale.core.domain import Domain
from paramscale.core.estimator import Interval, estimator
from paramscale.errors import PluginWarning, RegistrationError
from paramscale.laws import Law, doubling_returns, elasticities, laws, tokens_worth_of_growth
from paramscale.laws.convert import is_vocabulary
from paramscale.laws.names import COUNTS
from paramscale.specs.bill import Bill, total
from paramscale.specs.block import NOTHING
from paramscale.specs.training import TrainingSpec
from paramscale.typing import Floats

__all__ = [
    "ChosenLaw",
    "LossLaw",
    "NonEmbeddingLossLaw",
    "RepeatedLossLaw",
    "non_embedding",
    "tokens_per_parameter",
]


@estimator(gives=q.TOKENS_PER_PARAMETER, source="training tokens / parameters")
def tokens_per_parameter(parameters: Floats, training: TrainingSpec) -> Floats:
    """Training tokens for each parameter; near 20 is compute-optimal by Hoffmann et al. 2022."""
    return training.tokens / parameters


@estimator(gives=q.NON_EMBEDDING_PARAMETERS, source="sum of tensor shapes")
def non_embedding(token_work: Bill) -> Floats:
    """Parameters as Kaplan et al. 2020 count them: no tables, no projection to logits."""
    return total(token_work, lambda op: NOTHING if is_vocabulary(op) else op.weights)


@attrs.frozen(eq=False)
class LossLaw:
    """Cross-entropy by a published law, with the scatter of its runs as the interval.

    The law knows size and tokens alone: not the recipe, not repetition of data, not experts. Its
    level belongs to its own data and tokenizer, so differences mean more than levels.
    """

    law: Law

    def __call__(self, parameters: Floats, training: TrainingSpec) -> Interval:
        """Return the loss in nats per token, with its 90 % interval inside the domain."""
        low, high = self.law.interval(parameters, training.tokens)
        return Interval(self.law(parameters, training.tokens), low, high)


@attrs.frozen(eq=False)
class NonEmbeddingLossLaw:
    """Cross-entropy by a published law that counts parameters without tables and head.

    The law knows size and tokens alone, and its level belongs to its own data and tokenizer.
    """

    law: Law

    def __call__(self, non_embedding_parameters: Floats, training: TrainingSpec) -> Interval:
        """Return the loss in nats per token, with its 90 % interval inside the domain."""
        low, high = self.law.interval(non_embedding_parameters, training.tokens)
        return Interval(self.law(non_embedding_parameters, training.tokens), low, high)


@attrs.frozen(eq=False)
class RepeatedLossLaw:
    """Cross-entropy by a published law of data that are seen more than once.

    Without ``training.unique_tokens`` nothing is repeated. Its level belongs to its own data and
    tokenizer.
    """

    law: Law

    def __call__(self, parameters: Floats, training: TrainingSpec) -> Interval:
        """Return the loss in nats per token, with its 90 % interval inside the domain."""
        inputs = (parameters, training.tokens, training.unique_tokens)
        low, high = self.law.interval(*inputs)
        return Interval(self.law(*inputs), low, high)


@attrs.frozen(eq=False)
class ChosenLaw:
    """The law on which allocation and returns rest; ``use={"loss_law": ...}`` chooses another.

    Of the laws of Chinchilla's form in all parameters, the first whose domain covers the points.
    """

    law: Law

    def __call__(self) -> Any:
        """Return the law itself."""
        return self.law


#: The laws of loss that a scenario can feed: their inputs, how they count N, and what asks them.
_KINDS: dict[tuple[tuple[str, ...], str], Callable[[Law], Any]] = {
    (("parameters", "tokens"), "total"): LossLaw,
    (("parameters", "tokens"), "non_embedding"): NonEmbeddingLossLaw,
    (("parameters", "tokens", "unique_tokens"), "total"): RepeatedLossLaw,
}

#: Where the order of trust is not that of the evidence: the default; a bridge; an unsure level.
_RANKS = {"besiroglu2024": 0, "pearce2024": 2, "muennighoff2023": 3}


def _rank(name: str, law: Law) -> int:
    return _RANKS.get(name, 2 if law.evidence == "secondary" else 1)


def _domain(law: Law) -> Domain:
    """Return the law's own domain in the words of a scenario, of dense models on fresh data."""
    bounds = dict(law.domain.bounds)
    if "parameters" in bounds:
        bounds = {COUNTS[law.counted]: bounds.pop("parameters"), **bounds}
    fresh = {} if "unique_tokens" in law.inputs else {"training.epochs": (0.0, 1.0)}
    return attrs.evolve(law.domain, bounds={**bounds, "active_fraction": (1.0, 1.0), **fresh})


def _register(name: str, law: Law) -> None:
    """Make estimators of a law of loss that a scenario can feed."""
    kind = _KINDS.get((law.inputs, law.counted))
    if law.gives != "loss_nats" or kind is None:
        return
    claims: dict[str, Any] = {
        "name": name,
        "source": law.citation,
        "kind": "law",
        "domain": _domain(law),
        "rank": _rank(name, law),
    }
    estimator(gives=q.LOSS_NATS, **claims)(kind(law))
    if kind is LossLaw and law.form.terms is not None:
        estimator(gives=q.LOSS_LAW, **claims)(ChosenLaw(law))


def _register_all() -> None:
    """Register every law; a third party's law that cannot be one must not stop the rest."""
    for name, law in laws.items():
        try:
            _register(name, law)
        except RegistrationError as error:
            text = f"the law {name!r} gives no estimate of loss_nats: {error}"
            warnings.warn(PluginWarning(text), stacklevel=2)


_register_all()

_LAW = "the law chosen as loss_law, evaluated"


@estimator(gives=q.IRREDUCIBLE_LOSS_NATS, source=_LAW)
def irreducible_loss(loss_law: Law) -> Floats:
    """Loss at infinite size and data: the entropy of the law's own text in its own tokens."""
    return loss_law.floor


@estimator(gives=q.REDUCIBLE_LOSS_NATS, source=_LAW)
def reducible_loss(loss_law: Law, parameters: Floats, training: TrainingSpec) -> Floats:
    """Loss above the irreducible part: what more parameters and more tokens could remove."""
    return loss_law(parameters, training.tokens) - loss_law.floor


@estimator(gives=q.DOUBLING_RETURN_NATS, source=_LAW)
def doubling_return(loss_law: Law, parameters: Floats, training: TrainingSpec) -> Floats:
    """Loss that twice the parameters would save on the same tokens: diminishing returns."""
    return doubling_returns(loss_law, parameters, training.tokens)[0]


@estimator(gives=q.TOKEN_DOUBLING_RETURN_NATS, source=_LAW)
def token_doubling_return(loss_law: Law, parameters: Floats, training: TrainingSpec) -> Floats:
    """Loss that twice the tokens, all of them fresh, would save on the same parameters."""
    return doubling_returns(loss_law, parameters, training.tokens)[1]


@estimator(gives=q.SIZE_ELASTICITY_RATIO, source=_LAW)
def size_elasticity(loss_law: Law, parameters: Floats, training: TrainingSpec) -> Floats:
    """Minus d ln L / d ln N: per cent of the loss that a per cent more parameters saves."""
    return -elasticities(loss_law, parameters, training.tokens)[0]


@estimator(gives=q.DATA_ELASTICITY_RATIO, source=_LAW)
def data_elasticity(loss_law: Law, parameters: Floats, training: TrainingSpec) -> Floats:
    """Minus d ln L / d ln D: per cent of the loss that a per cent more tokens saves."""
    return -elasticities(loss_law, parameters, training.tokens)[1]


@estimator(gives=q.TOKENS_WORTH_OF_DOUBLING_RATIO, source=_LAW)
def tokens_worth(loss_law: Law, parameters: Floats, training: TrainingSpec) -> Floats:
    """By which factor tokens must grow to save what twice the parameters would."""
    return tokens_worth_of_growth(loss_law, parameters, training.tokens)
