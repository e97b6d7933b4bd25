"""The engine of a sweep: the job, its layout and division, and who computes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import attrs
import numpy as np

from paramscale.analysis.sweep.job import Columns, Job, Runner
from paramscale.analysis.sweep.layout import Layout, lay_out
from paramscale.analysis.sweep.memory import refuse_if_too_large
from paramscale.analysis.sweep.progress import Progress
from paramscale.analysis.sweep.region import Done, Part, Task, Work, collect
from paramscale.analysis.sweep.tiles import Division, divide
from paramscale.analysis.sweep.workers import done_by_threads

__all__ = ["Engine", "Means"]


@attrs.frozen(eq=False)
class Means:
    """By whom a sweep is computed, and how it is divided.

    Attributes
    ----------
    threads : int
        Threads of this process.
    client : dask.distributed.Client or None
        A cluster that computes the regions instead.
    progress : bool or None
        Whether to show how far it is; None: of long work at a terminal.
    tile, region : int
        Most points of a tile and of a region.
    """

    threads: int
    client: Any
    progress: bool | None
    tile: int
    region: int


@attrs.frozen(eq=False)
class _Putting:
    """Puts regions where they belong in columns of the whole space; no two touch the same place."""

    layout: Layout
    columns: Columns

    def __call__(self, part: Part) -> None:
        self.layout.put(self.columns, part.columns, part.place, [0] * len(part.place))


@attrs.frozen(eq=False)
class Engine:
    """A job that is laid out, divided, and ready to be computed."""

    job: Job
    layout: Layout
    division: Division
    means: Means

    @classmethod
    def of(cls, job: Job, means: Means) -> Engine:
        """Return the engine of a job.

        Raises
        ------
        ParamscaleError
            If nothing can be estimated.
        """
        layout = lay_out(job)
        sizes = [axis.size for axis in job.space.numeric]
        draws = max(job.draws, 1)
        division = divide(
            sizes, layout.numeric_varies(), tile=means.tile // draws, region=means.region // draws
        )
        return cls(job, layout, division, means)

    def for_job(self, job: Job) -> Engine:
        """Return the engine of another job on the same space."""
        return Engine.of(job, self.means)

    def count(self) -> int:
        """Return the number of regions."""
        return self.division.count(self.job.space)

    def run(
        self, task: Task, numbers: Iterable[int] | None = None, done: int = 0
    ) -> Iterator[Done]:
        """Do a task with every region, and yield what comes of it, in any order.

        Parameters
        ----------
        task : callable
            What is done with each; a cluster must be able to send it.
        numbers : iterable of int, optional
            Regions; all of them unless given.
        done : int
            How many were done before, for the progress.
        """
        total = self.count()
        work = Work(self.job, self.layout, self.division, task)
        progress = Progress(self.means.progress)
        progress.begin(done)
        for each in self._done(work, range(total) if numbers is None else numbers):
            done += 1
            progress.tell(done, total)
            yield each

    def _done(self, work: Work, numbers: Iterable[int]) -> Iterator[Done]:
        if self.means.client is not None:
            from paramscale.analysis.sweep.cluster import done_by_client

            return done_by_client(work, numbers, self.means.client)
        return done_by_threads(work, numbers, self.means.threads)

    def collect(self) -> tuple[Columns, dict[str, str]]:
        """Return all columns, and the choices of labels that were refused.

        Raises
        ------
        SpecError
            If they would not fit into memory.
        """
        refuse_if_too_large(self.job.space.size, self.layout.bytes())
        columns = self.layout.empty(self.job.space.shape)
        put = _Putting(self.layout, columns)
        engine, task = self, cast(Task, collect)
        if self.means.client is None:  # threads put each tile where it belongs at once
            division = attrs.evolve(self.division, region=self.division.tile)
            engine, task = attrs.evolve(self, division=division), put
        refused = {}
        for done in engine.run(task):
            if task is collect:
                put(done.result)
            if done.refused:
                refused[engine.labels_of(done.number)] = done.refused
        return columns, refused

    def parts(self, columns: Columns) -> Iterator[Part]:
        """Yield columns that are held, region by region."""
        for region in self.division.regions(self.job.space):
            place = self.layout.place(region.labels, region.slices)
            yield Part(region, place, {
                name: each[self.layout.columns[name].part(place)] for name, each in columns.items()
            })  # fmt: skip

    def point(self, place: Sequence[int]) -> Columns:
        """Return the columns of one point; NaN where it is refused."""
        labels = [i for axis, i in zip(self.job.space.axes, place, strict=True) if axis.labelled]
        numbers = [
            slice(i, i + 1)
            for axis, i in zip(self.job.space.axes, place, strict=True)
            if not axis.labelled
        ]
        job = attrs.evolve(self.job, draws=0)
        found = Runner(job, self.division.order).columns(tuple(labels), numbers)
        return found or {name: np.array(np.nan) for name in job.quantities}

    def labels_of(self, number: int) -> str:
        """Return the choice of labels of a region as text."""
        return self.labels(self.division.region_at(self.job.space, number).labels)

    def labels(self, index: Iterable[int]) -> str:
        """Return a choice of labels as text."""
        pairs = zip(self.job.space.labelled, index, strict=True)
        return ", ".join(
            f"{path}={values[place]}"
            for axis, place in pairs
            for path, values in axis.coordinates().items()
        )
