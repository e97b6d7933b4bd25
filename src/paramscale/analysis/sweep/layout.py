"""Which columns a sweep has, along which axes each of them varies, and where a part of one lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.space import Space
from paramscale.analysis.sweep.job import Case, Columns, Job, Runner
from paramscale.core.completion import COMPLETERS
from paramscale.core.plan import Call, Plan
from paramscale.core.record import Estimator
from paramscale.core.rerun import step_needs
from paramscale.errors import ParamscaleError, SpecError

__all__ = ["Column", "Layout", "lay_out"]


@attrs.frozen
class Column:
    """One column of numbers.

    Attributes
    ----------
    name : str
        Of the quantity, with ``_low``, ``_high``, ``_inside`` or ``_draws`` behind it.
    varies : tuple of bool
        Whether it varies along each axis of the space.
    boolean : bool
        Whether it holds truths rather than float64 numbers.
    draws : int
        Length of the leading dimension of draws; 0: there is none.
    """

    name: str
    varies: tuple[bool, ...]
    boolean: bool = False
    draws: int = 0

    @property
    def dtype(self) -> npt.DTypeLike:
        return np.bool_ if self.boolean else np.float64

    def shape(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Return its shape where the axes have some sizes: one place along what it ignores."""
        lead = (self.draws,) if self.draws else ()
        return (*lead, *(n if v else 1 for n, v in zip(sizes, self.varies, strict=True)))

    def part(self, place: Sequence[slice]) -> tuple[slice, ...]:
        """Return where a part of the space lies in it."""
        lead = (slice(None),) if self.draws else ()
        pairs = zip(place, self.varies, strict=True)
        return (*lead, *(each if varies else slice(0, 1) for each, varies in pairs))

    def bytes(self, sizes: Sequence[int]) -> int:
        """Return the bytes that it takes."""
        return prod(self.shape(sizes)) * (1 if self.boolean else 8)


