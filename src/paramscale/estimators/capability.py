"""What a model of some size learns from some data: the published laws of loss."""

from __future__ import annotations

import warnings

import attrs

from paramscale import quantities as q
from paramscale.core.domain import Domain
from paramscale.core.estimator import Interval, estimator
from paramscale.errors import PluginWarning, RegistrationError
from paramscale.laws import Law, laws
from paramscale.specs.training import TrainingSpec
from paramscale.typing import Floats

__all__ = ["LossLaw", "tokens_per_parameter"]


@estimator(gives=q.TOKENS_PER_PARAMETER, source="training tokens / parameters")
def tokens_per_parameter(parameters: Floats, training: TrainingSpec) -> Floats:
    """Training tokens for each parameter; near 20 is compute-optimal by Hoffmann et al. 2022."""
    return training.tokens / parameters


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


def _domain(law: Law) -> Domain:
    """Return the law's own domain, and that it was fitted on dense models."""
    return attrs.evolve(law.domain, bounds={**law.domain.bounds, "active_fraction": (1.0, 1.0)})


def _source(law: Law) -> str:
    return law.source if not law.arxiv else f"{law.paper}, arXiv:{law.arxiv}; {law.source}"


def _register() -> None:
    """Make an estimator of each law of size and data; one that cannot be one is told of."""
    first = {"besiroglu2024": 0}
    for name, law in laws.items():
        if law.form.inputs != ("parameters", "tokens"):
            continue
        register = estimator(
            gives=q.LOSS_NATS, name=name, source=_source(law), kind="law", domain=_domain(law),
            rank=first.get(name, 1),
        )  # fmt: skip
        try:
            register(LossLaw(law))
        except RegistrationError as error:  # a third party's law must not stop the rest
            text = f"the law {name!r} gives no estimate of loss_nats: {error}"
            warnings.warn(PluginWarning(text), stacklevel=2)


_register()
