"""Values as JSON holds them: numbers as numbers, what is not known as null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["dump", "plain"]


def plain(value: Any) -> Any:
    """Return a value made of what JSON knows; NaN, which means "not known", becomes None.

    JSON has no infinity either; that becomes None too.

    Examples
    --------
    >>> import numpy as np
    >>> plain({"a": np.float64(2.0), "b": np.nan, "c": np.array([1.0, np.nan]), "d": np.True_})
    {'a': 2.0, 'b': None, 'c': [1.0, None], 'd': True}
    """
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int)) else str(value)


def dump(value: Any) -> str:
    """Return a value as JSON text, two spaces a level.

    Examples
    --------
    >>> dump([float("inf")])
    '[\\n  null\\n]'
    """
    return json.dumps(plain(value), indent=2, allow_nan=False)
