"""Which runs say most about larger ones: those near the best of their compute, and the largest."""

from __future__ import annotations

import numpy as np

from paramscale.fitting.objective import Array
from paramscale.fitting.runs import Runs
from paramscale.typing import Booleans, FloatsLike

__all__ = ["best_of_each", "excess", "focused", "near_best"]

_SAME = 0.1  # budgets that differ by less, in logarithm, are one
_LEAST = 8


def best_of_each(parameters: FloatsLike, tokens: FloatsLike, loss: FloatsLike) -> Booleans:
    """Return a mask of the lowest loss at each size and amount of data.

    For sweeps over learning rate and batch: only the tuned run of each cell is comparable.

    Examples
    --------
    >>> best_of_each([1e8, 1e8, 2e8], [2e9, 2e9, 2e9], [3.5, 3.4, 3.3])
    array([False,  True,  True])
    """
    size, data, values = (np.asarray(each, dtype=np.float64) for each in (parameters, tokens, loss))
    order = np.lexsort((values, data, size))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (np.diff(size[order]) != 0.0) | (np.diff(data[order]) != 0.0)
    mask = np.zeros(len(order), dtype=np.bool_)
    mask[order[first]] = True
    return mask


def excess(runs: Runs) -> Array:
    """Return log loss above the best run with no more compute (10 % of leeway).

    Runs with more compute do not count: in steep regions each doubling is worth several percent.

    Examples
    --------
    >>> from paramscale.fitting.runs import as_runs
    >>> excess(as_runs([1e8, 1e9, 1e10], [1e10, 1e9, 1e8], [3.0, 2.9, 5.0])).round(3)
    array([0.034, 0.   , 0.545])
    """
    compute, value = np.log(runs.flops), np.log(runs.loss)
    order = np.argsort(compute)
    so_far = np.minimum.accumulate(value[order])
    at = np.searchsorted(compute[order], compute + _SAME, side="right") - 1
    return value - so_far[at]


def near_best(runs: Runs, near: float, least: int = _LEAST) -> Booleans:
    """Return a mask of runs within `near` (relative) of the best of their compute.

    Runs far from compute-optimal curve a law fitted to small ones: most of them trained for too
    few steps. At least `least` runs stay.
    """
    over = excess(runs)
    bound = max(float(np.log1p(near)), float(np.sort(over)[min(least, len(runs)) - 1]))
    mask: Booleans = over <= bound
    return mask


def focused(runs: Runs, focus: float) -> Array:
    """Return weights that fall with distance below the largest compute as ``(C/C_max)^(1/focus)``.

    Their mean is that of the weights before.
    """
    compute = np.log(runs.flops)
    found: Array = runs.weights * np.exp((compute - compute.max()) / focus)
    found *= runs.weights.mean() / found.mean()
    return found
