"""What is done with a region of the space: its columns computed, then kept, reduced or written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import attrs

from paramscale.analysis.sweep.job import Columns, Job, Runner
from paramscale.analysis.sweep.layout import Layout
from paramscale.analysis.sweep.tiles import Division, Region

__all__ = ["Part", "Task", "Work", "collect", "region_part"]


class Part(NamedTuple):
    """The columns of one region.

    Attributes
    ----------
    region : Region
        Which one.
    place : tuple of slice
        The part of each axis of the space.
    columns : dict of str to array
        One dimension an axis, with one place along what a column does not vary along.
    """

    region: Region
    place: tuple[slice, ...]
    columns: Columns


#: What is done with the columns of a region; what it returns is sent back.
Task: TypeAlias = Callable[[Part], Any]


def collect(part: Part) -> Part:
    """Return the columns themselves."""
    return part


class Done(NamedTuple):
    """What came of a region: its number, what the task returned, and why it was refused, if so."""

    number: int
    result: Any
    refused: str | None


@attrs.frozen(eq=False)
class Work:
    """A job divided into regions, and what to do with each; it can be sent to another process."""

    job: Job
    layout: Layout
    division: Division
    task: Task

    def runner(self) -> Runner:
        """Return what computes the tiles of one region after the other."""
        return Runner(self.job, self.division.order)

    def do(self, runner: Runner, number: int) -> Done:
        """Compute a region and do the task with it."""
        region = self.division.region_at(self.job.space, number)
        part = region_part(runner, self.layout, self.division, region)
        return Done(number, self.task(part), runner.refused.get(region.labels))


def region_part(runner: Runner, layout: Layout, division: Division, region: Region) -> Part:
    """Return the columns of a region, put together from its tiles; NaN where it is refused."""
    place = layout.place(region.labels, region.slices)
    tiles = list(division.tiles(region.slices))
    starts = [part.start for part in place]
    sizes = [part.stop - part.start for part in place]
    first = runner.columns(region.labels, tiles[0])
    if len(tiles) == 1 and first is not None:
        return Part(region, place, {n: layout.shaped(n, each) for n, each in first.items()})
    found = layout.empty(sizes)
    for tile in tiles:
        columns = first if tile is tiles[0] else runner.columns(region.labels, tile)
        if columns is not None:
            columns = {name: layout.shaped(name, each) for name, each in columns.items()}
        layout.put(found, columns, layout.place(region.labels, tile), starts)
    return Part(region, place, found)
