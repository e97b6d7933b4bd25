"""A sweep as labelled tables, in memory or lazy; pandas, xarray and dask are imported only here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from paramscale.analysis.sweep.memory import refuse_if_too_large

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]
    import xarray as xr

    from paramscale.analysis.space import Space
    from paramscale.analysis.sweep.layout import Column, Layout
    from paramscale.analysis.sweep.result import Sweep

__all__ = ["attributes", "not_installed", "point_columns", "to_pandas", "to_xarray"]


def not_installed(what: str, package: str, extra: str) -> ImportError:
    """Return the error about a package that is not there."""
    return ImportError(
        f'{what} needs {package}, which is not installed; pip install "paramscale[{extra}]"'
    )


def to_xarray(sweep: Sweep, columns: Mapping[str, Any]) -> xr.Dataset:
    """Return a dataset: a variable a column, over only the dimensions it varies along."""
    try:
        import xarray as xr
    except ImportError as error:
        raise not_installed("to_xarray()", "xarray", "tables") from error
    variables = {}
    for name, array in columns.items():
        column = sweep.layout.columns[name]
        dims = (*(("draw",) if column.draws else ()), *sweep.dims_of(name))
        variables[name] = (dims, _squeezed(column, array), attributes(sweep.layout, name))
    coords = {path: (axis, values) for path, (axis, values) in sweep.coordinates.items()}
    return xr.Dataset(variables, coords=coords)


def _squeezed(column: Column, array: Any) -> Any:
    """Return a column without the dimensions along which it does not vary."""
    lead = (slice(None),) if column.draws else ()
    return array[(*lead, *(slice(None) if v else 0 for v in column.varies))]


def attributes(layout: Layout, name: str) -> dict[str, Any]:
    """Return what is known of a column: unit, meaning, estimator, source."""
    quantity = name if name in layout.records else name.rpartition("_")[0]
    about = layout.space.world.vocabulary[quantity]
    if name.endswith("_inside"):
        return {"long_name": f"whether {quantity} lies in the domains of its estimators"}
    if name != quantity:
        return {"units": about.unit}
    record = layout.records.get(name)
    source = "; ".join(each.text for each in record.sources) if record else "given by the caller"
    return {
        "units": about.unit,
        "long_name": about.meaning,
        "estimator": record.name if record else "given",
        "source": source,
    }


def point_columns(
    space: Space, columns: Mapping[str, Any], place: tuple[slice, ...]
) -> dict[str, Any]:
    """Return flat columns with one value a point of a part: coordinates, then quantities.

    Parameters
    ----------
    columns : mapping of str to array
        Columns of the part, with one place along what they do not vary along.
    place : tuple of slice
        The part of each axis.
    """
    sizes = [part.stop - part.start for part in place]
    found = {}
    for i, axis in enumerate(space.axes):
        shape = [1] * len(sizes)
        shape[i] = -1
        for path, values in axis.coordinates().items():
            along = values[place[i]].reshape(shape)
            found[path] = np.broadcast_to(along, sizes).ravel()
    for name, array in columns.items():
        if array.ndim == len(sizes):
            found[name] = np.broadcast_to(array, sizes).ravel()
        else:  # a column for each draw
            found |= {
                f"{name}_{i}": np.broadcast_to(each, sizes).ravel() for i, each in enumerate(array)
            }
    return found


def to_pandas(sweep: Sweep, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table with one row a point: coordinates first, then quantities."""
    try:
        import pandas as pd
    except ImportError as error:
        raise not_installed("to_pandas()", "pandas", "tables") from error
    width = len(sweep.coordinates) + len(columns)
    refuse_if_too_large(sweep.size, 8.0 * sweep.size * width)
    whole = tuple(slice(0, size) for size in sweep.shape)
    return pd.DataFrame(point_columns(sweep.job.space, columns, whole))
