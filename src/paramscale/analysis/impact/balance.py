"""Total cost of each size, and by how much it exceeds the least that reaches the same loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.estimate import estimate_with
from paramscale.analysis.impact.question import Question
from paramscale.analysis.impact.row import Row, own_row
from paramscale.core.estimator import ESTIMATORS
from paramscale.typing import Floats

__all__ = ["Costs", "Frontier", "add_excess", "add_total", "costs_of", "frontier"]

Array = npt.NDArray[np.float64]

#: Training tokens that rivals may have, closely spaced.
_TOKENS = np.geomspace(1e8, 1e18, 201)
#: Costs follow a cubic of the logarithms over sizes; fewer known sizes than this give none.
_DEGREE, _FEWEST = 3, 12


class Costs(NamedTuple):
    """Cost of training, and of one token in use, at each size, and what they are counted in."""

    name: str
    training: Row
    each_token: Row
    in_words: str


def costs_of(question: Question, rows: Mapping[str, Row]) -> Costs | None:
    """Return costs in money; without prices in device time, without a machine in FLOPs."""
    if _known(rows, "training_cost_usd", "cost_per_token_usd"):
        train, each = rows["training_cost_usd"], rows["cost_per_token_usd"]
        return Costs("total_cost_usd", train, each, "money")
    if _known(rows, "training_device_s", "throughput_tokens_per_s", "serving_devices"):
        train, each = rows["training_device_s"], _device_time(rows)
        return Costs("total_device_s", train, each, "device-hours")
    if _known(rows, "training_flops", "prefill_flops", "decode_flops"):
        return Costs("total_flops", rows["training_flops"], _work(question, rows), "FLOPs")
    return None


def _known(rows: Mapping[str, Row], *names: str) -> bool:
    return all(name in rows and not np.isnan(rows[name].value).all() for name in names)


def _device_time(rows: Mapping[str, Row]) -> Row:
    """Return the device time of one token in use."""
    speed, devices = rows["throughput_tokens_per_s"], rows["serving_devices"].value
    ends = [devices / np.where(end > 0.0, end, np.nan)
            for end in (speed.value, speed.high, speed.low)]  # fmt: skip
    return attrs.evolve(speed, value=ends[0], low=ends[1], high=ends[2])


def _work(question: Question, rows: Mapping[str, Row]) -> Row:
    """Return the FLOPs of one token in use, with its share of the prompt."""
    batch, written = (float(x) for x in (question.serving.batch, question.serving.output_tokens))
    written = max(written, 1.0)
    prefill, decode = rows["prefill_flops"], rows["decode_flops"]
    each = (prefill.value + decode.value * (written - 1.0)) / (batch * written)
    return attrs.evolve(prefill, value=each, low=each, high=each)


def add_total(question: Question, rows: dict[str, Row], costs: Costs) -> None:
    """Add the row of total cost: training, and all tokens in use."""
    life = question.life_of(rows["parameters"].value)
    train, each = costs.training, costs.each_token
    total = [
        getattr(train, end) + np.where(life > 0.0, life * getattr(each, end), 0.0)
        for end in ("value", "low", "high")
    ]
    rows[costs.name] = own_row(
        costs.name, *total, inside=train.inside & each.inside,
        kind="exact" if costs.in_words == "FLOPs" else "calibrated",
        reasons=(*train.reasons, *each.reasons),
    )  # fmt: skip


@attrs.frozen(eq=False)
class Frontier:
    """The family as rivals: what each of its sizes costs, and reaches with any number of tokens.

    Costs are smooth over sizes: in a family, heads, layers and devices come whole, and their steps
    would decide else.

    Attributes
    ----------
    parameters : array
        Sizes of the rivals.
    train, use : array
        Coefficients of the logarithm of the cost of one token, learned and written.
    losses : array
        Least loss of each rival (first axis) with up to so many tokens (second axis).
    """

    parameters: Array
    train: Array
    use: Array
    losses: Array

    def train_cost(self, parameters: Array) -> Array:
        """Return the cost of learning from one token."""
        found: Array = np.exp(np.polyval(self.train, np.log(parameters)))
        return found

    def use_cost(self, parameters: Array) -> Array:
        """Return the cost of writing one token."""
        found: Array = np.exp(np.polyval(self.use, np.log(parameters)))
        return found

    def least(self, loss: Array, life: Floats) -> tuple[Array, Array]:
        """Return the least total cost that reaches each loss, and the size that does it.

        Each rival needs the tokens with which the law gives it that loss.
        """
        train, use = self.train_cost(self.parameters), self.use_cost(self.parameters)
        known = np.log(_TOKENS)
        totals = np.empty((loss.size, self.parameters.size))
        for each in range(self.parameters.size):
            tokens = np.interp(-loss, -self.losses[each], known, right=np.inf)
            totals[:, each] = train[each] * np.exp(tokens) + life * use[each]
        best = totals.argmin(axis=1)
        return totals[np.arange(loss.size), best], self.parameters[best]


def frontier(question: Question, rows: Mapping[str, Row], costs: Costs) -> Frontier | None:
    """Return the rivals of a family; None where too little is known of it."""
    parameters, tokens = rows["parameters"].value, rows["training_tokens"].value
    train, use = costs.training.value / tokens, costs.each_token.value
    known = np.isfinite(train * use) & (train * use > 0.0)
    if "loss_nats" not in rows or known.sum() < _FEWEST:
        return None
    at = np.log(parameters[known])
    losses = _losses(question, rows, known)
    if losses is None:
        return None
    train, use = (np.polyfit(at, np.log(each[known]), _DEGREE) for each in (train, use))
    return Frontier(parameters[known], train, use, np.minimum.accumulate(losses, axis=1))


def _losses(question: Question, rows: Mapping[str, Row], known: Any) -> Array | None:
    """Return losses of sizes with any tokens; None where the law needs more than counts."""
    run = attrs.evolve(question.training, tokens=_TOKENS)
    counts = {
        name: rows[name].value[known][:, None]
        for name in ("parameters", "active_parameters", "non_embedding_parameters")
    }
    counts["active_fraction"] = counts["active_parameters"] / counts["parameters"]
    use = {**(question.use or {}), "loss_nats": rows["loss_nats"].estimator}
    found = estimate_with(
        ESTIMATORS, None, {**counts, "training": run}, quantities=("loss_nats",), use=use,
        options=question.options, strict=False,
    )  # fmt: skip
    if "loss_nats" not in found:
        return None
    return np.broadcast_to(found["loss_nats"].value, (int(known.sum()), _TOKENS.size))


def add_excess(question: Question, rows: dict[str, Row], costs: Costs, rivals: Frontier) -> None:
    """Add the row of total cost over the least for the same loss.

    A size of the family costs what the smooth curve says; a published model what it does.
    """
    parameters, loss = rows["parameters"].value, rows["loss_nats"].value
    life = question.life_of(parameters)
    total = rows[costs.name].value
    if question.of_family:
        tokens = rows["training_tokens"].value
        smooth = rivals.train_cost(parameters) * tokens + life * rivals.use_cost(parameters)
        total = np.where(np.isnan(total), np.nan, smooth)
    least, _ = rivals.least(np.where(np.isnan(loss), -np.inf, loss), life)
    excess = np.where(np.isnan(loss) | ~np.isfinite(least), np.nan, total / least)
    unknown = np.full(excess.shape, np.nan)
    inside = rows["loss_nats"].inside & rows[costs.name].inside
    rows["cost_excess_ratio"] = own_row(
        "cost_excess_ratio", excess, unknown, unknown, inside=inside, kind="law",
        reasons=rows[costs.name].reasons,
    )  # fmt: skip
