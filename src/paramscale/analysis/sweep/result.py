"""What a sweep returns: quantities over named axes, and questions about all points at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.search.limits import Limit, LimitsLike, limits_of
from paramscale.analysis.sweep.job import Columns, Job
from paramscale.analysis.sweep.layout import Layout
from paramscale.analysis.sweep.memory import refuse_if_too_large
from paramscale.analysis.sweep.points import Points
from paramscale.analysis.sweep.reduce import Best, Candidates, Front, Goal, Sketch, goals_of
from paramscale.analysis.sweep.run import Engine
from paramscale.analysis.sweep.zarr_file import ZarrFile
from paramscale.core.quantity import Quantity
from paramscale.errors import SpecError, UnknownNameError
from paramscale.typing import Booleans
from paramscale.units import format_value

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]
    import xarray as xr

    from paramscale.analysis.sweep.files import SweepFile

__all__ = ["Sweep", "Swept"]

Array = npt.NDArray[np.float64]


class Swept:
    """One quantity at all points of a sweep.

    Its arrays have one dimension an axis, with one place along the axes on which it does not
    depend; they broadcast. What was not computed yet is computed when it is asked for.
    """

    def __init__(self, sweep: Sweep, name: str) -> None:
        self._sweep, self.name = sweep, name

    @property
    def quantity(self) -> Quantity:
        return self._sweep.job.space.world.vocabulary[self.name]

    @property
    def unit(self) -> str:
        return self.quantity.unit

    @property
    def meaning(self) -> str:
        return self.quantity.meaning

    @property
    def estimator(self) -> str:
        """Name of the estimator at the first point; others may give others outside its domain."""
        record = self._sweep.layout.records.get(self.name)
        return record.name if record else "given"

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the axes along which it varies."""
        return self._sweep.dims_of(self.name)

    @property
    def value(self) -> Array:
        """The values, in `unit`."""
        found: Array = self._sweep.column(self.name)
        return found

    @property
    def low(self) -> Array:
        """Lower ends of the 90 % intervals: the value where it is exact, NaN where not known."""
        return self._end("low")

    @property
    def high(self) -> Array:
        """Upper ends of the 90 % intervals."""
        return self._end("high")

    @property
    def inside(self) -> Booleans:
        """Whether each point lies in the domains of all that its value came from."""
        found: Booleans = self._sweep.column(f"{self.name}_inside")
        return found

    @property
    def draws(self) -> Array | None:
        """The draws, along a leading axis; None where nothing on the way is uncertain."""
        name = f"{self.name}_draws"
        found: Array | None = None
        if name in self._sweep.layout.columns:
            found = self._sweep.column(name)
        return found

    def _end(self, which: str) -> Array:
        found: Array | None = self._sweep.column(f"{self.name}_{which}", or_none=True)
        if found is None:
            found = self.value if self.name in self._sweep.layout.exact else self.value * np.nan
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.value, dtype=dtype, copy=True)

    def __repr__(self) -> str:
        along = ", ".join(self.dims) or "nothing: it is the same everywhere"
        return f"<{self.name} = {self.summary()} along {along}>"

    def summary(self) -> str:
        """Return the range of the values, as text."""
        if not self._sweep.holds(self.name):
            return "not computed yet"
        values = self.value
        known = values[np.isfinite(values)]
        if known.size == 0:
            return "unknown"
        low, high = (format_value(end, self.unit) for end in (known.min(), known.max()))
        return low if low == high else f"{low} to {high}"


