"""Questions about all points that are answered part by part: best points, fronts, quantiles.

A reduction turns a region into a small state, by whoever computed it, and states into one; so that
all points never stand in one memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.search.front import nondominated
from paramscale.analysis.search.limits import Limit
from paramscale.analysis.sweep.layout import Layout
from paramscale.analysis.sweep.region import Part

__all__ = ["Best", "Candidates", "Front", "Goal", "Sketch", "goals_of"]

Array = npt.NDArray[np.float64]


class Goal(NamedTuple):
    """A quantity, and 1 where it shall be small, -1 where it shall be large."""

    quantity: str
    sign: float


def goals_of(minimize: str | Iterable[str], maximize: str | Iterable[str]) -> tuple[Goal, ...]:
    """Return goals, those to be made small first.

    Examples
    --------
    >>> goals_of("ttft_s", ["throughput_tokens_per_s"])[1]
    Goal(quantity='throughput_tokens_per_s', sign=-1.0)
    """
    lists = ([each] if isinstance(each, str) else list(each) for each in (minimize, maximize))
    small, large = lists
    return (*(Goal(name, 1.0) for name in small), *(Goal(name, -1.0) for name in large))


class Candidates(NamedTuple):
    """Points that may be in the answer: their places along each axis, and their costs."""

    places: npt.NDArray[np.int64]
    costs: Array

    def of(self, which: Any) -> Candidates:
        """Return some of them."""
        return Candidates(self.places[which], self.costs[which])

    @staticmethod
    def joined(parts: Sequence[Candidates]) -> Candidates:
        """Return those of several parts, in the order of their places."""
        places = np.concatenate([part.places for part in parts])
        costs = np.concatenate([part.costs for part in parts])
        order = np.lexsort(places.T[::-1]) if places.shape[1] else np.arange(len(places))
        return Candidates(places[order], costs[order])


@attrs.frozen(eq=False)
class _Search:
    """What the search for best points and that for fronts share.

    Attributes
    ----------
    layout : Layout
        Tells along which axes anything that counts varies.
    goals : tuple of Goal
        What is wanted.
    limits : tuple of Limit
        What must hold.
    """

    layout: Layout
    goals: tuple[Goal, ...]
    limits: tuple[Limit, ...]

    @property
    def varies(self) -> tuple[bool, ...]:
        """Along which axes a goal or a limit varies; along the others the first place counts."""
        names = [*(goal.quantity for goal in self.goals), *(each.measure for each in self.limits)]
        columns = [self.layout.columns[name].varies for name in names]
        return tuple(any(along) for along in zip(*columns, strict=True))

    def __call__(self, part: Part) -> Candidates:
        """Return the candidates of one region."""
        pairs = list(zip(part.place, self.varies, strict=True))
        if any(place.start > 0 for place, varies in pairs if not varies):
            return self._none(len(pairs))  # another region holds the same points
        sizes = tuple(p.stop - p.start if varies else 1 for p, varies in pairs)
        allowed = np.ones((1,) * len(sizes), dtype=bool)
        for limit in self.limits:
            value = part.columns[limit.measure]
            allowed = allowed & (
                value <= limit.bound if limit.sign == "<=" else value >= limit.bound
            )
        costs = [goal.sign * part.columns[goal.quantity] for goal in self.goals]
        for cost in costs:
            allowed = allowed & ~np.isnan(cost)
        flat = np.flatnonzero(np.broadcast_to(allowed, sizes))
        table = np.stack([np.broadcast_to(cost, sizes).ravel()[flat] for cost in costs], axis=1)
        kept = self.kept(table)
        inside = np.stack(np.unravel_index(flat[kept], sizes), axis=1) if sizes else None
        if inside is None:
            return Candidates(np.zeros((len(kept), 0), dtype=np.int64), table[kept])
        starts = np.array([place.start if varies else 0 for place, varies in pairs])
        return Candidates(inside.astype(np.int64) + starts, table[kept])

    def _none(self, axes: int) -> Candidates:
        return Candidates(np.zeros((0, axes), dtype=np.int64), np.zeros((0, len(self.goals))))

    def kept(self, costs: Array) -> npt.NDArray[np.intp]:
        """Return which of some points may be in the answer."""
        raise NotImplementedError

    def merge(self, states: Sequence[Candidates]) -> Candidates:
        """Return the state of several parts."""
        joined = Candidates.joined(states)
        return joined.of(self.kept(joined.costs))


@attrs.frozen(eq=False)
class Best(_Search):
    """The points of least cost, best first; of equal ones the first in the order of the axes."""

    count: int

    def kept(self, costs: Array) -> npt.NDArray[np.intp]:
        first = costs[:, 0]
        if len(first) > self.count:
            bar = np.partition(first, self.count - 1)[self.count - 1]
            few = np.flatnonzero(first <= bar)
        else:
            few = np.arange(len(first))
        return few[np.argsort(first[few], kind="stable")][: self.count]


@attrs.frozen(eq=False)
class Front(_Search):
    """The points that no other beats in all goals at once."""

    def kept(self, costs: Array) -> npt.NDArray[np.intp]:
        few = _not_beaten(costs)
        return few[nondominated(costs[few])]


_ANCHORS = 8


def _not_beaten(costs: Array) -> npt.NDArray[np.intp]:
    """Return the points that a few good ones do not dominate, which are most easily sorted out."""
    kept = np.arange(len(costs))
    if len(costs) < 1000:
        return kept
    low, high = costs.min(axis=0), costs.max(axis=0)
    scale = (costs - low) / np.where(high > low, high - low, 1.0)
    for share in np.linspace(0.0, 1.0, _ANCHORS):
        weights = np.full(costs.shape[1], (1.0 - share) / max(costs.shape[1] - 1, 1))
        weights[0] = share
        anchor = costs[kept[(scale[kept] @ weights).argmin()]]
        worse = (costs[kept] >= anchor).all(axis=1) & (costs[kept] > anchor).any(axis=1)
        kept = kept[~worse]
    return kept


#: Values that a bin of a sketch holds differ by less than this, relative to themselves.
ACCURACY = 1e-3


class Bins(NamedTuple):
    """How many values lie in each bin, by its number: one a step of a ratio, negative ones too."""

    numbers: npt.NDArray[np.int64]
    counts: Array


@attrs.frozen(eq=False)
class Sketch:
    """Quantiles of a quantity over all points, each to one part in a thousand.

    Values are counted in bins whose ends have a constant ratio, as Masson, Rim & Lee 2019
    (DDSketch, arXiv:1908.10693) have them; counts of parts add up, and the result does not depend
    on how the points are divided.
    """

    layout: Layout
    quantity: str

    def __call__(self, part: Part) -> Bins:
        """Return the counts of one region."""
        column = self.layout.columns[self.quantity]
        pairs = zip(part.place, column.varies, strict=True)
        # each value stands for as many points as the axes along which it does not vary have
        weight = prod(p.stop - p.start for p, varies in pairs if not varies)
        values = part.columns[self.quantity].ravel()
        values = values[~np.isnan(values)]
        numbers, counts = _counted(_bin(values))
        return Bins(numbers, counts * weight)

    def merge(self, states: Sequence[Bins]) -> Bins:
        """Return the counts of several parts."""
        numbers, places = np.unique(
            np.concatenate([s.numbers for s in states]), return_inverse=True
        )
        counts = np.bincount(places, np.concatenate([s.counts for s in states]), len(numbers))
        return Bins(numbers, counts.astype(np.float64))

    def quantiles(self, bins: Bins, shares: Sequence[float]) -> Array:
        """Return the value below or at which each share of the points lies; NaN without points."""
        if not len(bins.numbers):
            return np.full(len(shares), np.nan)
        heights = np.cumsum(bins.counts)
        wanted = np.asarray(shares, dtype=np.float64) * heights[-1]
        places = np.searchsorted(heights * (1.0 + 1e-12), wanted)
        return _middle(bins.numbers[np.minimum(places, len(heights) - 1)])


def _counted(numbers: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Array]:
    """Return each number once, and how often it occurs; without sorting where they are dense."""
    low = numbers.min() if len(numbers) else 0
    if not len(numbers) or numbers.max() - low > _DENSE:
        found, counts = np.unique(numbers, return_counts=True)
        return found, counts.astype(np.float64)
    counts = np.bincount(numbers - low)
    there = np.flatnonzero(counts)
    return there + low, counts[there].astype(np.float64)


_DENSE = 1 << 20
_STEP = np.log1p(2.0 * ACCURACY)
_FAR = 1 << 40  # bins of positive values lie above it, of negative ones below; between them is 0
_HUGE = 1 << 20


def _bin(values: Array) -> npt.NDArray[np.int64]:
    """Return the number of the bin of each value; numbers rise with values."""
    with np.errstate(divide="ignore"):
        steps = np.log(np.abs(values)) / _STEP
    rank = np.clip(np.ceil(steps), -_HUGE, _HUGE).astype(np.int64)
    signs = np.sign(values).astype(np.int64)
    numbers: npt.NDArray[np.int64] = signs * (_FAR + rank)
    return numbers


def _middle(numbers: npt.NDArray[np.int64]) -> Array:
    """Return the middle of each bin."""
    signs = np.sign(numbers)
    rank = (np.abs(numbers) - _FAR).astype(np.float64)
    size = np.where(rank >= _HUGE, np.inf, np.exp((rank - 0.5) * _STEP))
    return np.where(signs == 0, 0.0, signs * size)
