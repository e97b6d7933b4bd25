"""Sobol indices from a sample: which input the variance of a result comes from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Indices", "design", "indices"]

Array = npt.NDArray[np.float64]

_RESAMPLES = 200


class Indices(NamedTuple):
    """Shares of the variance by input, each with a 90 % interval: arrays ``(inputs, 3)``."""

    first: Array
    total: Array


def design(inputs: int, samples: int, seed: int) -> Array:
    """Return points of the unit cube for Sobol indices, ``(inputs + 2, samples, inputs)``.

    Two independent samples A and B, and for each input A with that column of B; from a scrambled
    Sobol sequence [1]_.

    Parameters
    ----------
    inputs : int
    samples : int
        Rounded up to a power of 2.
    seed : int

    References
    ----------
    .. [1] A. Saltelli et al. 2010, Computer Physics Communications 181, 259-270.
    """
    from scipy.stats import qmc  # type: ignore[import-untyped,unused-ignore]

    power = max(int(np.ceil(np.log2(max(samples, 2)))), 1)
    unit = qmc.Sobol(2 * inputs, seed=seed).random_base2(power)
    a, b = unit[:, :inputs], unit[:, inputs:]
    mixed = np.tile(a, (inputs, 1, 1))
    for column in range(inputs):
        mixed[column, :, column] = b[:, column]
    return np.concatenate([a[None], b[None], mixed])


def indices(values: Any, seed: int = 0) -> Indices:
    """Return first-order and total indices of a quantity at the points of a design.

    Parameters
    ----------
    values : array, (inputs + 2, samples)
        Samples of which any value is NaN are left out.
    seed : int
        Of the bootstrap of the intervals.

    Notes
    -----
    First order, Saltelli et al. 2010, Table 2 (b): mean of f_B (f_AB - f_A) over the variance;
    total, Jansen 1999, Table 2 (f): half the mean of (f_A - f_AB)^2 over it. Values are centred
    first, which takes noise away. NaN where nothing varies.
    """
    values = np.asarray(values, dtype=np.float64)
    values = values[:, np.isfinite(values).all(axis=0)]
    inputs, size = values.shape[0] - 2, values.shape[1]
    if size < 2 or np.ptp(values[:2]) <= 1e-12 * np.abs(values[:2]).max():
        nothing = np.full((inputs, 3), np.nan)
        return Indices(nothing, nothing)
    rng = np.random.default_rng(seed)
    rows = np.vstack([np.arange(size), rng.integers(0, size, (_RESAMPLES, size))])
    first, total = _estimated(values, rows)
    return Indices(_with_ends(first), _with_ends(total))


def _estimated(values: Array, rows: npt.NDArray[np.intp]) -> tuple[Array, Array]:
    """Return both indices for each row of resampled samples, ``(rows, inputs)``."""
    a, b = values[0][rows], values[1][rows]
    both = np.concatenate([a, b], axis=1)
    mean, variance = both.mean(axis=1, keepdims=True), both.var(axis=1)
    first, total = [], []
    for mixed in values[2:]:
        ab = mixed[rows]
        first.append(np.mean((b - mean) * (ab - a), axis=1) / variance)
        total.append(np.mean((a - ab) ** 2, axis=1) / (2.0 * variance))
    return np.stack(first, axis=1), np.stack(total, axis=1)


def _with_ends(found: Array) -> Array:
    low, high = np.quantile(found[1:], [0.05, 0.95], axis=0)
    return np.stack([found[0], low, high], axis=1)
