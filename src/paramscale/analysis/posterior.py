"""What measured points say about a further value: a level, and the parts that they share.

The log error of an estimate is taken as the sum of a level, which all points of a system share; of
one error for each part of the value (reading weights, the host, prompts of others, ...), weighted
by the part's share; and of scatter. Points alike in their parts then tell more of each other: a
measurement at a small batch says much about the host and little about arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from paramscale.typing import Floats

__all__ = ["Posterior", "Shares", "posterior"]

#: Share of a value in each of its parts; empty where it has no breakdown.
Shares = Mapping[str, Floats]

#: Variances of level, parts and scatter, in units of that of the base estimator, where parts are
#: known and where not. Chosen so that of serving rows left out of the fit, with one row of their
#: configuration given, nine of ten lie inside the interval (``tools/calibrate_serving.py
#: --one-point``): with a larger level the median error is the same, and the intervals too narrow.
LEVEL, PARTS, SCATTER = 0.2, 2.0, 0.3
ONLY_LEVEL, ONLY_SCATTER = 0.7, 0.3


class Split(NamedTuple):
    """Variances of level, parts and scatter, in units of that of the base estimator.

    Attributes
    ----------
    level, parts, scatter : float
        The variances.
    reach : float
        Distance of the logarithms of two values at which what they share has fallen to 1/e; each
        value then has the variance of its own interval.
    """

    level: float = LEVEL
    parts: float = PARTS
    scatter: float = SCATTER
    reach: float = np.inf


#: By quantity, where it is not that of times. Loss added by compression: one measured format of a
#: model that was left out says much of the next format of the same method, little of far ones and
#: of other methods (``tools/left_out_compression.py``).
SPLITS = {"compression_loss_nats": Split(0.05, 0.85, 0.1, reach=1.5)}

Array = npt.NDArray[np.float64]

_ZERO = np.float64(0.0)


class Place(NamedTuple):
    """Where a value stands: what it is made of, how large it is, how unsure.

    Attributes
    ----------
    shares : Shares
        Of the value in each of its parts.
    log : float or array
        Logarithm of the base estimate.
    variance : float or array
        Of the log error of the base estimate.
    """

    shares: Shares
    log: Floats
    variance: Floats


class Posterior(NamedTuple):
    """The errors of a system after some measured points.

    Attributes
    ----------
    places : tuple of Place
        Of the measured points.
    weights : array
        By which the covariance with each point is multiplied, to give the mean of a log error.
    inverse : array
        Inverse covariance of the measured points.
    split : Split
        How errors divide into what is shared and what is not.
    """

    places: tuple[Place, ...]
    weights: Array
    inverse: Array
    split: Split = Split()

    def log_error(
        self, shares: Shares, log: Floats = _ZERO, variance: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """Return mean and deviation of the log error of a further value.

        Parameters
        ----------
        shares : Shares
            Of the value in each of its parts.
        log : float or array
            Logarithm of its base estimate; used where errors have a reach.
        variance : float or array, optional
            Of the log error of its base estimate; that of the points unless given.
        """
        own = self.places[0].variance if variance is None else variance
        asked = Place(shares, log, own)
        with_points = [_covariance(asked, each, self.split) for each in self.places]
        mean: Floats = _ZERO
        known: Floats = _ZERO
        for i, (one, weight) in enumerate(zip(with_points, self.weights, strict=True)):
            mean = mean + one * weight
            for j, other in enumerate(with_points):
                known = known + one * other * self.inverse[i, j]
        left = _covariance(asked, asked, self.split) - known
        scatter = _scatter(shares, self.split) * own
        # A point says nothing that makes another less sure than it was.
        left = np.minimum(np.maximum(left, 0.0) + scatter, own)
        return mean, np.sqrt(left)


def posterior(
    ratios: Array,
    variance: float | Array,
    shares: tuple[Shares, ...],
    split: Split | None = None,
    logs: Array | None = None,
) -> Posterior:
    """Return what log ratios of measured to estimated values say.

    Parameters
    ----------
    ratios : array
        Logarithms of measured over estimated values.
    variance : float or array
        Of log errors of the base estimator, at each point or at all.
    shares : tuple of Shares
        Of each point's value in its parts.
    split : Split, optional
        How errors divide.
    logs : array, optional
        Logarithms of the estimated values; 0 unless given.

    Examples
    --------
    One point without parts: most of its ratio is taken as a level.

    >>> found = posterior(np.array([0.2]), 0.04, ({},))
    >>> mean, deviation = found.log_error({})
    >>> round(float(mean), 3), round(float(deviation / 0.2), 3)
    (0.14, 0.714)
    """
    how = split or Split()
    values = np.broadcast_to(variance, np.shape(ratios))
    given = np.zeros(np.shape(ratios)) if logs is None else logs
    places = tuple(map(Place, shares, given, values))
    covariance = np.array(
        [[float(_covariance(a, b, how)) for b in places] for a in places], dtype=np.float64
    )
    covariance += np.diag([each.variance * _scatter(each.shares, how) for each in places])
    inverse = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    return Posterior(places, inverse @ ratios, inverse, how)


def _covariance(a: Place, b: Place, split: Split) -> Floats:
    """Return what the errors of two values have in common, their scatter apart."""
    shared: Floats = np.minimum(a.variance, b.variance)
    if split.reach < np.inf:
        shared = shared * np.exp(-np.abs(a.log - b.log) / split.reach)
    if not a.shares or not b.shares:
        return ONLY_LEVEL * shared
    alike: Floats = _ZERO
    for part, share in a.shares.items():
        if part in b.shares:
            alike = alike + share * b.shares[part]
    return shared * (split.level + split.parts * alike)


def _scatter(shares: Shares, split: Split) -> float:
    return split.scatter if shares else ONLY_SCATTER
