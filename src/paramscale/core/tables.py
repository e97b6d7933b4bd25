"""Estimates as labelled tables; pandas and xarray are imported only here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]
    import xarray as xr

    from paramscale.core.axes import Axes
    from paramscale.core.estimates import Estimates

__all__ = ["to_pandas", "to_xarray"]


def to_xarray(estimates: Estimates) -> xr.Dataset:
    """Return a dataset with one variable a quantity, over only the dimensions it varies along."""
    try:
        import xarray as xr
    except ImportError as error:
        raise _not_installed("to_xarray", "xarray") from error
    axes, variables = estimates.axes, {}
    for name, (value, attributes) in _columns(estimates).items():
        variables[name] = (*axes.squeeze(value), attributes)
    return xr.Dataset(variables, coords=dict(axes.coords))


def to_pandas(estimates: Estimates) -> pd.DataFrame:
    """Return a table with one row a point: coordinates first, then quantities."""
    try:
        import pandas as pd
    except ImportError as error:
        raise _not_installed("to_pandas", "pandas") from error
    axes = estimates.axes
    columns = {path: _along(axes, dims, values) for path, (dims, values) in axes.coords.items()}
    for name, (value, _) in _columns(estimates).items():
        columns[name] = np.broadcast_to(value, axes.shape)
    return pd.DataFrame({name: np.ravel(value) for name, value in columns.items()})


def _columns(estimates: Estimates) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return values and attributes by name; intervals and masks where they tell something."""
    columns: dict[str, tuple[Any, dict[str, Any]]] = {}
    for name, estimate in estimates.items():
        if name in estimates.axes.coords:  # a given quantity that an axis is made of
            continue
        about = {
            "units": estimate.unit,
            "long_name": estimate.meaning,
            "estimator": estimate.estimator,
            "source": estimate.source,
        }
        columns[name] = (estimate.value, about)
        if estimate.has_interval:
            for word, end in (("low", estimate.low), ("high", estimate.high)):
                columns[f"{name}_{word}"] = (end, {"units": estimate.unit})
        if not np.all(estimate.inside):
            columns[f"{name}_inside"] = (estimate.inside, {})
    return columns


def _along(axes: Axes, dims: tuple[str, ...], values: Any) -> Any:
    """Return a coordinate broadcast to all points."""
    sizes = [size if name in dims else 1 for name, size in zip(axes.dims, axes.shape, strict=True)]
    return np.broadcast_to(np.reshape(values, sizes), axes.shape)


def _not_installed(method: str, package: str) -> ImportError:
    return ImportError(
        f'{method}() needs {package}, which is not installed; pip install "paramscale[tables]"'
    )
