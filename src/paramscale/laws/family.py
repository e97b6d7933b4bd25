"""What known siblings tell of a family: its offsets in z, with what stays unknown of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.laws.accuracy import AccuracyInputs, AccuracyLaw
from paramscale.typing import Floats

__all__ = ["FamilyOffsets", "Sibling", "efficiency_of", "family_offsets"]

Array: TypeAlias = npt.NDArray[np.float64]

#: Degrees of freedom of the Student-t scatter within a family.
_FREEDOM = 10.0
_STEPS = 30
#: Trial efficiencies, and the standard deviation of their logarithm among families.
_LOG_EFFICIENCIES = np.linspace(-5.0, 5.0, 201)
_LOG_EFFICIENCY_SPREAD = 2.0


class Sibling(NamedTuple):
    """A known member of a family, and its measured accuracies by benchmark."""

    inputs: AccuracyInputs
    scores: Mapping[str, float]


@attrs.frozen(eq=False)
class FamilyOffsets:
    """Offsets of a family, benchmark by benchmark, on top of the curves within families.

    Parameters
    ----------
    law : AccuracyLaw
        The law.
    mean, covariance : array
        Of the offsets in z, given the siblings.
    prior : array
        Mean of the offsets before the siblings' scores.
    abilities : array
        Latent abilities of the siblings.
    release_year : float
        That of the siblings, or what is expected of their tokens.
    code_fraction : float, optional
        Share of code of the family.
    """

    law: AccuracyLaw
    mean: Array
    covariance: Array
    prior: Array
    abilities: Array
    release_year: float
    code_fraction: float | None

    @property
    def tier(self) -> str:
        """Which width of intervals applies."""
        return "one" if len(self.abilities) == 1 else "two"

    def complete(self, inputs: AccuracyInputs) -> AccuracyInputs:
        """Return the inputs with what is unknown of year and code taken from the family."""
        year, code = inputs.release_year, inputs.code_fraction
        return inputs._replace(
            release_year=self.release_year if year is None else year,
            code_fraction=self.code_fraction if code is None else code,
            family_efficiency=None,
        )

    def position(self, which: int, inputs: AccuracyInputs) -> tuple[Floats, Floats]:
        """Return z of another member and its standard deviation, larger far from the siblings."""
        law, fit, full = self.law, self.law.within, self.complete(inputs)
        z: Floats = law.logit(which, fit, full) + self.mean[which]
        ability = np.asarray(fit.ability(full))[..., None]
        far = np.min(np.abs(ability - self.abilities), axis=-1)[()]
        tilt = law.slope_spread * fit.slope[which] * far
        deviation: Floats = np.sqrt(self.covariance[which, which] + tilt**2)
        return z, deviation

    def predict(self, which: int, inputs: AccuracyInputs) -> tuple[Floats, Floats, Floats]:
        """Return accuracy and the ends of its 90 % interval for another member."""
        law, fit = self.law, self.law.within
        z, deviation = self.position(which, inputs)
        return law.banded(which, fit, z, deviation, self.tier)


def family_offsets(law: AccuracyLaw, siblings: Sequence[Sibling]) -> FamilyOffsets:
    """Return the offsets of the family of some siblings: the mode of their posterior.

    Before any sibling the offsets are normal about what the law across families says at the
    place of the siblings, with the covariance of families that were fitted; scores scatter about
    the curve as Student's t. The mode is found by damped Gauss-Newton steps. Year and share of
    code are those of the first sibling.
    """
    first = siblings[0].inputs
    years = [float(law.expected_year(each.inputs.tokens)) for each in siblings]
    year = float(np.mean(years))
    if first.release_year is not None:
        year = float(np.mean(first.release_year))
    code = None if first.code_fraction is None else float(np.mean(first.code_fraction))
    known = [each.inputs._replace(release_year=year, code_fraction=code) for each in siblings]
    whole = slice(None)
    curves = np.stack([law.logit(whole, law.within, each) for each in known])
    prior = np.stack([law.logit(whole, law.across, each) for each in known]) - curves
    scores = np.full(curves.shape, np.nan)
    for row, each in enumerate(siblings):
        for name, score in each.scores.items():
            scores[row, law.index(name)] = score
    before = prior.mean(axis=0)
    mean, covariance = _mode(law, curves, scores, before)
    abilities = np.array([float(law.within.ability(each)) for each in known])
    return FamilyOffsets(law, mean, covariance, before, abilities, year, code)


def _mode(law: AccuracyLaw, curves: Array, scores: Array, prior: Array) -> tuple[Array, Array]:
    """Return mode and covariance of the offsets, given scores (NaN where not measured)."""
    precision, offset = np.linalg.inv(law.covariance), prior.copy()
    seen, whole = np.isfinite(scores), slice(None)
    room, variance = law.within.ceiling - law.chance, law.scatter**2
    hessian = precision
    for _ in range(_STEPS):
        accuracy = law.fraction(whole, law.within, curves + offset)
        part = (accuracy - law.chance) / room
        gradient = room * part * (1.0 - part)
        miss = np.where(seen, scores - accuracy, 0.0)
        weight = seen * (_FREEDOM + 1.0) / (_FREEDOM + miss**2 / variance) / variance
        hessian = precision + np.diag((weight * gradient**2).sum(axis=0))
        slope = (weight * gradient * miss).sum(axis=0) - precision @ (offset - prior)
        step = np.linalg.solve(hessian + 0.05 * np.diag(np.diag(hessian)), slope)
        offset = offset + np.clip(step, -1.0, 1.0)
    return offset, np.linalg.inv(hessian)


def efficiency_of(law: AccuracyLaw, siblings: Sequence[Sibling]) -> float:
    """Return the one family efficiency that says most of the scores of some siblings.

    It is the `family_efficiency` e of least ``sum of squares of (score - law(e · FLOPs)) /
    deviation``, with a normal prior on ln e about 0.
    """
    cost = (_LOG_EFFICIENCIES / _LOG_EFFICIENCY_SPREAD) ** 2
    spread = np.sqrt(np.diag(law.covariance))
    for each in siblings:
        inputs = each.inputs._replace(family_efficiency=np.exp(_LOG_EFFICIENCIES))
        for name, score in each.scores.items():
            which = law.index(name)
            z = law.logit(which, law.across, inputs)
            value = law.fraction(which, law.across, z)
            more = law.fraction(which, law.across, z + 0.5 * spread[which])
            less = law.fraction(which, law.across, z - 0.5 * spread[which])
            cost = cost + ((score - value) / np.hypot(more - less, law.scatter[which])) ** 2
    return float(np.exp(_LOG_EFFICIENCIES[np.argmin(cost)]))
