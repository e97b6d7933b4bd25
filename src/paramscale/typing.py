"""Types that every room shares: a number of paramscale is a float64 scalar or array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

#: What a caller may hand over where a number is meant.
FloatsLike: TypeAlias = float | int | Sequence[float] | npt.NDArray[Any]

#: What formulas receive and return: one float64 number, or an array of them; they broadcast.
Floats: TypeAlias = float | npt.NDArray[np.float64]

#: A yes or no for each point.
Booleans: TypeAlias = np.bool_ | npt.NDArray[np.bool_]
