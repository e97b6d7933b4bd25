"""Benchmark accuracies from size, tokens and recipe, and how known siblings pin a family down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import attrs
import numpy as np

from paramscale import quantities as q
from paramscale.core.domain import Domain
from paramscale.core.estimator import Interval, estimator
from paramscale.core.interval import Z90
from paramscale.errors import SpecError
from paramscale.laws.accuracy import AccuracyInputs, AccuracyLaw, accuracy_law
from paramscale.laws.family import FamilyOffsets, Sibling, efficiency_of, family_offsets
from paramscale.specs.training import TrainingSpec
from paramscale.typing import Floats, FloatsLike

__all__ = ["BenchmarkAccuracy", "Family", "Returns", "calibrate_family", "marginal_return"]

#: Parameters, active parameters, tokens, and measured accuracies by benchmark.
SiblingLike: TypeAlias = "tuple[float, float, float, Mapping[str, float]]"

DOMAIN = Domain(
    {
        "parameters": (7e7, 1.8e11),
        "training.tokens": (2e9, 1.8e13),
        "training.release_year": (2021.0, 2025.0),
    },
    note="base models, after their last stage of pre-training",
)


class Returns(NamedTuple):
    """What more size or more data buys.

    Attributes
    ----------
    parameters_doubling, tokens_doubling : float or array
        Accuracy gained by twice the parameters (total and active), and by twice the tokens.
    parameters_elasticity, tokens_elasticity : float or array
        Per cent of accuracy for a per cent of parameters, and of tokens, at the point itself.
    """

    parameters_doubling: Floats
    tokens_doubling: Floats
    parameters_elasticity: Floats
    tokens_elasticity: Floats


@attrs.frozen(eq=False)
class BenchmarkAccuracy:
    """Accuracy on a benchmark: a sigmoid of a latent ability, from chance up to a ceiling.

    The ability is ``S = -ln(w N^-a + (1 - w) D^-b)``; see `paramscale.laws.accuracy`. Release
    year, share of code and family efficiency of the training count where they are given; what
    is not known widens the interval, which was calibrated on families that were left out.

    Parameters
    ----------
    benchmark : str
        Its quantity.
    family : FamilyOffsets, optional
        What siblings tell; None for a family of which nothing is known.

    Examples
    --------
    >>> mmlu = BenchmarkAccuracy("mmlu_fraction")
    >>> small = mmlu(1e9, 1e9, TrainingSpec(tokens=1e11))  # 6e20 FLOPs: a guess
    >>> bool(0.25 < small.value < 0.27), bool(small.low < 0.25)
    (True, True)
    """

    benchmark: str
    family: FamilyOffsets | None = None
    law: AccuracyLaw = attrs.field(factory=accuracy_law, repr=False)

    @property
    def gives(self) -> str:
        """The quantity."""
        return self.benchmark

    @property
    def source(self) -> str:
        """How the law was fitted."""
        known = "" if self.family is None else f"; {len(self.family.abilities)} known siblings"
        return f"{self.law.source}{known}"

    @property
    def domain(self) -> Domain:
        """Where it was fitted."""
        return DOMAIN

    @property
    def kind(self) -> str:
        """What kind of number it is."""
        return "calibrated"

    def __call__(
        self, parameters: Floats, active_parameters: Floats, training: TrainingSpec
    ) -> Interval:
        """Return the accuracy with its 90 % interval; NaN where size or tokens are NaN."""
        inputs = _inputs(parameters, active_parameters, training)
        which = self.law.index(self.benchmark)
        if self.family is not None:
            return Interval(*self.family.predict(which, inputs))
        law, fit = self.law, self.law.across
        z, spread = law.logit(which, fit, inputs), np.sqrt(law.covariance[which, which])
        return Interval(*law.banded(which, fit, z, spread, _tier(inputs)))

    def sample(self, n: int, rng: np.random.Generator) -> _Sampled:
        """Return a callable whose results have a leading axis of n draws."""
        return _Sampled(self, rng.standard_normal(n))


@attrs.frozen(eq=False)
class _Sampled:
    """Draws of an accuracy: one deviate a draw, so that the points of a grid move together."""

    of: BenchmarkAccuracy
    deviates: Any

    def __call__(
        self, parameters: Floats, active_parameters: Floats, training: TrainingSpec
    ) -> Floats:
        return _drawn(self.deviates, self.of(parameters, active_parameters, training))


def _drawn(deviates: Any, found: Interval) -> Floats:
    """Return accuracies at some deviates, along a leading axis."""
    value, low, high = found
    deviate = deviates.reshape(-1, *(1,) * np.ndim(value)) / Z90
    side = np.where(deviate < 0.0, value - low, high - value)
    drawn: Floats = np.clip(value + deviate * side, 0.0, 1.0)
    return drawn


def _inputs(
    parameters: Floats, active_parameters: Floats, training: TrainingSpec
) -> AccuracyInputs:
    return AccuracyInputs(
        parameters, active_parameters, training.tokens, training.release_year,
        training.code_fraction, training.family_efficiency,
    )  # fmt: skip


def _tier(inputs: AccuracyInputs) -> str:
    """Return which width of intervals goes with what is known."""
    year, code = inputs.release_year is not None, inputs.code_fraction is not None
    if inputs.family_efficiency is not None and year and code:
        return "efficiency"
    return {(True, True): "both", (True, False): "year", (False, True): "code"}.get(
        (year, code), "none"
    )


@attrs.frozen(eq=False)
class Family(Mapping[str, BenchmarkAccuracy]):
    """A family with known siblings: its estimators by benchmark; made by `calibrate_family`.

    Parameters
    ----------
    offsets : FamilyOffsets
        What the siblings tell.
    efficiency : float
        One number that says most of it: the `family_efficiency` of a training.
    """

    offsets: FamilyOffsets
    efficiency: float

    def __getitem__(self, benchmark: str) -> BenchmarkAccuracy:
        law = self.offsets.law
        return BenchmarkAccuracy(law.names[law.index(benchmark)], self.offsets, law)

    def __iter__(self) -> Iterator[str]:
        return iter(self.offsets.law.names)

    def __len__(self) -> int:
        return len(self.offsets.law.names)

    def register(self, name: str) -> None:
        """Register the estimators under a name, for ``use={"mmlu_fraction": name}``."""
        for each in self.values():
            estimator(gives=each.gives, name=name, rank=10)(each)


def calibrate_family(
    siblings: Sequence[SiblingLike],
    *,
    release_year: float | None = None,
    code_fraction: float | None = None,
) -> Family:
    """Return the estimators of a family of which one or more members were measured.

    Its curves keep the shape that families have in common; their height is what the siblings
    say, shrunk towards the mean family by how much families differ and models scatter.
    Benchmarks that no sibling has follow those that one has, by their covariance.

    Parameters
    ----------
    siblings : sequence of (float, float, float, mapping)
        Parameters, active parameters, tokens, and accuracies: ``{"mmlu_fraction": 0.66}``.
    release_year, code_fraction : float, optional
        Those of the family.

    Examples
    --------
    >>> llama_2 = calibrate_family(
    ...     [(7e9, 7e9, 2e12, {"mmlu_fraction": 0.438, "gsm8k_fraction": 0.144})],
    ...     release_year=2023.54)
    >>> large = llama_2["mmlu_fraction"](70e9, 70e9, TrainingSpec(tokens=2e12))
    >>> bool(large.low < 0.698 < large.high)  # as measured
    True
    """
    if not siblings:
        raise SpecError("calibrate_family needs a sibling: (parameters, active, tokens, scores)")
    law = accuracy_law()
    known = [_sibling(law, each, release_year, code_fraction) for each in siblings]
    return Family(family_offsets(law, known), efficiency_of(law, known))


def _sibling(
    law: AccuracyLaw, given: SiblingLike, year: float | None, code: float | None
) -> Sibling:
    """Return a sibling after checking that it is one."""
    if len(given) != 4:
        raise SpecError(
            f"a sibling is (parameters, active, tokens, {{benchmark: accuracy}}), not {given!r}"
        )
    parameters, active, tokens, scores = given
    sizes = {"parameters": parameters, "active": active, "tokens": tokens}
    for name, size in sizes.items():
        if not np.isfinite(size) or size <= 0.0:
            raise SpecError(f"{name} of a sibling must be greater than 0, not {size!r}")
    for name, score in scores.items():
        law.index(name)
        if not 0.0 <= score <= 1.0:
            raise SpecError(f"{name} of a sibling must be a fraction from 0 to 1, not {score!r}")
    if not scores:
        raise SpecError(f"a sibling needs scores, as {{'mmlu_fraction': 0.66}}, not {scores!r}")
    return Sibling(AccuracyInputs(parameters, active, tokens, year, code), dict(scores))


def marginal_return(
    accuracy: BenchmarkAccuracy,
    parameters: FloatsLike,
    active_parameters: FloatsLike,
    training: TrainingSpec,
) -> Returns:
    """Return what a doubling of size and of data adds to an accuracy, and the elasticities.

    Year and recipe stay as they are: more tokens are not taken for a sign of a later recipe.

    Examples
    --------
    >>> run = TrainingSpec(tokens=2e12, release_year=2023.54)
    >>> gain = marginal_return(BenchmarkAccuracy("mmlu_fraction"), 7e9, 7e9, run)
    >>> bool(gain.parameters_doubling > gain.tokens_doubling > 0.0)
    True
    """
    size = np.asarray(parameters, dtype=np.float64)[()]
    active = np.asarray(active_parameters, dtype=np.float64)[()]
    if training.release_year is None:
        year = accuracy.law.expected_year(training.tokens)
        training = attrs.evolve(training, release_year=year)

    def at(more_size: float, more_data: float) -> Floats:
        run = attrs.evolve(training, tokens=training.tokens * more_data)
        return accuracy(size * more_size, active * more_size, run).value

    here, step = at(1.0, 1.0), 1e-4
    slopes = [
        (at(*up) - at(*down)) / (2.0 * step * here)
        for up, down in (
            ((np.exp(step), 1.0), (np.exp(-step), 1.0)),
            ((1.0, np.exp(step)), (1.0, np.exp(-step))),
        )
    ]
    return Returns(at(2.0, 1.0) - here, at(1.0, 2.0) - here, *slopes)


@estimator(gives=q.BENCHMARK_ACCURACIES, source=accuracy_law().source)
def every_benchmark(
    parameters: Floats, active_parameters: Floats, training: TrainingSpec
) -> tuple[Any, Any, Any]:
    """Accuracies of all benchmarks with their intervals, a last axis long."""
    inputs = _inputs(parameters, active_parameters, training)
    return accuracy_law().every(inputs, _tier(inputs))


@attrs.frozen(eq=False)
class _OneBenchmark:
    """Accuracy on a benchmark: a sigmoid of a latent ability, from chance up to a ceiling.

    The same numbers as `BenchmarkAccuracy` without siblings; all benchmarks are computed together.
    """

    place: int

    def __call__(self, benchmark_accuracies: Any) -> Interval:
        return Interval(*(each[..., self.place] for each in benchmark_accuracies))

    def sample(self, n: int, rng: np.random.Generator) -> _SampledBenchmark:
        """Return a callable whose results have a leading axis of n draws."""
        return _SampledBenchmark(self, rng.standard_normal(n))


@attrs.frozen(eq=False)
class _SampledBenchmark:
    of: _OneBenchmark
    deviates: Any

    def __call__(self, benchmark_accuracies: Any) -> Floats:
        return _drawn(self.deviates, self.of(benchmark_accuracies))


def _register() -> None:
    law = accuracy_law()
    for place, name in enumerate(law.names):
        estimator(
            gives=name,
            name="latent_sigmoid",
            kind="calibrated",
            source=law.source,
            domain=DOMAIN,
        )(_OneBenchmark(place))


_register()
