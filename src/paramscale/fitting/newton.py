"""Newton's method for many small robust fits at once: starts × bootstraps as rows."""

from __future__ import annotations

import numpy as np

from paramscale.fitting.objective import Array, Objective

__all__ = ["minimise"]

_BLOCK = 48  # rows × 240 runs × 8 bytes fit a core's cache
_STEPS = 200
_TOLERANCE = 1e-14
_LONGEST = 2.0  # of a step, in units of log loss terms; further away the parabola says nothing


def minimise(
    objective: Objective, starts: Array, weights: Array, towards: Array | None = None
) -> tuple[Array, Array]:
    """Return the local minima (rows, n) that the starts lead to, and their values (rows,).

    Exact Hessian, absolute eigenvalues damped by a factor of each row's own: a step that does
    not lower the objective is refused and the damping grows. Rows that have converged leave.

    Parameters
    ----------
    objective : Objective
        With n unknowns.
    starts : array, (rows, n)
        Where to begin.
    weights : array, (rows, runs) or (1, runs)
        Weight of each run; counts, for a bootstrap.
    towards : array, (rows, n) or (1, n), optional
        Centre of the prior of each row, if the objective has one.

    Examples
    --------
    >>> x = np.log([[1.0, 2.0, 4.0, 8.0, 16.0]])
    >>> objective = Objective(x, np.log(1.0 + np.exp(-0.5 * x[0])))
    >>> found, value = minimise(objective, np.array([[-0.3, 0.2, 0.7]]), np.ones((1, 5)))
    >>> np.round(np.abs(found[0] - [0.0, 0.0, 0.5]), 6)
    array([0., 0., 0.])
    """
    weights = np.broadcast_to(weights, (len(starts), weights.shape[1]))
    towards = np.broadcast_to(0.0 if towards is None else towards, starts.shape)
    found, values = np.empty_like(starts), np.empty(len(starts))
    for first in range(0, len(starts), _BLOCK):
        block = slice(first, first + _BLOCK)
        found[block], values[block] = _descend(
            objective, starts[block], weights[block], towards[block]
        )
    return found, values


def _descend(
    objective: Objective, starts: Array, weights: Array, towards: Array
) -> tuple[Array, Array]:
    """Return minima and values of one block."""
    found, values = starts.copy(), np.empty(len(starts))
    left = np.arange(len(starts))
    theta = starts.copy()
    jet = objective.jet(theta, weights, towards)
    value, gradient, hessian = jet.value, jet.gradient, jet.hessian
    damping = np.full(len(starts), 1e-3)
    for _ in range(_STEPS):
        step, gain = _steps(gradient, hessian, damping)
        moved = theta + step
        jet = objective.jet(moved, weights, towards)
        better = jet.value < value
        done = (gain <= _TOLERANCE * value) | (damping > 1e12)
        theta = np.where(better[:, None], moved, theta)
        gradient = np.where(better[:, None], jet.gradient, gradient)
        hessian = np.where(better[:, None, None], jet.hessian, hessian)
        value = np.where(better, jet.value, value)
        damping = np.where(better, np.maximum(damping * 0.1, 1e-12), damping * 8.0)
        found[left[done]], values[left[done]] = theta[done], value[done]
        if done.any():
            stay = ~done
            left, theta, value, weights = left[stay], theta[stay], value[stay], weights[stay]
            gradient, hessian, damping = gradient[stay], hessian[stay], damping[stay]
            towards = towards[stay]
        if not left.size:
            break
    found[left], values[left] = theta, value
    return found, values


def _steps(gradient: Array, hessian: Array, damping: Array) -> tuple[Array, Array]:
    """Return the damped Newton steps, and how much each promises to lower the objective."""
    bends, axes = np.linalg.eigh(hessian)
    bends = np.abs(bends)
    bends += (damping * bends.max(axis=1) + 1e-300)[:, None]
    along = np.einsum("rij,ri->rj", axes, gradient)
    step = -np.einsum("rij,rj->ri", axes, along / bends)
    gain = 0.5 * (along**2 / bends).sum(axis=1)
    longest = np.abs(step).max(axis=1)
    step *= np.minimum(1.0, _LONGEST / np.maximum(longest, 1e-300))[:, None]
    return step, gain
