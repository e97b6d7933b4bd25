"""The coarse grid: every choice of labels, crossed with some places along each numeric axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.search.axes import Axis, Labels, Varied, numeric_axis
from paramscale.analysis.search.limits import format_measure
from paramscale.analysis.search.study import Measured, Study
from paramscale.core.estimates import Estimates
from paramscale.core.reasons import refusals_as_nan
from paramscale.errors import SpecError

__all__ = ["Case", "Grid", "cases_of", "grid_of"]

Array = npt.NDArray[np.float64]

#: Points estimated at once; blocks of some hundred thousand were fastest.
BLOCK = 300_000


@attrs.frozen(eq=False)
class Case:
    """One choice of labels, and the numeric axes beside it.

    Attributes
    ----------
    study : Study
        With the labels in their places.
    labels : dict
        Value by path.
    texts : dict
        What to call it, by path.
    axes : tuple of Axis
    """

    study: Study
    labels: dict[str, Any]
    texts: dict[str, str]
    axes: tuple[Axis, ...]

    def measure(self, coordinates: Sequence[Any] | Array) -> Measured:
        """Return the measures at coordinates along each axis; they broadcast."""
        with refusals_as_nan():
            return self.study.measure(self.numbers(coordinates))

    def numbers(self, coordinates: Sequence[Any] | Array) -> dict[str, Array]:
        """Return the value of each numeric field at coordinates."""
        pairs = zip(self.axes, coordinates, strict=True)
        return {axis.path: axis.value(u) for axis, u in pairs}

    def ends(self) -> Estimates:
        """Return the estimates at the corners of the space."""
        size = len(self.axes)
        corners = [
            np.array([0.0, axis.top]).reshape([-1 if k == at else 1 for k in range(size)])
            for at, axis in enumerate(self.axes)
        ]
        with refusals_as_nan():
            return self.study.estimate(self.study.specs_at(self.numbers(corners)))

    def reasons(self, coordinates: Array, measure: str) -> list[str]:
        """Return why a quantity has no value at one point."""
        with refusals_as_nan():
            found = self.study.estimate(self.study.specs_at(self.numbers(coordinates[:, None])))
        return [each.text for each in found.reasons(measure)] if measure in found else []

    def values(self, coordinates: Array) -> dict[str, Any]:
        """Return labels and numbers of one point, by path."""
        found = self.numbers(coordinates)
        return {**self.labels, **{path: float(value) for path, value in found.items()}}

    def describe(self, coordinates: Array) -> dict[str, str]:
        """Return labels and numbers of one point as texts, by path."""
        numbers = self.numbers(coordinates)
        return {**self.texts, **{path: format_measure(path, x) for path, x in numbers.items()}}


@attrs.frozen(eq=False)
class Grid:
    """A case with coordinates along each of its axes."""

    case: Case
    coordinates: tuple[Array, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(map(len, self.coordinates))

    def measure(self) -> Iterator[tuple[tuple[slice, ...], Measured]]:
        """Yield parts of the grid with their measures, none of them larger than a block."""
        shape = self.shape
        if not shape:
            yield (), self.case.measure(())
            return
        longest = int(np.argmax(shape))
        step = max(1, BLOCK * shape[longest] // max(prod(shape), 1))
        for start in range(0, shape[longest], step):
            part = [slice(None)] * len(shape)
            part[longest] = slice(start, start + step)
            yield tuple(part), self.case.measure(self._open(part))

    def _open(self, part: Sequence[slice]) -> list[Array]:
        """Return a part of the coordinates, each along a dimension of its own."""
        size = len(self.coordinates)
        return [
            u[cut].reshape([-1 if at == place else 1 for place in range(size)])
            for at, (u, cut) in enumerate(zip(self.coordinates, part, strict=True))
        ]


def cases_of(study: Study, variables: Sequence[Varied]) -> list[Case]:
    """Return every choice of labels."""
    labelled = [each for each in variables if isinstance(each, Labels)]
    numeric = [each for each in variables if not isinstance(each, Labels)]
    cases = []
    for places in product(*(range(len(each.values)) for each in labelled)):
        pairs = list(zip(labelled, places, strict=True))
        labels = {each.path: each.values[at] for each, at in pairs}
        texts = {each.path: each.texts[at] for each, at in pairs}
        here = study.at(labels)
        cases.append(Case(here, labels, texts, tuple(numeric_axis(here, x) for x in numeric)))
    use = study.settled(case.ends() for case in cases).use
    return [attrs.evolve(case, study=attrs.evolve(case.study, use=use)) for case in cases]


def grid_of(case: Case, cases: int, *, coarse: int, most: int) -> Grid:
    """Return the coarse grid of a case.

    Parameters
    ----------
    cases : int
        How many there are; they share the points.
    coarse : int
        About how many points of ranges to try, all cases together.
    most : int
        Points that may not be passed.

    Raises
    ------
    SpecError
        If what is wanted are more points than that.
    """
    wanted = cases * prod(len(axis.coarse(0)) for axis in case.axes if axis.wanted)
    ranges = [axis for axis in case.axes if not axis.wanted]
    each = _places(coarse / wanted, len(ranges))
    points = wanted * prod(len(axis.coarse(each)) for axis in ranges)
    if points > most:
        raise SpecError(
            f"{_sizes(case, cases)} make {points:,} points, more than {most:,}; give numbers as a"
            " range, (low, high), which is searched from coarse to fine, fewer values, or"
            f" most_points={points} (a million points of all quantities take about a second)"
        )
    return Grid(case, tuple(axis.coarse(each) for axis in case.axes))


def _places(points: float, axes: int) -> int:
    """Return how many places along each range are tried: an odd number, at least 3."""
    if not axes:
        return 0
    found = int(min(max(points, 1.0) ** (1.0 / axes), 65.0))
    return max(found - 1 + found % 2, 3 if axes > 6 else 5)


def _sizes(case: Case, cases: int) -> str:
    sizes = [f"{axis.path} {len(axis.coarse(5)):,}" for axis in case.axes]
    if cases > 1:
        sizes.append(f"{' x '.join(case.labels)} {cases:,}")
    return ", ".join(sizes)
