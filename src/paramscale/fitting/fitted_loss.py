"""A law of your own as an estimator of ``loss_nats``."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from paramscale.core.domain import Domain
from paramscale.core.record import Interval
from paramscale.fitting.fitted import FittedLaw
from paramscale.specs.training import TrainingSpec
from paramscale.typing import Floats

__all__ = ["FittedLoss"]


@attrs.frozen(eq=False)
class FittedLoss:
    """Cross-entropy by a law that was fitted to runs of your own, with its 90 % interval."""

    law: FittedLaw
    gives = "loss_nats"
    kind = "law"

    @property
    def name(self) -> str:
        """That of the law."""
        return self.law.name

    @property
    def source(self) -> str:
        """Where the coefficients come from."""
        return self.law.source

    @property
    def domain(self) -> Domain:
        """Range of the runs."""
        return self.law.domain

    def __call__(self, parameters: Floats, training: TrainingSpec) -> Interval:
        """Return the loss in nats per token; outside the runs the interval is wider."""
        return self.law.predict(parameters, training.tokens)

    def sample(self, n: int, rng: np.random.Generator) -> Callable[[Floats, TrainingSpec], Floats]:
        """Return the estimator with a leading axis of n draws."""
        drawn = self.law.sample(n, rng)
        return lambda parameters, training: drawn(parameters, training.tokens)