class Sweep(Mapping[str, Swept]):
    """Quantities at all points of a space.

    ``sweep["ttft_s"]`` is a `Swept`, with ``value``, ``low``, ``high``, ``inside``, ``dims`` and
    ``unit``. The axes are `axes`; ``to_xarray`` and ``to_pandas`` put the names on.

    Attributes
    ----------
    refused : dict of str to str
        Choices of labels that cannot be estimated, and why; their values are NaN.
    """

    def __init__(
        self,
        engine: Engine,
        columns: Columns,
        refused: dict[str, str],
        file: SweepFile | None = None,
    ) -> None:
        self._engine = engine
        self._columns = columns
        self._file = file
        self.refused = refused

    @property
    def job(self) -> Job:
        return self._engine.job

    @property
    def layout(self) -> Layout:
        return self._engine.layout

    @property
    def axes(self) -> dict[str, npt.NDArray[Any]]:
        """Coordinates by name of the axis; what is paired with it stands in `coordinates`."""
        return {axis.name: axis.coordinates()[axis.name] for axis in self.job.space.axes}

    @property
    def coordinates(self) -> dict[str, tuple[str, npt.NDArray[Any]]]:
        """For each field that varies, the axis that it runs along and its values there."""
        return {
            path: (axis.name, values)
            for axis in self.job.space.axes
            for path, values in axis.coordinates().items()
        }

    @property
    def shape(self) -> tuple[int, ...]:
        """Places along each axis."""
        return self.job.space.shape

    @property
    def size(self) -> int:
        """Number of points."""
        return self.job.space.size

    def __getitem__(self, name: str) -> Swept:
        if name not in self.job.quantities:
            raise UnknownNameError("quantity of this sweep", name, self.job.quantities)
        return Swept(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.job.quantities)

    def __len__(self) -> int:
        return len(self.job.quantities)

    def dims_of(self, column: str) -> tuple[str, ...]:
        """Return the names of the axes along which a column varies."""
        pairs = zip(self.layout.columns[column].varies, self.job.space.axes, strict=True)
        return tuple(axis.name for varies, axis in pairs if varies)

    def holds(self, column: str) -> bool:
        """Tell whether a column is computed already."""
        return column in self._columns

    def column(self, name: str, *, or_none: bool = False) -> Any:
        """Return an array by the name of its column, computing it if need be.

        Parameters
        ----------
        name : str
            A quantity, or one with ``_low``, ``_high``, ``_inside`` or ``_draws`` behind it.
        or_none : bool
            Whether a column that the estimators do not give is None, rather than an error.
        """
        if name not in self._columns and self._in_file(name):
            assert isinstance(self._file, ZarrFile)
            refuse_if_too_large(self.size, self.layout.columns[name].bytes(self.shape))
            self._columns[name] = self._file.read(name)
        if name not in self._columns:
            quantity, job = self._wanted(name)
            found = self._engine.for_job(job).collect()[0]
            self._columns |= {key: each for key, each in found.items() if key not in self._columns}
            if name not in self._columns and or_none:
                return None
            if name not in self._columns:
                raise UnknownNameError(f"column of {quantity}", name, found)
        return self._columns[name]

    def _in_file(self, name: str) -> bool:
        return isinstance(self._file, ZarrFile) and name in self.layout.columns

    def _wanted(self, name: str) -> tuple[str, Job]:
        """Return the quantity that a column belongs to, and the job that gives the column."""
        if name in self.job.quantities:
            return name, attrs.evolve(self.job, quantities=(name,))
        quantity, _, what = name.rpartition("_")
        if quantity not in self.job.quantities:
            raise UnknownNameError("column", name, self.layout.columns)
        ends = what in ("low", "high")
        return quantity, attrs.evolve(
            self.job, quantities=(quantity,), intervals=ends, inside=what == "inside"
        )

    def specs(self, point: Sequence[int] | Mapping[str, int]) -> dict[str, Any]:
        """Return the specs of one point, as ``estimate(**specs)`` takes them.

        Parameters
        ----------
        point : sequence of int, or mapping of str to int
            Place along each axis, in their order or by their names; 0 where a name is left out.
        """
        space = self.job.space
        if isinstance(point, Mapping):
            for name in point:
                if name not in self.axes:
                    raise UnknownNameError("axis", name, self.axes)
            point = [point.get(axis.name, 0) for axis in space.axes]
        if len(point) != len(space.axes):
            raise SpecError(f"a point has {len(space.axes)} places, one an axis, not {len(point)}")
        return space.point(point)

    def best(
        self,
        *,
        minimize: str | None = None,
        maximize: str | None = None,
        subject_to: LimitsLike | None = None,
        count: int = 1,
    ) -> Points:
        """Return the points at which a quantity is least, or greatest, best first.

        Parameters
        ----------
        minimize, maximize : str
            One quantity of the sweep, under one of the two names.
        subject_to : mapping or iterable of str, optional
            What must hold, as ``optimize`` takes it: ``{"tpot_s": "<= 30 ms"}``.
        count : int
            How many points.

        Returns
        -------
        Points
            Fewer than `count`, or none, where fewer meet the limits. Along axes on which neither
            the quantity nor a limit depends, the first place.

        Examples
        --------
        >>> import paramscale as ps
        >>> found = ps.sweep({"model": "llama-3.1-8b"}, {"hardware": ["a100-sxm-80gb", "h100-sxm"]},
        ...                  quantities=["tpot_s"])
        >>> found.best(minimize="tpot_s")[0]["hardware"]
        'h100-sxm'
        """
        goals = goals_of([minimize] if minimize else [], [maximize] if maximize else [])
        if len(goals) != 1:
            raise SpecError("best() needs one quantity: write minimize='...' or maximize='...'")
        if count < 1 or count != int(count):
            raise SpecError(f"count must be a whole number of at least 1, not {count!r}")
        limits = self._checked(goals, subject_to)
        word = "least" if minimize else "greatest"
        which = "The point" if count == 1 else f"The {count} points"
        return self._points(
            Best(self.layout, goals, limits, int(count)),
            f"{which} of {word} {goals[0].quantity}{_under(limits)}",
        )

    def pareto(
        self,
        *,
        minimize: str | Iterable[str] = (),
        maximize: str | Iterable[str] = (),
        subject_to: LimitsLike | None = None,
    ) -> Points:
        """Return the points that no other point beats in all of some quantities at once.

        Parameters
        ----------
        minimize, maximize : str or iterable of str
            Quantities of the sweep, two or more together.
        subject_to : mapping or iterable of str, optional
            What must hold, as ``optimize`` takes it.

        Returns
        -------
        Points
            In the order of the first quantity.
        """
        goals = goals_of(minimize, maximize)
        if len(goals) < 2:
            raise SpecError("pareto() needs two quantities or more, in minimize= and maximize=")
        limits = self._checked(goals, subject_to)
        names = ", ".join(goal.quantity for goal in goals)
        return self._points(
            Front(self.layout, goals, limits), f"The front of {names}{_under(limits)}"
        )

    def quantiles(
        self, name: str, shares: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95)
    ) -> Array:
        """Return the values at or below which given shares of all points lie, to 0.1 %.

        Parameters
        ----------
        name : str
            A quantity of the sweep; points at which it is NaN do not count.
        shares : sequence of float
            From 0 to 1.
        """
        self._check(name)
        if any(not 0.0 <= share <= 1.0 for share in shares):
            raise SpecError(f"shares must lie between 0 and 1, not {list(shares)!r}")
        sketch = Sketch(self.layout, name)
        return sketch.quantiles(self._reduced(sketch, (name,)), shares)

    def _check(self, name: str) -> None:
        if name not in self.job.quantities:
            raise UnknownNameError("quantity of this sweep", name, self.job.quantities)

    def _checked(self, goals: Sequence[Goal], subject_to: LimitsLike | None) -> tuple[Limit, ...]:
        limits = limits_of(subject_to)
        for name in (*(goal.quantity for goal in goals), *(each.measure for each in limits)):
            self._check(name)
        return limits

    def _points(self, search: Best | Front, title: str) -> Points:
        names = [*(g.quantity for g in search.goals), *(each.measure for each in search.limits)]
        found: Candidates = self._reduced(search, tuple(dict.fromkeys(names)))
        order = np.argsort(found.costs[:, 0], kind="stable")
        places = [tuple(int(i) for i in place) for place in found.places[order]]
        return Points(title, places, [self.row(place) for place in places])

    def row(self, place: tuple[int, ...]) -> dict[str, Any]:
        """Return coordinates and quantities of one point, by its place along each axis."""
        row: dict[str, Any] = {}
        for axis, i in zip(self.job.space.axes, place, strict=True):
            for path, values in axis.coordinates().items():
                row[path] = str(values[i]) if values.dtype.kind == "U" else float(values[i])
        alone = None
        for name in self.job.quantities:
            if self.holds(name):
                value = np.broadcast_to(self._columns[name], self.shape)[place]
            else:
                alone = alone or self._engine.point(place)
                value = alone[name].ravel()[0]
            row[name] = float(value)
        return row

    def _reduced(self, reduction: Any, names: tuple[str, ...]) -> Any:
        """Return the state of a reduction over all points, of what is held or computed anew."""
        if all(self.holds(name) for name in names):
            columns = {name: self._columns[name] for name in names}
            return reduction.merge([reduction(part) for part in self._engine.parts(columns)])
        engine = self._engine.for_job(attrs.evolve(self.job, quantities=names, draws=0))
        state = None
        for done in engine.run(reduction):
            state = done.result if state is None else reduction.merge([state, done.result])
        return state

    def to_xarray(self, *, chunks: Any = None) -> xr.Dataset:
        """Return a dataset: one variable a quantity, over only the dimensions it varies along.

        What is computed is in it: intervals with ``intervals=True``, draws with ``draws=n``.

        Parameters
        ----------
        chunks : optional
            Anything but None gives lazy Dask arrays, of which only what is asked for is computed:
            ``"auto"`` or ``{}`` in chunks of about a million points, or a mapping of axis to
            places. Of a sweep in a Zarr store it is what ``xarray.open_zarr`` takes.
        """
        from paramscale.analysis.sweep.tables import to_xarray

        if chunks is None:
            return to_xarray(self, self._stored())
        if self._file is not None and self._file.path.endswith(".zarr"):
            import xarray as xr

            found: xr.Dataset = xr.open_zarr(self._file.path, chunks=chunks)
            return found
        from paramscale.analysis.sweep.lazy import lazy_columns

        return to_xarray(self, lazy_columns(self._engine, chunks))

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row a point: coordinates first, then quantities.

        Raises
        ------
        SpecError
            If it would not fit into memory.
        """
        from paramscale.analysis.sweep.tables import to_pandas

        return to_pandas(self, self._stored())

    def _stored(self) -> Columns:
        return {name: self.column(name) for name in self.layout.columns}

    def __repr__(self) -> str:
        from paramscale.analysis.sweep.show import sweep_text

        return sweep_text(self)

    def _repr_html_(self) -> str:
        from paramscale.analysis.sweep.show import sweep_html

        return sweep_html(self)


def _under(limits: Sequence[Limit]) -> str:
    return f" with {', '.join(map(str, limits))}" if limits else ""