@attrs.frozen(eq=False)
class Layout:
    """The columns of a sweep, and what is known of each quantity.

    Attributes
    ----------
    space : Space
        Whose axes the columns run along.
    columns : dict of str to Column
        By name.
    records : dict of str to Estimator or None
        For each quantity the estimator that gave it at the first point.
    exact : frozenset of str
        Quantities that are exact arithmetic all the way.
    """

    space: Space
    columns: dict[str, Column]
    records: dict[str, Estimator | None]
    exact: frozenset[str]

    def bytes(self) -> int:
        """Return the bytes of all columns together."""
        return sum(column.bytes(self.space.shape) for column in self.columns.values())

    def numeric_varies(self) -> list[tuple[bool, ...]]:
        """Return for each column along which of the numeric axes it varies."""
        return [tuple(self._numeric(column.varies)) for column in self.columns.values()]

    def _numeric(self, values: Sequence[Any]) -> list[Any]:
        return [v for axis, v in zip(self.space.axes, values, strict=True) if not axis.labelled]

    def empty(self, sizes: Sequence[int]) -> Columns:
        """Return columns without numbers for a space, or a part of it, of some size."""
        return {
            name: np.empty(column.shape(sizes), column.dtype)
            for name, column in self.columns.items()
        }

    def place(self, index: Sequence[int], slices: Sequence[slice]) -> tuple[slice, ...]:
        """Return the part of every axis that a choice of labels and numeric slices is."""
        labels, numbers = iter(index), iter(slices)
        return tuple(
            slice(i := next(labels), i + 1) if axis.labelled else next(numbers)
            for axis in self.space.axes
        )

    def shaped(self, name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a part of a column with one place along each labelled axis too."""
        extra = array.ndim - len(self.space.numeric)
        sizes = iter(array.shape[extra:])
        full = [1 if axis.labelled else next(sizes) for axis in self.space.axes]
        return array.reshape((*array.shape[:extra], *full))

    def put(
        self, into: Columns, columns: Columns | None, place: Sequence[slice], first: Sequence[int]
    ) -> None:
        """Put the columns of a part where they belong.

        Parameters
        ----------
        into : dict
            Columns of the whole, or of a larger part.
        columns : dict or None
            Those of the part, one dimension an axis; None: refused, which is NaN.
        place : sequence of slice
            The part of each axis.
        first : sequence of int
            Where on each axis `into` begins.
        """
        for name, target in into.items():
            column = self.columns[name]
            where = self.target(column, place, first)
            if where is None:
                continue
            if columns is None:
                target[where] = False if column.boolean else np.nan
                continue
            array = columns[name]
            sizes = array.shape[1:] if column.draws else array.shape
            if any(n > 1 and not v for n, v in zip(sizes, column.varies, strict=True)):
                raise SpecError(
                    f"{name} varies along an axis on which it was not seen to vary before; its"
                    " estimators give other shapes for other values. Please report this"
                )
            target[where] = array

    def target(
        self, column: Column, place: Sequence[slice], first: Sequence[int]
    ) -> tuple[slice, ...] | None:
        """Return where a part of a column lies; None where an earlier part held the same."""
        where: list[slice] = [slice(None)] if column.draws else []
        for part, varies, start in zip(place, column.varies, first, strict=True):
            if varies:
                where.append(slice(part.start - start, part.stop - start))
            elif part.start == start:
                where.append(slice(0, 1))
            else:
                return None
        return tuple(where)


def lay_out(job: Job) -> Layout:
    """Return the layout of a sweep, seen on a few points: the ends of every axis.

    Raises
    ------
    ParamscaleError
        If no choice of labels can be estimated: the reason of the first.
    """
    few = attrs.evolve(job, space=_ends(job.space))
    runner = Runner(few, range(len(few.space.numeric)))
    columns: dict[str, Column] = {}
    chosen: dict[str, Call] = {}
    error: ParamscaleError | None = None
    for index in _first_cases(few.space):
        try:
            found, calls = _seen(runner, index)
        except ParamscaleError as refused:
            error = error or refused
            continue
        chosen = chosen or calls
        for column in found:
            columns[column.name] = _joined(columns.get(column.name, column), column)
    if not chosen and error is not None:
        raise error
    if error is not None:  # what one choice refuses, another may give: nothing is shared
        columns = {name: _with_labels(each, job.space) for name, each in columns.items()}
    records = {name: chosen[name].record if name in chosen else None for name in job.quantities}
    exact = frozenset(name for name in job.quantities if _is_exact(name, chosen))
    return Layout(job.space, columns, records, exact)


def _ends(space: Space) -> Space:
    """Return the space of the first and the last number along each numeric axis."""
    axes = [
        axis if axis.labelled else attrs.evolve(axis, values=tuple(map(_both, axis.values)))
        for axis in space.axes
    ]
    return attrs.evolve(space, axes=tuple(axes))


def _both(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values[[0, -1]] if len(values) > 1 else values


def _first_cases(space: Space) -> list[tuple[int, ...]]:
    """Return the first choice of labels, and those that differ from it along one axis."""
    start = tuple(0 for _ in space.labelled)
    found = [start]
    for i, axis in enumerate(space.labelled):
        found += [(*start[:i], place, *start[i + 1 :]) for place in range(1, axis.size)]
    return found


def _seen(runner: Runner, index: tuple[int, ...]) -> tuple[list[Column], dict[str, Call]]:
    """Return the columns that one choice of labels gives, and the calls behind the results."""
    case = runner.case(index)
    results = runner.results(case, [slice(None)] * len(runner.order))
    needs = _needs(case.rerun.plan)
    columns = []
    for name, array in runner.turned(case, results).items():
        quantity = name if name in needs else name.rpartition("_")[0]
        draws = runner.job.draws if name.endswith("_draws") else 0
        varies = _varies(array, quantity, case, needs, runner.job.space)
        columns.append(Column(name, varies, array.dtype == np.bool_, draws))
    return columns, results.chosen


class _Need(NamedTuple):
    """On which specs a quantity depends, and whether the estimator depends on the point."""

    specs: frozenset[str]
    chosen: bool


def _needs(plan: Plan) -> dict[str, _Need]:
    needs: dict[str, _Need] = {}
    for step in plan.steps:
        specs: frozenset[str] = frozenset()
        chosen = len(step.calls) > 1 or any(call.record.refusals for call in step.calls)
        for name in step_needs(step):
            need = needs.get(name, _Need(frozenset({name}), False))
            specs, chosen = specs | need.specs, chosen or need.chosen
        needs[step.quantity] = _Need(specs, chosen)
    return {**{name: _Need(frozenset({name}), False) for name in plan.wanted}, **needs}


def _varies(
    array: npt.NDArray[Any], quantity: str, case: Case, needs: dict[str, _Need], space: Space
) -> tuple[bool, ...]:
    """Return along which axes a column may vary.

    Numbers tell it by their shape; where the estimator depends on the point, another point may
    depend on more, and all that its specs vary along counts. So it is for labels always.
    """
    need = needs[quantity]
    if need.specs & _completed(case.specs):  # what others say fills in what it leaves open
        need = need._replace(specs=frozenset(case.specs))
    seen = [size > 1 for size in array.shape[array.ndim - len(space.numeric) :]]
    if need.chosen:
        of_specs = [case.varies[name] for name in need.specs if name in case.varies]
        seen = [a or any(each[i] for each in of_specs) for i, a in enumerate(seen)]
    numbers = iter(seen)
    return tuple(
        any(field.spec in need.specs for field in axis.fields) if axis.labelled else next(numbers)
        for axis in space.axes
    )


def _completed(specs: Mapping[str, Any]) -> set[str]:
    """Return the names of specs that are completed by others."""
    values = dict(specs)
    for complete in COMPLETERS:
        complete(values)
    return {name for name, spec in specs.items() if values[name] is not spec}


def _joined(one: Column, other: Column) -> Column:
    varies = tuple(a or b for a, b in zip(one.varies, other.varies, strict=True))
    return attrs.evolve(one, varies=varies)


def _with_labels(column: Column, space: Space) -> Column:
    pairs = zip(column.varies, space.axes, strict=True)
    return attrs.evolve(column, varies=tuple(v or axis.labelled for v, axis in pairs))


def _is_exact(name: str, chosen: Mapping[str, Call]) -> bool:
    call = chosen.get(name)
    if call is None:
        return True
    return call.record.kind == "exact" and all(_is_exact(each, chosen) for each in call.inputs)
