"""The valley of one compute budget: where loss is least in log size, or why that is not known."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
import numpy as np

from paramscale.fitting.objective import Array
from paramscale.fitting.runs import Runs

__all__ = ["Method", "Minimum", "Refusal", "valley"]

Method: TypeAlias = Literal["parabola", "akima"]

_LEAST_CELLS = 4  # three determine a parabola and leave nothing to tell whether it is one


@attrs.frozen
class Minimum:
    """The optimum of one budget: size, tokens, loss [nats], and the number of sizes it rests on."""

    flops: float
    parameters: float
    tokens: float
    loss: float
    cells: int


@attrs.frozen
class Refusal:
    """Why a budget has no optimum."""

    flops: float
    kind: Literal["too_few_cells", "no_interior_minimum", "no_curvature"]
    text: str


def valley(runs: Runs, flops: Array, *, method: Method, window: float | None) -> Minimum | Refusal:
    """Return the optimum of the runs of one budget, or the refusal.

    Examples
    --------
    >>> from paramscale.fitting.runs import as_runs
    >>> falling = as_runs([1e8, 2e8, 4e8, 8e8], [8e9, 4e9, 2e9, 1e9], [4.0, 3.8, 3.7, 3.65])
    >>> valley(falling, falling.flops, method="parabola", window=None).text
    'budget 4.8e+18 FLOPs: loss is least at the largest size, 8e+08; add larger ones'
    """
    budget = float(np.exp(np.log(flops).mean()))
    name = f"budget {budget:.3g} FLOPs"
    size, loss = _cells(runs)
    if window is not None:
        near = np.abs(size - size[loss.argmin()]) <= np.log(window) * (1.0 + 1e-9)
        size, loss = size[near], loss[near]
    if len(size) < _LEAST_CELLS:
        count = f"{len(size)} size{'s' if len(size) != 1 else ''}"
        text = f"{name}: {count}; {_LEAST_CELLS} or more are needed"
        return Refusal(budget, "too_few_cells", text)
    lowest = int(loss.argmin())
    if lowest in (0, len(loss) - 1):
        word, other = ("smallest", "smaller") if lowest == 0 else ("largest", "larger")
        at = f"loss is least at the {word} size, {np.exp(size[lowest]):.3g}; add {other} ones"
        return Refusal(budget, "no_interior_minimum", f"{name}: {at}")
    found = _parabola(size, loss) if method == "parabola" else _akima(size, loss)
    if found is None:
        text = f"{name}: the parabola through {len(size)} sizes does not open upwards inside them"
        return Refusal(budget, "no_curvature", text)
    best, least = found
    tokens = float(np.exp(_at(best, np.log(runs.parameters), np.log(runs.tokens))))
    return Minimum(budget, float(np.exp(best)), tokens, least, len(size))


def _cells(runs: Runs) -> tuple[Array, Array]:
    """Return distinct log sizes, rising, with the lowest loss of each."""
    sizes, place = np.unique(runs.parameters, return_inverse=True)
    least = np.full(len(sizes), np.inf)
    np.minimum.at(least, place, runs.loss)
    return np.log(sizes), least


def _parabola(size: Array, loss: Array) -> tuple[float, float] | None:
    centre = size.mean()
    bend, slope, level = np.polyfit(size - centre, np.log(loss), 2)
    if bend <= 0.0:
        return None
    best = centre - slope / (2.0 * bend)
    if not size[0] < best < size[-1]:
        return None
    return float(best), float(np.exp(level - slope**2 / (4.0 * bend)))


def _akima(size: Array, loss: Array) -> tuple[float, float] | None:
    from scipy.interpolate import (  # type: ignore[import-untyped,unused-ignore]
        Akima1DInterpolator,
    )

    curve = Akima1DInterpolator(size, loss)
    turns = curve.derivative().roots(extrapolate=False)
    turns = turns[np.isfinite(turns)]
    if not len(turns):
        return None
    best = turns[np.argmin(curve(turns))]
    return float(best), float(curve(best))


def _at(x: float, sizes: Array, data: Array) -> float:
    """Return log tokens at a log size: along a budget it is nearly a line."""
    order = np.argsort(sizes)
    return float(np.interp(x, sizes[order], data[order]))
