"""The dense model in 16 bits that is as good as a compressed one, or as one with experts."""

from __future__ import annotations

import numpy as np

from paramscale import quantities as q
from paramscale.core.domain import Domain
from paramscale.core.estimator import Interval, estimator
from paramscale.core.interval import Z90
from paramscale.laws import Law, laws, parameters_for_loss
from paramscale.laws.compressed import NOTHING, Compressed
from paramscale.laws.dense_equivalent import dense_equivalent, root_rule
from paramscale.laws.quantized_training import bits_factor
from paramscale.specs.changes import Quantization
from paramscale.specs.model import ModelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.typing import Floats

__all__ = [
    "dense_size",
    "experts_outside",
    "fine_grained",
    "geometric_mean",
    "precision_size",
    "trained_under_rounding",
]


_CLARK = (
    "Clark et al. 2022, arXiv:2202.01169, in total over active parameters; refitted by"
    " tools/fit_experts.py (laws/data/experts.csv)"
)


#: Active parameters of the experts of Clark et al. 2022, figure 2.
_EXPERT_SIZES = 1.5e7, 1.3e9
_EXPERTS = Domain(
    {"experts_outside_ratio": (1.0, 1.1), "outside_measured_ratio": (1.0, 1.1)},
    note="dense models, or experts of 15 M to 1.3 G active parameters with routers of 2022",
)


@estimator(gives=q.EXPERTS_OUTSIDE_RATIO, source=_CLARK)
def experts_outside(parameters: Floats, active_parameters: Floats) -> Floats:
    """How far active parameters of experts lie outside of those measured; 1 for a dense model."""
    low, high = _EXPERT_SIZES
    factor = np.maximum(np.maximum(low / active_parameters, active_parameters / high), 1.0)
    return np.where(active_parameters < parameters, factor, 1.0)[()]


@estimator(
    gives=q.EFFECTIVE_PARAMETERS,
    source=_CLARK,
    kind="calibrated",
    rank=0,
    domain=_EXPERTS,
)
def dense_size(
    parameters: Floats,
    active_parameters: Floats,
    compressed: Compressed,
    loss_law: Law,
    training: TrainingSpec,
) -> Interval:
    """Parameters of the dense model in 16 bits that is as good as this one on the same tokens.

    Experts count by the law of Clark et al., whose gain shrinks with size; loss added by
    compression by the size at which the chosen law has that much more.
    """
    law = dense_equivalent()
    log = law(parameters, active_parameters)
    width = Z90 * law.deviation(active_parameters) * (active_parameters < parameters)
    whole = tuple(np.exp(log + each) for each in (0.0, -width, width))
    if compressed is NOTHING:
        return Interval(*whole)
    losses = (compressed.value, compressed.high, compressed.low)
    return Interval(*(_as_good(loss_law, n, training.tokens, loss) for n, loss in zip(whole, losses, strict=True)))  # fmt: skip  # noqa: E501


def _as_good(law: Law, parameters: Floats, tokens: Floats, added: Floats) -> Floats:
    """Return the size of which the loss is higher by what was added."""
    return parameters_for_loss(law, tokens, law(parameters, tokens) + np.maximum(added, 0.0))


@estimator(
    gives=q.EFFECTIVE_PARAMETERS, name="root_rule", source="rule of thumb", rank=2, domain=_EXPERTS
)
def geometric_mean(parameters: Floats, active_parameters: Floats) -> Floats:
    """Root of total times active parameters; compression does not count."""
    return root_rule(parameters, active_parameters)


@estimator(
    gives=q.EFFECTIVE_PARAMETERS,
    name="fine_grained_experts",
    source="Dai et al. 2024 (DeepSeekMoE), arXiv:2401.06066, tables 3 and 9; tools/fit_experts.py",
    kind="calibrated",
    rank=3,
    domain=_EXPERTS,
)
def fine_grained(parameters: Floats, active_parameters: Floats) -> Interval:
    """Dense size of many small experts beside shared ones: a range between two measured models.

    It ends at what the law of Clark et al. says of coarse experts below, and at all parameters
    above.
    """
    law = dense_equivalent()
    coarse = law(parameters, active_parameters)
    fine = law.fine * (active_parameters < parameters)
    value = np.minimum(np.exp(coarse + fine), parameters)
    return Interval(value, np.minimum(np.exp(coarse), value), parameters + 0.0 * value)


#: QuEST was trained up to 2e8 parameters, Kumar et al. up to 2.2e8.
_TRAINED = Domain(
    {"parameters": (3e7, 2.2e8)}, note="weights and activations rounded throughout training"
)


def _bits(model: ModelSpec) -> tuple[Floats, Floats, Floats]:
    """Return bits of weights, activations and cached keys and values of the last quantization."""
    found = [each for each in model.changes if isinstance(each, Quantization)]
    if not found:
        return np.float64(16.0), np.float64(16.0), np.float64(16.0)
    return found[-1].weight_bits, found[-1].activation_bits, found[-1].kv_bits


@estimator(
    gives=q.EFFECTIVE_PARAMETERS,
    name="quest2025",
    source="Panferov et al. 2025 (QuEST), arXiv:2502.05003; tools/fit_quantized_training.py",
    kind="calibrated",
    rank=4,
    domain=_TRAINED,
)
def trained_under_rounding(model: ModelSpec, parameters: Floats) -> Floats:
    """Size in 16 bits that learns like one whose weights are rounded throughout training.

    One factor for each number of bits, between them on a line in its logarithm; fewer bits of
    activations count as those of weights.
    """
    weights, activations, _ = _bits(model)
    return parameters * bits_factor(weights, activations)


@estimator(
    gives=q.EFFECTIVE_PARAMETERS,
    name="kumar2024",
    source=laws["kumar2024_training"].citation,
    kind="law",
    rank=5,
    domain=_TRAINED,
)
def precision_size(model: ModelSpec, parameters: Floats) -> Floats:
    """Size that learns like one trained in few bits, by Kumar et al.; activations as exact."""
    weights, _, cache = _bits(model)
    return laws["kumar2024_training"](parameters, weights, cache)
