"""How a space is divided: tiles that fit the cache, regions that are one unit of work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import ceil, prod
from typing import NamedTuple

import attrs

from paramscale.analysis.space import Space

__all__ = ["Division", "Region", "divide"]

#: Points of a tile: enough to make up for about 2 ms of overhead, and so few that all arrays of a
#: tile together fit into what the C library keeps of freed memory (64 MB): beyond it every array is
#: mapped anew, which costs more than its arithmetic. 2 million points of a serving grid took one
#: thread 235 ms in tiles of 40,000, 177 of 80,000, 156 of 120,000, 146 of 160,000, 164 of 240,000;
#: intervals need more arrays at once.
TILE_POINTS = 120_000

#: Points of a region: a thread, a task of a cluster, a chunk of a file.
REGION_POINTS = 1_000_000


class Region(NamedTuple):
    """A part of the space: its number, place along labelled axes, part of each numeric one."""

    number: int
    labels: tuple[int, ...]
    slices: tuple[slice, ...]


@attrs.frozen
class Division:
    """Lengths along the numeric axes, in the order in which they were given.

    Attributes
    ----------
    shape : tuple of int
        Places of each axis.
    tile, region : tuple of int
        Places of one tile and of one region.
    order : tuple of int
        The axes in the order in which arrays have them: the longest part of a tile comes last,
        where array operations are fastest.
    """

    shape: tuple[int, ...]
    tile: tuple[int, ...]
    region: tuple[int, ...]
    order: tuple[int, ...]

    def regions(self, space: Space) -> Iterator[Region]:
        """Yield every region, choices of labels slowest."""
        number = 0
        for index in space.indices():
            for slices in _parts(self.shape, self.region):
                yield Region(number, index, slices)
                number += 1

    def region_at(self, space: Space, number: int) -> Region:
        """Return the region of a number, without counting up to it."""
        counts = [ceil(n / part) for n, part in zip(self.shape, self.region, strict=True)]
        sizes = [axis.size for axis in space.labelled]
        places: list[int] = []
        rest = number
        for size in reversed([*sizes, *counts]):
            rest, place = divmod(rest, size)
            places.insert(0, place)
        blocks = zip(places[len(sizes) :], self.region, self.shape, strict=True)
        slices = tuple(slice(i * part, min((i + 1) * part, n)) for i, part, n in blocks)
        return Region(number, tuple(places[: len(sizes)]), slices)

    def count(self, space: Space) -> int:
        """Return how many regions there are."""
        each = prod(ceil(n / part) for n, part in zip(self.shape, self.region, strict=True))
        return each * prod(axis.size for axis in space.labelled)

    def tiles(self, slices: Sequence[slice]) -> Iterator[tuple[slice, ...]]:
        """Yield the parts of a region that are computed at once."""
        sizes = [part.stop - part.start for part in slices]
        for inside in _parts(sizes, self.tile):
            yield tuple(
                slice(part.start + each.start, part.start + each.stop)
                for part, each in zip(slices, inside, strict=True)
            )


def _parts(shape: Sequence[int], part: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    starts = [range(0, n, step) for n, step in zip(shape, part, strict=True)]
    for corner in product(*starts):
        yield tuple(
            slice(start, min(start + step, n))
            for start, step, n in zip(corner, part, shape, strict=True)
        )


def divide(
    shape: Sequence[int],
    varies: Sequence[Sequence[bool]],
    *,
    tile: int = TILE_POINTS,
    region: int = REGION_POINTS,
) -> Division:
    """Return how to divide numeric axes.

    Parameters
    ----------
    shape : sequence of int
        Places of each axis.
    varies : sequence of sequences of bool
        For each quantity, along which axes it varies. An axis along which nothing varies is not
        divided, and costs nothing.
    tile, region : int
        Most points of either.
    """
    small = _lengths(shape, varies, tile)
    large = _lengths(shape, varies, max(region, tile), start=small)
    order = sorted(range(len(shape)), key=lambda i: small[i])
    return Division(tuple(shape), small, large, tuple(order))


def _lengths(
    shape: Sequence[int],
    varies: Sequence[Sequence[bool]],
    points: int,
    start: Sequence[int] | None = None,
) -> tuple[int, ...]:
    """Return lengths of which no quantity has more points than allowed.

    The axis along which most quantities vary is divided first: what is computed again for each
    part of it is least. Where smaller parts are given, lengths are multiples of them.
    """
    lengths = list(shape)
    counts = [sum(each[i] for each in varies) for i in range(len(shape))]
    for axis in sorted(range(len(shape)), key=lambda i: -counts[i]):
        largest = max((_size(lengths, each) for each in varies if each[axis]), default=0)
        if largest <= points:
            continue
        least = 1 if start is None else start[axis]
        length = max(lengths[axis] * points // largest // least, 1) * least
        lengths[axis] = min(length, shape[axis])
    return tuple(lengths)


def _size(lengths: Sequence[int], varies: Sequence[bool]) -> int:
    return prod(n for n, along in zip(lengths, varies, strict=True) if along)
