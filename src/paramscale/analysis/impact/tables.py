"""The answer as labelled tables; pandas and xarray are imported only here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]
    import xarray as xr

    from paramscale.analysis.impact.result import Impact

__all__ = ["to_pandas", "to_xarray"]


def _columns(impact: Impact) -> dict[str, tuple[Any, dict[str, Any]]]:
    columns: dict[str, tuple[Any, dict[str, Any]]] = {}
    for name, row in impact.items():
        about = {"units": row.unit, "long_name": row.meaning, "estimator": row.estimator,
                 "source": row.source}  # fmt: skip
        columns[name] = (row.value, about)
        if row.has_interval:
            columns[f"{name}_low"] = (row.low, {"units": row.unit})
            columns[f"{name}_high"] = (row.high, {"units": row.unit})
        if not row.inside.all():
            columns[f"{name}_inside"] = (row.inside, {})
    balanced = np.zeros(len(impact.labels), dtype=bool)
    if impact.star is not None:
        balanced[impact.star] = True
    columns["balanced"] = (balanced, {"long_name": impact.reason})
    return columns


def to_pandas(impact: Impact) -> pd.DataFrame:
    """Return a table with one row a size, named by its label."""
    try:
        import pandas as pd
    except ImportError as error:
        raise _not_installed("to_pandas", "pandas") from error
    columns = {name: value for name, (value, _) in _columns(impact).items()}
    return pd.DataFrame(columns, index=pd.Index(impact.labels, name="size"))


def to_xarray(impact: Impact) -> xr.Dataset:
    """Return a dataset over the dimension ``size``."""
    try:
        import xarray as xr
    except ImportError as error:
        raise _not_installed("to_xarray", "xarray") from error
    variables = {name: ("size", *column) for name, column in _columns(impact).items()}
    return xr.Dataset(variables, coords={"size": list(impact.labels)})


def _not_installed(method: str, package: str) -> ImportError:
    return ImportError(
        f'{method}() needs {package}, which is not installed; pip install "paramscale[tables]"'
    )
