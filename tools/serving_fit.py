"""Rows of measurements as cases, and the fit of one regime of serving to them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import least_squares

from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.coefficients import Coefficients
from paramscale.systems.load import tokens_together
from paramscale.systems.machine import Machine, machine_of
from paramscale.systems.regime import regime_of
from paramscale.systems.serving import times_of
from paramscale.systems.step import shares_by_cause
from paramscale.systems.storage import storage_of
from paramscale.systems.totals import Totals, totals_of
from paramscale.validation.row import read_rows
from paramscale.validation.serving_rows import Refused, Served, served

PRIORS = Path(__file__).with_name("serving_priors.csv")

#: Log error beyond which a row counts as an outlier, by quantity.
SCALES = {"tpot_s": 0.08, "latency_s": 0.06, "ttft_s": 0.15, "prompt_s": 0.08}

#: Rows that no visible configuration explains (README of the tables): kept out of the fit.
UNEXPLAINED = (
    ("NVIDIA GB200", "qwen3-32b", ""), ("NVIDIA B200", "deepseek-r1", ""),
    ("NVIDIA H200 SXM", "llama-3.1-8b", "vllm"),
)  # fmt: skip


class Case(NamedTuple):
    """A measured row, ready to be predicted."""

    row: dict[str, str]
    what: Served
    decode: Totals
    prefill: Totals
    machine: Machine
    regime: str
    quantity: str
    truth: float


def cases(folder: Path) -> Iterator[Case]:
    """Yield every row that can be predicted and explained, once for each thing measured."""
    for row in read_rows(folder / "systems/inference.csv"):
        try:
            what = served(row)
        except Refused:
            continue
        if what.group.startswith("in_scope") and _explained(row, what):
            yield from _cases(row, what)


def _explained(row: dict[str, str], what: Served) -> bool:
    for machine, model, engine in UNEXPLAINED:
        same = (what.hardware.name, what.model.name) == (machine, model)
        if same and engine in ("", what.serving.engine) and "ml-energy" not in row["source_group"]:
            return False
    return not (what.model.name == "qwen3-32b" and what.serving.prompt_tokens == 15000.0)


def _cases(row: dict[str, str], what: Served) -> Iterator[Case]:
    serving, parallel = what.serving, what.parallel
    regime = regime_of(serving)
    stored, tensor = storage_of(serving), parallel.tensor
    step = what.model.operations(serving.decode())
    prompt = what.model.operations(serving.prefill())
    decode = totals_of(step, stored, tensor, tokens_together(serving, parallel))
    prefill = totals_of(prompt, stored, tensor)
    machine = machine_of(what.hardware, serving, accumulates16=regime == "single_stream")
    for quantity, truth in _truths(row, what, regime):
        yield Case(row, what, decode, prefill, machine, regime, quantity, truth)


def _truths(row: dict[str, str], what: Served, regime: str) -> Iterator[tuple[str, float]]:
    serving = what.serving
    if regime == "static" and row["phase"] != "decode":
        total = float(row["output_tokens_per_s_total"] or 0.0)
        if total > 0.0:
            batch = float(row["batch_or_concurrency"])
            yield "latency_s", batch * float(serving.output_tokens) / total
        return
    if row["tpot_s"]:
        yield "tpot_s", float(row["tpot_s"])
    if row["ttft_s"] and row["phase"] != "decode":
        yield ("prompt_s" if row["phase"] == "prefill" else "ttft_s"), float(row["ttft_s"])


class Batch(NamedTuple):
    """Cases of one regime and one way to multiply, as arrays."""

    index: Any
    decode: Totals
    prefill: Totals
    machine: Machine
    serving: ServingSpec
    parallel: ParallelSpec


def batches(found: list[Case]) -> list[Batch]:
    """Return the cases stacked, those together whose formats use the same coefficients."""
    keys = [(c.machine.dense_width, c.machine.expert_width, c.machine.quantized) for c in found]
    return [
        _stack([i for i, each in enumerate(keys) if each == key], found)
        for key in dict.fromkeys(keys)
    ]


def _stack(index: list[int], found: list[Case]) -> Batch:
    chosen = [found[i] for i in index]
    arrays = {
        name: np.array([float(getattr(c.what.serving, name)) for c in chosen])
        for name in ("batch", "prompt_tokens", "output_tokens", "output_variation")
    }
    layout = {
        name: np.array([float(getattr(c.what.parallel, name)) for c in chosen])
        for name in ("tensor", "pipeline", "data", "expert", "context")
    }
    return Batch(
        np.array(index),
        Totals(*[_column([c.decode[k] for c in chosen]) for k in range(len(Totals._fields))]),
        Totals(*[_column([c.prefill[k] for c in chosen]) for k in range(len(Totals._fields))]),
        Machine(*[_column([c.machine[k] for c in chosen]) for k in range(len(Machine._fields))]),
        ServingSpec(**arrays, schedule=chosen[0].what.serving.schedule),
        ParallelSpec(**layout),
    )


def _column(values: list[Any]) -> Any:
    """Return numbers as an array; what is text or a flag is the same for all."""
    if isinstance(values[0], (str, bool)):
        return values[0]
    if isinstance(values[0], tuple):
        return tuple(_column(list(each)) for each in zip(*values, strict=True))
    return np.array([float(value) for value in values])


class Prior(NamedTuple):
    """A coefficient before the fit: where it holds, its value and log deviation."""

    regime: str
    memory: str
    engine: str
    operation: str
    value: float
    deviation: float
    unit: str
    source: str


def priors(regime: str) -> list[Prior]:
    """Return the priors of a regime."""
    with PRIORS.open(encoding="utf-8", newline="") as stream:
        return [
            Prior(
                row["regime"], row["memory"], row["engine"], row["operation"], float(row["value"]),
                float(row["deviation"]), row["unit"], row["source"],
            )
            for row in csv.DictReader(stream) if row["regime"] == regime
        ]  # fmt: skip


class Fit:
    """The fit of one regime; quantities share coefficients and are fitted together."""

    def __init__(self, regime: str, found: list[Case]) -> None:
        self.regime, self.cases, self.priors = regime, found, priors(regime)
        self.batches = batches(found)
        self.truth = np.array([c.truth for c in found])
        self.quantity = np.array([c.quantity for c in found])
        self.scale = np.array([SCALES[c.quantity] for c in found])
        self.start = np.array([np.log(prior.value) for prior in self.priors])
        self.deviation = np.array([prior.deviation for prior in self.priors])
        self.free = self.deviation > 0.0
        self.memory = np.array([c.what.hardware.memory_type for c in found])
        self.engine = np.array([c.what.serving.engine for c in found])
        self.weight = self._weights()

    def _weights(self) -> Any:
        keys = [
            (c.what.model.name, c.what.hardware.name, c.what.serving.engine, c.quantity,
             c.row["weight_precision"], c.row["source_group"], float(c.what.parallel.devices))
            for c in self.cases
        ]  # fmt: skip
        count = Counter(keys)
        weight = np.array([count[key] ** -0.5 for key in keys])
        layers = np.array([float(c.what.parallel.pipeline) > 1.0 for c in self.cases])
        weight[layers & (self.quantity == "prompt_s")] *= 0.3  # some did not use all their cards
        return weight / weight.mean()

    def coefficients(self, x: Any, batch: Batch) -> Coefficients:
        """Return the coefficients of every case of a batch."""
        memory, engine = self.memory[batch.index], self.engine[batch.index]
        made: dict[str, Any] = {}
        for prior, value in zip(self.priors, np.exp(x), strict=True):
            name = prior.operation
            if prior.engine:
                made[name] = made[name] * np.where(engine == prior.engine, value, 1.0)
            elif prior.memory:
                made[name] = np.where(memory == prior.memory, value, made[name])
            else:
                made[name] = np.full(len(batch.index), value)
        return Coefficients(**made)

    def predict(self, x: Any) -> Any:
        """Return the prediction of every case."""
        predicted = np.empty(len(self.cases))
        for batch in self.batches:
            c = self.coefficients(x, batch)
            times = times_of(
                batch.decode, batch.prefill, batch.machine, c, batch.serving, batch.parallel,
                self.regime,
            )  # fmt: skip
            each = batch.serving.batch / batch.parallel.data
            written = batch.serving.output_tokens
            latency = each / times.running * (times.ttft_s + (written - 1.0) * times.tpot_s)
            quantity = self.quantity[batch.index]
            first = (quantity == "ttft_s") | (quantity == "prompt_s")
            chosen = np.where(first, times.ttft_s, times.tpot_s)
            predicted[batch.index] = np.where(quantity == "latency_s", latency, chosen)
        return predicted

    def shares(self, x: Any) -> list[dict[str, float]]:
        """Return the share of each cause in the time of a token, of every case."""
        found: list[dict[str, float]] = [{} for _ in self.cases]
        for batch in self.batches:
            times = times_of(
                batch.decode, batch.prefill, batch.machine, self.coefficients(x, batch),
                batch.serving, batch.parallel, self.regime,
            )  # fmt: skip
            causes = shares_by_cause(times.parts, times.step_s, times.others_s)
            for cause, column in causes.items():
                each = np.broadcast_to(column, batch.index.shape)
                for place, share in zip(batch.index, each, strict=True):
                    found[place][cause] = float(share)
        return found

    def fit(self, use: Any, start: Any = None) -> Any:
        """Return the coefficients' logarithms that fit the cases in `use`."""
        full = (self.start if start is None else start).copy()

        def residuals(free: Any) -> Any:
            full[self.free] = free
            off = np.log(self.predict(full) / self.truth)[use] / self.scale[use]
            robust = np.sqrt(self.weight[use] * np.log1p(off**2)) * np.sign(off)
            pull = 1.5 * (full - self.start)[self.free] / self.deviation[self.free]
            return np.concatenate([robust, pull])

        found = least_squares(residuals, full[self.free].copy(), max_nfev=30)
        full[self.free] = found.x
        self.jacobian = found.jac
        return full
