"""How often each run counts in each bootstrap, and the scatter of runs about a law."""

from __future__ import annotations

import numpy as np

from paramscale.errors import FitError
from paramscale.fitting.objective import Array
from paramscale.typing import FloatsLike

__all__ = ["resample_counts", "residual_scale"]

_FEW_RUNS = 40  # below it a resample may lose a whole size, so weights are drawn smoothly instead


def residual_scale(scatter: float, runs: int, fitted: int) -> float:
    """Return the standard deviation about the law from the mean absolute residual.

    As for a normal distribution; fewer degrees of freedom than runs are left.
    """
    return float(scatter * np.sqrt(np.pi / 2.0) * np.sqrt(runs / max(runs - fitted, 1)))


def resample_counts(
    resamples: FloatsLike | None,
    given: int,
    size: int,
    draws: int,
    rng: np.random.Generator,
    *,
    whole: bool = False,
) -> Array:
    """Return how often each run counts in each bootstrap, (draws, runs)."""
    if resamples is not None:
        indices = np.asarray(resamples)
        if indices.ndim != 2 or indices.dtype.kind not in "iu" or size != given:
            raise FitError(
                f"resamples has shape {indices.shape} and type {indices.dtype}; it must hold "
                "whole numbers, one row a bootstrap, and goes with all runs: without near or "
                "weights of 0"
            )
        if indices.size and not (indices.min() >= 0 and indices.max() < size):
            raise FitError(f"resamples must hold indices from 0 to {size - 1}")
        return np.stack([np.bincount(row, minlength=size) for row in indices]).astype(np.float64)
    if size < _FEW_RUNS and not whole:
        return size * rng.dirichlet(np.ones(size), draws)
    return rng.multinomial(size, np.full(size, 1.0 / size), draws).astype(np.float64)
