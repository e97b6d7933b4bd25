"""Draws of times: coefficients as unsure as their fit, and a level that no coefficient explains.

Coefficients that are drawn together make the times of a grid move together: what a step reads and
what it multiplies change with batch and length as they do in truth. That is less than the error on
what was left out of the fit, most of which is a level of the scenario; the rest of the stated
width is drawn as one number for all points.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from paramscale.core.interval import Z90
from paramscale.typing import Floats

__all__ = ["Array", "at_width", "factors", "levels", "with_axis"]

Array: TypeAlias = npt.NDArray[np.float64]


def factors(deviation: float, draws: int, rng: np.random.Generator, ndim: int) -> Floats:
    """Return lognormal factors of a log deviation, a draw axis before `ndim` further ones."""
    found: Floats = np.exp(deviation * rng.standard_normal((draws, *(1,) * ndim)))
    return found


def levels(draws: int, rng: np.random.Generator) -> Array:
    """Return standard normal draws, one from each of equally likely strata, in random order.

    So that the ends of an interval hardly depend on the seed.
    """
    from scipy.special import ndtri  # type: ignore[import-untyped,unused-ignore]

    if draws < 2:
        return rng.standard_normal(draws)
    found: Array = rng.permutation(ndtri((np.arange(draws) + 0.5) / draws))
    return found


def at_width(drawn: Floats, value: Floats, width: Floats, level: Floats) -> Floats:
    """Return draws around a value of which 90 % lie within a factor exp(width) to either side.

    Parameters
    ----------
    drawn : Floats
        Values by drawn coefficients, draws along the leading axis.
    value : Floats
        That of the best coefficients, which stays the middle.
    width : Floats
        Log of the factor that holds 90 %.
    level : Floats
        Standard normal draws, one for all points.
    """
    off = np.log(drawn / value)
    off = off - np.median(off, axis=0)
    own, wanted = off.std(axis=0), width / Z90
    share = np.minimum(wanted / np.maximum(own, 1e-12), 1.0)
    rest = np.sqrt(np.maximum(wanted**2 - own**2, 0.0))
    spread: Floats = value * np.exp(share * off + rest * level)
    return spread


def with_axis(value: Any, draws: int, ndim: int) -> Any:
    """Return an internal result in which every array has the draw axis before `ndim` others."""
    if isinstance(value, np.ndarray) and 0 < value.ndim <= ndim:
        shape = (1,) * (ndim - value.ndim) + value.shape
        return np.broadcast_to(value.reshape(shape), (draws, *shape))
    if isinstance(value, dict):
        return {key: with_axis(each, draws, ndim) for key, each in value.items()}
    if isinstance(value, tuple):
        parts = [with_axis(each, draws, ndim) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value
