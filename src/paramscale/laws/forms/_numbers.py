"""What several forms do with numbers before they compute."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from paramscale.typing import FloatsLike

__all__ = ["effective_experts", "positive", "share"]


def positive(value: FloatsLike) -> npt.NDArray[np.float64]:
    """Return float64 numbers, NaN in the place of those that are not positive.

    Integers become float64 first, so that no product or power of them overflows.

    Examples
    --------
    >>> positive([2, 0])
    array([ 2., nan])
    """
    if isinstance(value, float):  # a float64 too; a sixth of the time of what follows
        return np.float64(value if value > 0.0 else np.nan)  # type: ignore[return-value]
    numbers = np.asarray(value, dtype=np.float64)
    held: npt.NDArray[np.float64] = np.where(numbers > 0.0, numbers, np.nan)[()]
    return held


def share(value: FloatsLike) -> npt.NDArray[np.float64]:
    """Return float64 numbers, NaN in the place of those that are not in [0, 1).

    Examples
    --------
    >>> share([0.5, 1.0])
    array([0.5, nan])
    """
    numbers = np.asarray(value, dtype=np.float64)
    inside = (numbers >= 0.0) & (numbers < 1.0)
    held: npt.NDArray[np.float64] = np.where(inside, numbers, np.nan)[()]
    return held


def effective_experts(experts: FloatsLike, E_start: float, E_max: float) -> npt.NDArray[np.float64]:
    """Return the number of experts, bent so that it starts at `E_start` and ends at `E_max`.

    Clark et al. 2022, arXiv:2202.01169: 1 / X = 1 / (E - 1 + 1 / (1 / E_start - 1 / E_max)) +
    1 / E_max. NaN where `experts` is below 1.

    Examples
    --------
    >>> round(float(effective_experts(1, 2.0732, 290.4521)), 4)
    2.0732
    """
    many = np.asarray(experts, dtype=np.float64)
    many = np.where(many >= 1.0, many, np.nan)[()]
    start = 1.0 / (1.0 / E_start - 1.0 / E_max)
    bent: npt.NDArray[np.float64] = 1.0 / (1.0 / (many - 1.0 + start) + 1.0 / E_max)
    return bent
