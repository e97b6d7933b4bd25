"""Where to begin: for fixed exponents the law is linear in its scales (variable projection)."""

from __future__ import annotations

import numpy as np

from paramscale.fitting.objective import Array

__all__ = ["EXPONENTS", "starts"]

#: Exponents tried for each term; with two terms this is a grid of 24 × 24.
EXPONENTS = np.geomspace(0.03, 1.5, 24)

_KEPT = 4
_APART = 2  # grid cells between two starts that are kept, so that they lie in different valleys
_LEAST = 1e-2  # share of the least loss that a floor, or a term, begins with where zero is best


def starts(inputs: Array, loss: Array, weights: Array, *, relative: bool = True) -> Array:
    """Return good starts (rows, 1 + 2·terms): scales by least squares at a grid of exponents.

    The cross moments separate: ``Σ v·x^(−a)·y^(−b)`` for all pairs of exponents is one matrix
    product, so the normal equations of all 576 cells cost as much as a few fits.

    Parameters
    ----------
    inputs : array, (terms, runs)
        Centred logarithms.
    loss, weights : array, (runs,)
        Measured loss, and the weight of each run.
    relative : bool
        Whether residuals count relative to the loss.

    Examples
    --------
    >>> x = np.log([[1.0, 2.0, 4.0, 8.0, 16.0]])
    >>> begin = starts(x, 1.0 + np.exp(-0.5 * x[0]), np.ones(5))
    >>> begin.shape, bool(np.abs(begin[0, 2] - 0.5) < 0.1)
    ((4, 3), True)
    """
    weights = weights / loss**2 if relative else weights
    grids = [EXPONENTS] * len(inputs)
    powers = [np.exp(-g[:, None] * x) for g, x in zip(grids, inputs, strict=True)]
    matrix, target = _moments(powers, loss, weights)
    scales = _solve(matrix, target, float(loss.min()))
    miss = np.einsum("...i,...ij,...j->...", scales, matrix, scales)
    miss = miss - 2.0 * np.einsum("...i,...i->...", scales, target)
    return _pick(miss, scales, grids)


def _moments(powers: list[Array], loss: Array, weights: Array) -> tuple[Array, Array]:
    """Return the normal matrices (cells..., n, n) and right sides (cells..., n)."""
    count, shape = len(powers), tuple(len(each) for each in powers)
    matrix, target = np.empty((*shape, count + 1, count + 1)), np.empty((*shape, count + 1))
    matrix[..., 0, 0], target[..., 0] = weights.sum(), weights @ loss
    for k, first in enumerate(powers):
        at = _along(k, count)
        matrix[..., 0, k + 1] = matrix[..., k + 1, 0] = (first @ weights)[at]
        matrix[..., k + 1, k + 1] = (first**2 @ weights)[at]
        target[..., k + 1] = (first @ (weights * loss))[at]
        for m in range(k + 1, count):
            cross = (first * weights) @ powers[m].T
            cross = cross[tuple(slice(None) if j in (k, m) else None for j in range(count))]
            matrix[..., k + 1, m + 1] = matrix[..., m + 1, k + 1] = cross
    return matrix, target


def _along(axis: int, count: int) -> tuple[slice | None, ...]:
    return tuple(slice(None) if j == axis else None for j in range(count))


def _solve(matrix: Array, target: Array, least: float) -> Array:
    """Return the scales of each cell; what comes out negative is set low and the rest solved."""
    size = matrix.shape[-1]
    ridge = 1e-12 * np.eye(size) * np.einsum("...ii->...i", matrix)[..., None, :]
    scales = np.linalg.solve(matrix + ridge, target[..., None])[..., 0]
    low = _LEAST * least
    if size > 1:
        rest = np.linalg.solve(
            (matrix + ridge)[..., 1:, 1:], (target[..., 1:] - low * matrix[..., 1:, 0])[..., None]
        )[..., 0]
        below = scales[..., :1] < low
        floored = np.concatenate([np.full_like(scales[..., :1], low), rest], axis=-1)
        scales = np.where(below, floored, scales)
    found: Array = np.maximum(scales, low)
    return found


def _pick(miss: Array, scales: Array, grids: list[Array]) -> Array:
    """Return the best cells that lie apart, as unknowns."""
    kept: list[tuple[int, ...]] = []
    for flat in np.argsort(miss, axis=None)[: 40 * _KEPT]:
        cell = tuple(int(i) for i in np.unravel_index(flat, miss.shape))
        if all(max(abs(i - j) for i, j in zip(cell, old, strict=True)) > _APART for old in kept):
            kept.append(cell)
        if len(kept) == _KEPT:
            break
    found = np.empty((len(kept), 1 + 2 * len(grids)))
    for row, cell in enumerate(kept):
        found[row, 0] = np.log(scales[cell][0])
        found[row, 1::2] = np.log(scales[cell][1:])
        found[row, 2::2] = [grid[i] for grid, i in zip(grids, cell, strict=True)]
    return found
