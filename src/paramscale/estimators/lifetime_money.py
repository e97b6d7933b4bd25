"""Size against data over a model's life, in money: what training and serving it really cost.

The closed forms of Sardana et al. 2024 with prices in place of FLOPs: USD for each parameter and
token of training, from ``training_cost_usd``, and of use, from ``cost_per_token_usd``. Both are
taken as proportional to the size near the model at hand; where a smaller model would be served at
the same speed (a small batch, a fixed cost of each layer) its gain is less.
"""

from __future__ import annotations

from paramscale import quantities as q
from paramscale.core.estimator import estimator
from paramscale.laws import Law, lifetime_optimum
from paramscale.laws.inference import Lifetime, break_even_demand
from paramscale.specs.serving import ServingSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.demand import served_tokens
from paramscale.typing import Floats

__all__ = ["break_even_served", "cheapest", "cheapest_parameters", "cheapest_tokens"]

_LIFE = "Sardana et al. 2024, arXiv:2401.00448, with prices of training and use, on loss_law"
_DEMAND = ("serving.requests_per_day", "serving.deployment_days")


def _prices(
    training_cost: Floats, cost_per_token: Floats, parameters: Floats, training: TrainingSpec
) -> dict[str, Floats]:
    """Return USD for each parameter and token, of training and of use."""
    return {
        "training": training_cost / (parameters * training.tokens),
        "inference": cost_per_token / parameters,
    }


@estimator(gives=q.CHEAPEST_LIFE, source=_LIFE, needs=_DEMAND)
def cheapest(
    loss_law: Law,
    parameters: Floats,
    training_cost_usd: Floats,
    cost_per_token_usd: Floats,
    training: TrainingSpec,
    serving: ServingSpec,
) -> Lifetime:
    """Size and training tokens that reach the loss of the run for least money over its life."""
    price = _prices(training_cost_usd, cost_per_token_usd, parameters, training)
    loss = loss_law(parameters, training.tokens)
    return lifetime_optimum(loss_law, loss, served_tokens(serving), **price)


@estimator(gives=q.LIFETIME_CHEAPEST_PARAMETERS, source=_LIFE, name="closed_form")
def cheapest_parameters(cheapest_life: Lifetime) -> Floats:
    """Parameters that reach the loss of the run for least money of training and use together."""
    return cheapest_life.parameters


@estimator(gives=q.LIFETIME_CHEAPEST_TOKENS, source=_LIFE, name="closed_form")
def cheapest_tokens(cheapest_life: Lifetime) -> Floats:
    """Training tokens that reach the loss of the run for least money over its life."""
    return cheapest_life.tokens


@estimator(gives=q.BREAK_EVEN_SERVED_TOKENS, source=_LIFE, name="closed_form")
def break_even_served(
    loss_law: Law,
    parameters: Floats,
    training_cost_usd: Floats,
    cost_per_token_usd: Floats,
    training: TrainingSpec,
    *,
    smaller: float = 0.5,
) -> Floats:
    """Output tokens from which a smaller model, trained longer to the same loss, is cheaper.

    The option `smaller` is its size over that of the model at hand. Infinite where no data bring
    it to the same loss.
    """
    price = _prices(training_cost_usd, cost_per_token_usd, parameters, training)
    return break_even_demand(loss_law, parameters, training.tokens, smaller, **price)
