"""What quantization and pruning cost in loss and accuracy."""

from __future__ import annotations

import inspect
from typing import Any

import attrs
import numpy as np

from paramscale import quantities as q
from paramscale.core.domain import Domain
from paramscale.core.estimator import Interval, estimator
from paramscale.core.interval import Z90
from paramscale.laws.accuracy import accuracy_law
from paramscale.laws.compressed import NOTHING, Compressed, losses_added, some
from paramscale.laws.compression import compression_law
from paramscale.specs.changes import Quantization
from paramscale.specs.model import ModelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.rounded import record_of_formats
from paramscale.typing import Floats

__all__ = ["compressed", "compressed_anyhow", "compressed_loss", "compression_loss"]

_SOURCE = (
    "paramscale: laws/compression.py, fitted by tools/fit_compression.py on published perplexities"
    " (laws/data/compression.csv)"
)

#: Inside where every part was measured at about such a noise and size.
DOMAIN = Domain(
    {"outside_measured_ratio": (1.0, 1.1)},
    note="decoder-only models of 1 to 123 G parameters; loss on WikiText-2",
)


@estimator(gives=q.COMPRESSED, name="tokens_known", source=_SOURCE, rank=0)
def compressed(
    model: ModelSpec,
    serving: ServingSpec,
    parameters: Floats,
    training: TrainingSpec,
    *,
    text: str = "wikitext",
) -> Compressed:
    """Loss added by the records that a model carries, and by the formats it is served in.

    A record of quantization is believed before `serving` formats, which do not say how the
    numbers were rounded; experts in a format of their own are taken for the whole model. `text` is
    ``"wikitext"``, or ``"ordinary"`` for web text, on which large models lose less.
    """
    return _of(model, serving, parameters, training.tokens, text)


@estimator(gives=q.COMPRESSED, name="tokens_not_known", source=_SOURCE, rank=1)
def compressed_anyhow(
    model: ModelSpec, serving: ServingSpec, parameters: Floats, *, text: str = "wikitext"
) -> Compressed:
    """The same where no training is given: 2 T tokens are assumed, and the interval is wider."""
    return _of(model, serving, parameters, None, text)


def _of(
    model: ModelSpec, serving: ServingSpec, parameters: Floats, tokens: Floats | None, text: str
) -> Compressed:
    done: tuple[Any, ...] = model.changes
    records = [each for each in done if isinstance(each, Quantization)]
    weights = any(some(each.weight_bits < 16.0) for each in records)
    cache = any(some(each.kv_bits < 16.0) for each in records)
    most = serving.expert_format if serving.expert_format is not None else serving.weight_format
    served = record_of_formats(None if weights else most, None if cache else serving.kv_format)
    if served is not None:
        done = (*done, served)
    return losses_added(done, parameters, tokens, text=text) if done else NOTHING


@estimator(gives=q.OUTSIDE_MEASURED_RATIO, source=_SOURCE)
def outside_measured(compressed: Compressed) -> Floats:
    """How far noise or size lie outside of what was measured, as a factor; 1 inside."""
    return np.exp(compressed.beyond)


def _parts(compressed: Compressed) -> dict[str, Floats]:
    return compressed.parts


@estimator(
    gives=q.COMPRESSION_LOSS_NATS,
    source=_SOURCE,
    kind="calibrated",
    domain=DOMAIN,
    parts=_parts,
)
def compression_loss(compressed: Compressed) -> Interval:
    """Loss that compression adds: 0 for a model of 16 bits to which nothing was done.

    Each part is ``exp(level + slope x + bend x^2) S`` with x the logarithm of the noise in the
    weights, S the sensitivity of the model: more tokens in the same weights leave less slack.
    The interval was calibrated on models that were left out; a measured loss may be below zero.
    """
    return Interval(compressed.value, compressed.low, compressed.high)


@estimator(
    gives=q.COMPRESSED_LOSS_NATS,
    source=_SOURCE,
    kind="calibrated",
    domain=DOMAIN,
)
def compressed_loss(loss_nats: Floats, compressed: Compressed) -> Interval:
    """Loss by the chosen law, with what compression adds on top.

    The interval is that of what is added, given the law.
    """
    ends = (compressed.value, compressed.low, compressed.high)
    return Interval(*(loss_nats + each for each in ends))


@attrs.frozen(eq=False)
class _Left:
    """Accuracy after compression: what lies above chance shrinks as exp(-rate x loss added)."""

    accuracy: str
    chance: float
    rate: float
    scatter: float

    def after(self, accuracy: Floats, added: Compressed) -> Interval:
        """Return the accuracy that is left, with its interval given the one before."""
        above = np.maximum(accuracy - self.chance, 0.0)
        below = np.minimum(accuracy, self.chance)
        wide = np.exp(Z90 * self.scatter)
        low, high = self.rate / wide, self.rate * wide
        worst, best = (high, added.high), (low, added.low)
        ends = (
            below + above * np.exp(-rate * np.maximum(loss, 0.0))
            for rate, loss in ((self.rate, added.value), worst, best)
        )
        return Interval(*ends)


def _register() -> None:
    """Make an estimator of each accuracy after compression."""
    law, rates = accuracy_law(), compression_law().accuracy
    for place, name in enumerate(law.names):
        rate, scatter = rates["likelihood" if name in LIKELIHOOD else "answers"]
        left = _Left(name, float(law.chance[place]), rate, scatter)
        function = _function(name, left)
        claims: dict[str, Any] = {"source": _SOURCE, "kind": "calibrated", "name": "kept_share"}
        estimator(gives=f"compressed_{name}", domain=DOMAIN, **claims)(function)


#: Benchmarks that compare likelihoods of short endings; the others ask for knowledge or answers.
LIKELIHOOD = (
    "arc_challenge_fraction", "arc_easy_fraction", "hellaswag_fraction", "winogrande_fraction",
    "piqa_fraction", "lambada_fraction",
)  # fmt: skip


def _function(name: str, left: _Left) -> Any:
    """Return a function that takes the accuracy by its own name."""

    def kept(accuracy: Floats, compressed: Compressed) -> Interval:
        return left.after(accuracy, compressed)

    named = [inspect.Parameter(each, inspect.Parameter.POSITIONAL_OR_KEYWORD) for each in (name, "compressed")]  # fmt: skip  # noqa: E501
    kept.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    kept.__annotations__ = {}
    kept.__doc__ = _Left.__doc__
    return kept


_register()
