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
    """Variances of level, parts and scatter, in units of that of the base estimator."""

    level: float = LEVEL
    parts: float = PARTS
    scatter: float = SCATTER


#: By quantity, where it is not that of times. Loss added by compression: one measured format of a
#: model that was left out says little of other methods, and brings the next format of the same one
#: from a median factor of 1.20 to 1.14 (``tools/fit_compression.py --left-out``).
SPLITS = {"compression_loss_nats": Split(0.05, 0.65, 0.3)}

Array = npt.NDArray[np.float64]


class Posterior(NamedTuple):
    """The errors of a system after some measured points.

    Attributes
    ----------
    variance : float
        Of log errors of the base estimator.
    shares : tuple of Shares
        Of each measured point.
    weights : array
        By which the covariance with each point is multiplied, to give the mean of a log error.
    inverse : array
        Inverse covariance of the measured points.
    split : Split
        How errors divide into what is shared and what is not.
    """

    variance: float
    shares: tuple[Shares, ...]
    weights: Array
    inverse: Array
    split: Split = Split()

    def log_error(self, shares: Shares) -> tuple[Floats, Floats]:
        """Return mean and deviation of the log error of a further value with such parts."""
        with_points = [_covariance(shares, each, self.variance, self.split) for each in self.shares]
        mean: Floats = np.float64(0.0)
        known: Floats = np.float64(0.0)
        for i, (one, weight) in enumerate(zip(with_points, self.weights, strict=True)):
            mean = mean + one * weight
            for j, other in enumerate(with_points):
                known = known + one * other * self.inverse[i, j]
        left = _covariance(shares, shares, self.variance, self.split) - known
        scatter = _scatter(shares, self.split) * self.variance
        # A point says nothing that makes another less sure than it was.
        left = np.minimum(np.maximum(left, 0.0) + scatter, self.variance)
        return mean, np.sqrt(left)


def posterior(
    ratios: Array, variance: float, shares: tuple[Shares, ...], split: Split | None = None
) -> Posterior:
    """Return what log ratios of measured to estimated values say.

    Examples
    --------
    One point without parts: most of its ratio is taken as a level.

    >>> found = posterior(np.array([0.2]), 0.04, ({},))
    >>> mean, deviation = found.log_error({})
    >>> round(float(mean), 3), round(float(deviation / 0.2), 3)
    (0.14, 0.714)
    """
    how = split or Split()
    covariance = np.array(
        [[float(_covariance(a, b, variance, how)) for b in shares] for a in shares],
        dtype=np.float64,
    )
    covariance += np.diag([variance * _scatter(each, how) for each in shares])
    inverse = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    return Posterior(variance, shares, inverse @ ratios, inverse, how)


def _covariance(a: Shares, b: Shares, variance: float, split: Split) -> Floats:
    """Return what the errors of two values have in common, their scatter apart."""
    if not a or not b:
        return np.float64(ONLY_LEVEL * variance)
    alike: Floats = np.float64(0.0)
    for part, share in a.items():
        if part in b:
            alike = alike + share * b[part]
    return variance * (split.level + split.parts * alike)


def _scatter(shares: Shares, split: Split) -> float:
    return split.scatter if shares else ONLY_SCATTER
