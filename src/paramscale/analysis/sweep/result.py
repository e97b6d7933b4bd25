"""What a sweep returns: quantities over named axes, and questions about all points at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.sweep.job import Columns, Job
from paramscale.analysis.sweep.layout import Layout
from paramscale.analysis.sweep.memory import refuse_if_too_large
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

    def to_xarray(self) -> xr.Dataset:
        """Return a dataset: one variable a quantity, over only the dimensions it varies along.

        What is computed is in it: intervals with ``intervals=True``, draws with ``draws=n``.
        """
        from paramscale.analysis.sweep.tables import to_xarray

        return to_xarray(self, self._stored())

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
