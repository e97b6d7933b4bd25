"""Rows of measured energy as cases, and the fits of power and of the engines they ran on."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from scipy.optimize import least_squares

from paramscale.systems.coefficients import Coefficients, coefficients
from paramscale.systems.load import tokens_together
from paramscale.systems.machine import Machine, machine_of
from paramscale.systems.power import PowerCoefficients
from paramscale.systems.regime import regime_of
from paramscale.systems.scope import log_width
from paramscale.systems.serving import Times, times_of
from paramscale.systems.serving_power import (
    Use,
    prompt_draw,
    served_use,
    shares_of,
    step_draw,
)
from paramscale.systems.storage import storage_of
from paramscale.systems.totals import Totals, totals_of
from paramscale.validation.energy_rows import Measured, measured
from paramscale.validation.row import read_rows
from paramscale.validation.serving_rows import Refused

PRIORS = Path(__file__).with_name("power_priors.csv")

#: Log error of a power, and of a throughput, beyond which a row counts as an outlier.
SCALE, TIME_SCALE = 0.08, 0.10

#: Factors of an engine that are fitted, with the deviation of their logarithm.
FACTORS = {
    "vllm-2024": {"host": 1.0, "sequence_s": 1.5, "message_s": 1.5, "prefill_share": 1.0},
    "transformers": {"host": 1.0, "sequence_s": 1.0},
}


class Case(NamedTuple):
    """A measured row, ready to be predicted."""

    row: dict[str, str]
    what: Measured
    decode: Totals
    prefill: Totals
    machine: Machine

    @property
    def power(self) -> float:
        """Measured draw of a device, as a share of its limit."""
        whole = float(self.what.parallel.devices) * float(self.what.hardware.power_limit_w)
        return self.what.energy * self.what.throughput / whole

    @property
    def dataset(self) -> str:
        """What was measured together."""
        return self.row["dataset"]


def cases(folder: Path) -> list[Case]:
    """Return every row that states energy and throughput of boards with a power figure."""
    return list(_cases(folder))


def _cases(folder: Path) -> Iterator[Case]:
    for row in read_rows(folder / "energy/inference_energy.csv"):
        try:
            what = measured(row)
        except Refused:
            continue
        known = np.isfinite(what.throughput * what.hardware.power_limit_w)
        if known and not what.group.startswith("out_of_scope"):
            stored, serving, layout = (
                storage_of(what.serving, what.hardware),
                what.serving,
                what.parallel,
            )
            step = what.model.operations(serving.decode())
            prompt = what.model.operations(serving.prefill())
            yield Case(
                row, what,
                totals_of(step, stored, layout.tensor, tokens_together(serving, layout)),
                totals_of(prompt, stored, layout.tensor),
                machine_of(what.hardware, serving),
            )  # fmt: skip


def times(case: Case, c: Coefficients | None = None) -> Times:
    """Return the expected times of a case."""
    serving, hardware = case.what.serving, case.what.hardware
    regime = regime_of(serving)
    c = coefficients(regime, hardware.memory_type, serving.engine) if c is None else c
    layout = case.what.parallel
    return times_of(case.decode, case.prefill, case.machine, c, serving, layout, regime)


def throughput(case: Case, found: Times) -> float:
    """Return the expected output tokens a second."""
    serving, layout = case.what.serving, case.what.parallel
    latency = found.ttft_s + (serving.output_tokens - 1.0) * (found.tpot_s + found.stall_s)
    if serving.schedule != "continuous":
        latency = latency * np.maximum(serving.batch / (found.running * layout.data), 1.0)
    return float(serving.batch * serving.output_tokens / latency)


#: Returns the coefficients of the times of a case, before what is fitted here.
Plain: TypeAlias = Callable[[Case], Coefficients]


class Prior(NamedTuple):
    """What is believed of a coefficient before the fit."""

    memory: str
    machine: str
    coefficient: str
    value: float
    deviation: float
    source: str


def priors() -> list[Prior]:
    """Return the priors of ``power_priors.csv``."""
    with PRIORS.open(encoding="utf-8", newline="") as stream:
        return [
            Prior(
                row["memory"], row["machine"], row["coefficient"], float(row["value"]),
                float(row["deviation"]), row["source"],
            )
            for row in csv.DictReader(stream)
        ]  # fmt: skip


class Fit:
    """The fit of the coefficients of power to the cases, at their measured throughput."""

    def __init__(self, found: list[Case]) -> None:
        self.cases, self.priors = found, priors()
        self.times = [times(case) for case in found]
        self.truth = np.array([case.power for case in found])
        self.rate = np.array([case.what.throughput for case in found])
        self.expected = np.array(list(map(throughput, found, self.times)))
        self.start = np.array([np.log(prior.value) for prior in self.priors])
        self.deviation = np.array([prior.deviation for prior in self.priors])
        count = Counter(map(self._key, found))
        weight = np.array([count[self._key(case)] ** -0.5 for case in found])
        self.weight = weight / weight.mean()
        self.batches = self._batches()

    @staticmethod
    def _key(case: Case) -> tuple[Any, ...]:
        what = case.what
        devices = float(what.parallel.devices)
        return what.model.name, what.hardware.name, devices, case.dataset, case.row["task"]

    def _batches(self) -> list[tuple[Any, Use, Use, Machine, Times]]:
        """Return the cases stacked, those together whose formats use the same coefficients."""
        keys = [(c.machine.dense_width, c.machine.expert_width) for c in self.cases]
        return [self._stack([i for i, k in enumerate(keys) if k == key]) for key in set(keys)]

    def _stack(self, index: list[int]) -> tuple[Any, Use, Use, Machine, Times]:
        steps, prompts, tiles = [], [], []
        for i in index:
            what = self.cases[i].what
            step, prompt, machine = served_use(
                self.times[i], what.hardware, what.serving, what.parallel
            )
            steps.append(step)
            prompts.append(prompt)
            tiles.append(machine.tile)
        machine = machine._replace(tile=np.array(tiles, dtype=float))
        stacked = [Use(*np.array(each, dtype=float).T) for each in (steps, prompts)]
        running = np.array([float(self.times[i].running) for i in index])
        step_of = np.array([float(self.times[i].step_of) for i in index])
        return np.array(index), stacked[0], stacked[1], machine, _Running(running, step_of)

    def coefficients(self, x: Any, index: Any) -> tuple[PowerCoefficients, Any]:
        """Return the coefficients of every case of a batch, and the factor of its machine."""
        memory = np.array([self.cases[i].what.hardware.memory_type for i in index])
        machine = np.array([self.cases[i].what.hardware.name for i in index])
        made: dict[str, Any] = {}
        dynamic = np.ones(len(index))
        for prior, value in zip(self.priors, np.exp(x), strict=True):
            here = np.full(len(index), True)
            here &= (memory == prior.memory) if prior.memory else here
            here &= (machine == prior.machine) if prior.machine else here
            if prior.coefficient == "dynamic":
                dynamic = np.where(here, value, dynamic)
            else:
                made[prior.coefficient] = np.where(here, value, made.get(prior.coefficient, value))
        return PowerCoefficients(**made), dynamic

    def predict(self, x: Any, rate: Any = None) -> Any:
        """Return the share of the limit of every case, at its measured or another throughput."""
        return self.shares(x, self.rate if rate is None else rate)[0]

    def shares(self, x: Any, rate: Any) -> tuple[Any, Any]:
        """Return the share of the limit of every case, and the part of it that time alone costs."""
        predicted, passing = np.empty(len(self.cases)), np.empty(len(self.cases))
        for index, step, prompt, machine, running in self.batches:
            c, dynamic = self.coefficients(x, index)
            fixed = ("static", "busy", "multiply_expert", "padding")
            c = c._replace(
                **{n: getattr(c, n) * dynamic for n in PowerCoefficients._fields if n not in fixed}
            )
            what = [self.cases[i].what for i in index]
            stack = _Stack(what)
            found = shares_of(
                step_draw(step, machine, c), prompt_draw(prompt, machine, c), 1.0, c,
                rate[index], running, stack, stack,
            )  # fmt: skip
            predicted[index] = found.total
            passing[index] = np.minimum((found.static + found.busy) / found.total, 1.0)
        return predicted, passing

    def fit(self, use: Any) -> Any:
        """Return the logarithms of the coefficients that fit the cases in `use`."""

        def residuals(x: Any) -> Any:
            off = np.log(self.predict(x) / self.truth)[use] / SCALE
            robust = np.sqrt(self.weight[use] * np.log1p(off**2)) * np.sign(off)
            return np.concatenate([robust, 1.5 * (x - self.start) / self.deviation])

        found = least_squares(residuals, self.start.copy(), max_nfev=40)
        self.jacobian = found.jac
        return found.x

    def energy(self, x: Any) -> tuple[Any, Any]:
        """Return predicted over measured energy of a token at the expected throughput, and the
        logarithm of the factor that the uncertain time adds to its interval."""
        share, passing = self.shares(x, self.expected)
        late = np.array([log_width("tpot_s", c.what.hardware, c.what.serving) for c in self.cases])
        return share / self.truth * self.rate / self.expected, passing * late


class _Running(NamedTuple):
    """Stands for the times of stacked cases."""

    running: Any
    step_of: Any
    ttft_s: float = 1.0


class _Stack:
    """Stands for the specs of stacked cases."""

    draft_tokens = np.float64(0.0)
    acceptance_fraction = 0.7

    def __init__(self, what: list[Measured]) -> None:
        self.batch = np.array([float(each.serving.batch) for each in what])
        self.output_tokens = np.array([float(each.serving.output_tokens) for each in what])
        self.data = np.array([float(each.parallel.data) for each in what])


def fit_stalls(
    found: list[Case], plain: Plain | None = None
) -> tuple[dict[str, float], Any, dict[str, float]]:
    """Return what steps with prompts take longer; see :func:`fit_engine`.

    From the throughput of the engine whose token times the general coefficients were fitted on.
    """
    mine = [case for case in found if case.what.serving.engine == "vllm"]
    start = {"stall_layer_s": (1e-4, 1.0), "stall_expert_s": (3e-4, 1.0)}
    return _fit_times(mine, start, lambda c, values: c._replace(**values), plain)


def fit_engine(
    found: list[Case], engine: str, plain: Plain | None = None
) -> tuple[dict[str, float], Any, dict[str, float]]:
    """Return the factors of an engine, expected over measured throughput, and deviations."""
    mine = [case for case in found if case.what.serving.engine == engine]
    start = {name: (1.0, deviation) for name, deviation in FACTORS[engine].items()}

    def made(c: Coefficients, values: dict[str, Any]) -> Coefficients:
        return c._replace(**{name: getattr(c, name) * each for name, each in values.items()})

    return _fit_times(mine, start, made, plain)


def _fit_times(
    mine: list[Case], start: dict[str, tuple[float, float]], make: Any, of: Plain | None
) -> tuple[dict[str, float], Any, dict[str, float]]:
    names = list(start)
    first = np.log([value for value, _ in start.values()])
    deviation = np.array([wide for _, wide in start.values()])
    plain = [(of or _plain)(case) for case in mine]
    truth = np.array([case.what.throughput for case in mine])

    def ratio(x: Any) -> Any:
        values = dict(zip(names, np.exp(x), strict=True))
        made = [
            throughput(case, times(case, make(c, values)))
            for case, c in zip(mine, plain, strict=True)
        ]
        return np.array(made) / truth

    def residuals(x: Any) -> Any:
        off = np.log(ratio(x)) / TIME_SCALE
        robust = np.sqrt(np.log1p(off**2)) * np.sign(off)
        return np.concatenate([robust, (x - first) / deviation])

    made = least_squares(residuals, first, max_nfev=30)
    spread = np.sqrt(np.diag(np.linalg.pinv(made.jac.T @ made.jac)))
    values = dict(zip(names, np.exp(made.x).tolist(), strict=True))
    return values, ratio(made.x), dict(zip(names, spread.tolist(), strict=True))


def _plain(case: Case) -> Coefficients:
    """Return the coefficients without what this fit wrote for an engine."""
    serving = case.what.serving
    engine = "" if serving.engine in FACTORS else serving.engine
    return coefficients(regime_of(serving), case.what.hardware.memory_type, engine)
