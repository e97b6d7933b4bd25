"""The last step to a least-absolute-deviation fit: its optimum passes through some runs exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from paramscale.fitting.objective import Array, Objective

__all__ = ["to_vertex"]

_STEPS = 8


def to_vertex(objective: Objective, theta: Array, weights: Array) -> Array:
    """Return each row moved to where its n nearest runs have residual zero, if that is better.

    Σ|r| of n unknowns is least at a vertex: n residuals vanish. The limit of Huber fits names
    them; Newton's method on those n equations then gives all digits.

    Parameters
    ----------
    objective : Objective
        Of the runs.
    theta : array, (rows, n)
        Fits that are nearly optimal.
    weights : array, (rows, runs) or (1, runs)
        Weight of each run.

    Examples
    --------
    >>> x = np.log([[1.0, 2.0, 4.0, 8.0, 16.0]])
    >>> loss = np.log(1.0 + np.exp(-0.5 * x[0])) + np.array([0, 0.1, 0, -0.1, 0])
    >>> objective = Objective(x, loss)
    >>> to_vertex(objective, np.array([[1e-3, -1e-3, 0.501]]), np.ones((1, 5))).round(6) + 0.0
    array([[0. , 0. , 0.5]])
    """
    weights = np.broadcast_to(weights, (len(theta), weights.shape[1]))
    residual = objective.residual(theta)
    far = np.where(weights > 0.0, np.abs(residual), np.inf)
    chosen = np.argsort(far, axis=1)[:, : objective.size]
    moved = theta.copy()
    for _ in range(_STEPS):
        slopes, missed = _equations(objective, moved, chosen)
        moved = moved - _solve(slopes, missed)
    with np.errstate(all="ignore"):
        now = (weights * np.abs(objective.residual(moved))).sum(axis=1)
    better = now < (weights * np.abs(residual)).sum(axis=1)
    return np.where(better[:, None], moved, theta)


def _equations(objective: Objective, theta: Array, chosen: npt.NDArray[Any]) -> tuple[Array, Array]:
    """Return slopes (rows, n, n) and residuals (rows, n) of the chosen runs."""
    with np.errstate(all="ignore"):
        parts, total = objective.shares(theta)
        size = total if objective.relative else np.ones_like(total)
        columns = [np.broadcast_to(parts[0], total.shape) / size]
        for part, x in zip(parts[1:], objective.inputs, strict=True):
            columns += [part / size, -x * part / size]
        slopes = np.stack(columns, axis=2)
        missed = objective.residual(theta)
    found = np.take_along_axis(slopes, chosen[:, :, None], axis=1)
    return found, np.take_along_axis(missed, chosen, axis=1)


def _solve(slopes: Array, missed: Array) -> Array:
    """Return the Newton steps; none where the equations contradict each other."""
    sound = np.asarray(np.isfinite(slopes).all(axis=(1, 2)) & np.isfinite(missed).all(axis=1))
    sound[sound] = np.linalg.cond(slopes[sound]) < 1e12
    steps = np.zeros_like(missed)
    steps[sound] = np.linalg.solve(slopes[sound], missed[sound, :, None])[..., 0]
    return steps
