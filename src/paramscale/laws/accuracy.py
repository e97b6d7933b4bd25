"""Benchmark accuracy from size, data and recipe: a latent ability, and a sigmoid a benchmark.

The latent ability is ``S = -ln(w N^-a + (1 - w) D^-b)`` with ``N = sqrt(total · active) / 1e9``
and ``D = tokens / 1e12``: a smooth minimum of what size allows and what data allow. Accuracy is
``chance + (ceiling - chance) / (1 + exp(-z))`` with ``z = slope (S - midpoint) + year · t +
code · c + offset``; t counts years about 2023.5 and c is the share of code beyond 0.2.

There are two sets of coefficients. *Across* families is right for a family of which nothing is
known: there, larger models are also those with better recipes. *Within* a family only size and
tokens change; together with an offset that siblings pin down it tells one member from another.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any, NamedTuple, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.core.interval import Z90
from paramscale.core.packaged import packaged_rows
from paramscale.errors import FileFormatError, UnknownNameError
from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["AccuracyFit", "AccuracyInputs", "AccuracyLaw", "accuracy_law", "latent_ability"]

Array: TypeAlias = npt.NDArray[np.float64]

#: Years are counted from here, and limited to what was fitted, give or take half a year.
YEAR, YEAR_LOW, YEAR_HIGH = 2023.5, 2022.0, 2025.0
#: General mixtures hold up to a fifth of code (Llama 3: 17 %, arXiv:2407.21783, section 3.1.2).
CODE_OF_GENERAL_MIXTURES = 0.2
#: Scatter at chance over that of the middle, and the part of the way up on which it rises.
NOISE_AT_CHANCE, NOISE_RISE = 0.5, 0.2
_LOG_1E9, _LOG_1E12 = np.log(1e9), np.log(1e12)
#: The curve itself, and the lower and upper end of an interval.
_SIDES = np.array([0.0, -1.0, 1.0])


class AccuracyInputs(NamedTuple):
    """What an accuracy depends on; numbers or arrays that broadcast. None means unknown.

    Attributes
    ----------
    parameters, active_parameters : float or array
        Total, and touched by one token.
    tokens : float or array
        Tokens trained on.
    release_year : float or array, optional
        With decimals: 2024.5 is July 2024.
    code_fraction : float or array, optional
        Share of code (and text about code) in the last stage of pre-training.
    family_efficiency : float or array, optional
        Training FLOPs that a mean family needs for the same, over those of this family.
    """

    parameters: FloatsLike
    active_parameters: FloatsLike
    tokens: FloatsLike
    release_year: FloatsLike | None = None
    code_fraction: FloatsLike | None = None
    family_efficiency: FloatsLike | None = None


def latent_ability(inputs: AccuracyInputs, *, a: float, b: float, w: float) -> Floats:
    """Return ``S = -ln(w N^-a + (1 - w) D^-b)``; NaN where a size or the tokens are not positive.

    An efficiency e multiplies N and D by its root, so that it multiplies the FLOPs.

    Examples
    --------
    >>> llama = AccuracyInputs(8e9, 8e9, 15e12)
    >>> round(float(latent_ability(llama, a=0.3, b=0.3, w=0.5)), 3)
    0.714
    """
    size, data = _logs(inputs)
    if inputs.family_efficiency is not None:
        more = 0.5 * np.log(positive(inputs.family_efficiency))
        size, data = size + more, data + more
    with np.errstate(invalid="ignore"):  # NumPy warns of NaN in logaddexp
        ability: Floats = -np.logaddexp(np.log(w) - a * size, np.log1p(-w) - b * data)
    return ability


def _logs(inputs: AccuracyInputs) -> tuple[Floats, Floats]:
    size = 0.5 * (np.log(positive(inputs.parameters)) + np.log(positive(inputs.active_parameters)))
    return size - _LOG_1E9, np.log(positive(inputs.tokens)) - _LOG_1E12


@attrs.frozen(eq=False, kw_only=True)
class AccuracyFit:
    """One set of coefficients: of the latent ability, and arrays with a number a benchmark."""

    a: float
    b: float
    w: float
    slope: Array
    midpoint: Array
    year: Array
    code: Array
    ceiling: Array

    def ability(self, inputs: AccuracyInputs) -> Floats:
        """Return the latent ability S."""
        return latent_ability(inputs, a=self.a, b=self.b, w=self.w)


@attrs.frozen(eq=False, kw_only=True)
class AccuracyLaw:
    """The fitted law of all benchmarks.

    Parameters
    ----------
    names : tuple of str
        Benchmarks, by quantity; the order of every array.
    across, within : AccuracyFit
        Coefficients between families, and inside one.
    chance : array
        Accuracy of a guess.
    scatter : array
        Standard deviation of one model's accuracy about the curve of its own family.
    covariance : array
        Of the offsets of families in z, benchmark by benchmark.
    width : mapping of str to array
        By what is known: factor on the standard deviations that makes 90 % intervals cover 90 %
        of the families that were left out.
    year_at, year_by_data : float
        Expected release year at 1e12 tokens, and its change with the logarithm of tokens.
    slope_spread : float
        Standard deviation of a family's slope over the mean slope.
    source : str
        How it was fitted.

    Examples
    --------
    >>> law = accuracy_law()
    >>> law.index("mmlu_fraction"), law.names[:2]
    (0, ('mmlu_fraction', 'arc_challenge_fraction'))
    >>> inputs = AccuracyInputs(8e9, 8e9, 15e12, release_year=2024.3)
    >>> bool(0.5 < law.fraction(0, law.across, law.logit(0, law.across, inputs)) < 0.75)
    True
    """

    names: tuple[str, ...]
    across: AccuracyFit
    within: AccuracyFit
    chance: Array
    scatter: Array
    covariance: Array
    width: Mapping[str, Array]
    year_at: float
    year_by_data: float
    slope_spread: float
    source: str

    def index(self, name: str) -> int:
        """Return where a benchmark stands; ``"mmlu"`` is ``"mmlu_fraction"``."""
        full = name if name.endswith("_fraction") else f"{name}_fraction"
        if full not in self.names:
            raise UnknownNameError("benchmark", name, self.names)
        return self.names.index(full)

    def expected_year(self, tokens: FloatsLike) -> Floats:
        """Return the year in which models trained on that many tokens were released."""
        data = np.log(positive(tokens)) - _LOG_1E12
        year: Floats = _in_known_years(self.year_at + self.year_by_data * data)
        return year

    def logit(self, which: Any, fit: AccuracyFit, inputs: AccuracyInputs) -> Floats:
        """Return z of one benchmark, or of several if `which` is a slice along a last axis."""
        year = inputs.release_year
        year = self.expected_year(inputs.tokens) if year is None else np.asarray(year)[()]
        z = fit.slope[which] * (fit.ability(inputs) - fit.midpoint[which])
        z = z + fit.year[which] * (_in_known_years(year) - YEAR)
        if inputs.code_fraction is not None:
            z = z + fit.code[which] * code_share(inputs.code_fraction)
        held: Floats = z
        return held

    def fraction(self, which: Any, fit: AccuracyFit, z: Floats) -> Floats:
        """Return the accuracy at z: from chance up to the ceiling."""
        room = fit.ceiling[which] - self.chance[which]
        accuracy: Floats = self.chance[which] + room * 0.5 * (1.0 + np.tanh(0.5 * z))
        return accuracy

    def every(self, inputs: AccuracyInputs, tier: str) -> tuple[Array, Array, Array]:
        """Return accuracy and interval of all benchmarks at once, along a last axis.

        `tier` says what is known of the training, as in `width`.
        """
        rows, fit = slice(None), self.across
        year = inputs.release_year
        year = self.expected_year(inputs.tokens) if year is None else year
        ability = np.asarray(fit.ability(inputs))[..., None]
        z = fit.slope * (ability - fit.midpoint)
        z = z + fit.year * (_in_known_years(np.asarray(year)[..., None]) - YEAR)
        if inputs.code_fraction is not None:
            z = z + fit.code * np.asarray(code_share(inputs.code_fraction))[..., None]
        return self.banded(rows, fit, z, self.deviations, tier)  # type: ignore[return-value]

    def noise(self, which: Any, fit: AccuracyFit, value: Floats) -> Floats:
        """Return the scatter of one model about its curve: less of it near chance.

        Guessing has little to differ by: below a tenth of the way up, MMLU scatters by 0.012
        between models, and by 0.03 in the middle.
        """
        room = fit.ceiling[which] - self.chance[which]
        up = np.tanh((value - self.chance[which]) / (NOISE_RISE * room))
        noise: Floats = self.scatter[which] * (NOISE_AT_CHANCE + (1.0 - NOISE_AT_CHANCE) * up)
        return noise

    @cached_property
    def deviations(self) -> Array:
        """Standard deviations of the offsets of families in z."""
        return np.sqrt(np.diagonal(self.covariance))

    def banded(
        self, which: Any, fit: AccuracyFit, z: Floats, deviation: FloatsLike, tier: str
    ) -> tuple[Floats, Floats, Floats]:
        """Return the accuracy and the 90 % interval of a measured one, `deviation` being that of z.

        The scatter of one model about its curve is added in squares; ends stay within 0 and 1.
        """
        factor = Z90 * self.width[tier][which]
        step = np.asarray(factor * deviation)
        sides = _SIDES.reshape(-1, *(1,) * max(np.ndim(z), step.ndim)) * step
        value, below, above = np.asarray(self.fraction(which, fit, z + sides))
        noise = factor * self.noise(which, fit, value)
        low = np.maximum(value - np.hypot(value - below, noise), 0.0)
        high = np.minimum(value + np.hypot(value - above, noise), 1.0)
        return value, low, high


def _in_known_years(year: FloatsLike) -> Floats:
    held: Floats = np.minimum(np.maximum(year, YEAR_LOW), YEAR_HIGH)  # np.clip is slow
    return held


def code_share(code_fraction: FloatsLike) -> Floats:
    """Return the share of code beyond that of general mixtures, from 0 to 1."""
    beyond = np.asarray(code_fraction, dtype=np.float64) - CODE_OF_GENERAL_MIXTURES
    return np.maximum(beyond, 0.0)[()] / (1.0 - CODE_OF_GENERAL_MIXTURES)


@cache
def accuracy_law() -> AccuracyLaw:
    """Return the law fitted by ``tools/fit_accuracy.py``, from ``laws/data/accuracy.csv``."""
    rows = packaged_rows("paramscale.laws", "accuracy.csv")
    try:
        return law_of_rows(rows)
    except (KeyError, ValueError) as error:
        raise FileFormatError(f"laws/data/accuracy.csv: {error!r} is missing or wrong") from error


def law_of_rows(rows: list[dict[str, str]]) -> AccuracyLaw:
    """Return the law of rows ``fit, benchmark, coefficient, value, source``."""
    values = {(r["fit"], r["benchmark"], r["coefficient"]): float(r["value"]) for r in rows}
    names = tuple(dict.fromkeys(r["benchmark"] for r in rows if r["benchmark"]))

    def column(fit: str, coefficient: str) -> Array:
        return np.array([values[fit, name, coefficient] for name in names])

    def one(fit: str) -> AccuracyFit:
        arrays = {key: column(fit, key) for key in ("slope", "midpoint", "year", "code", "ceiling")}
        return AccuracyFit(**{key: values[fit, "", key] for key in "abw"}, **arrays)  # type: ignore[arg-type]

    tiers = {c.removeprefix("width_") for f, _, c in values if c.startswith("width_")}
    return AccuracyLaw(
        names=names, across=one("across"), within=one("within"), chance=column("", "chance"),
        scatter=column("within", "scatter"),
        covariance=np.array([column("covariance", name) for name in names]),
        width={tier: column("", f"width_{tier}") for tier in sorted(tiers)},
        year_at=values["", "", "year_at"], year_by_data=values["", "", "year_by_data"],
        slope_spread=values["within", "", "slope_spread"], source=rows[0]["source"],
    )  # fmt: skip
