"""Uncertainty as one more axis: run a plan again with its uncertain estimators sampled.

Inside a drawn run every drawn value has shape ``(draws, ...)`` with as many further dimensions
as the largest result has, so that it broadcasts against the arrays of specs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from paramscale.core.interval import Z90, Interval
from paramscale.core.plan import Call, Plan, Results, with_intervals
from paramscale.errors import RegistrationError

__all__ = ["draw", "quantiles"]

Array = npt.NDArray[np.float64]


def draw(
    plan: Plan, point: Results, draws: int, rng: np.random.Generator, ndim: int = 0
) -> dict[str, Any]:
    """Return the drawn values, with a leading axis, of all that depends on an uncertain estimator.

    Parameters
    ----------
    plan : Plan
        The plan that was run.
    point : Results
        What its run left; the same estimators are used again.
    draws : int
        Number of draws.
    rng : numpy.random.Generator
        Where chance comes from.
    ndim : int
        Number of dimensions of the largest array in the specs.
    """
    sizes = [np.ndim(point.values[name]) for name in point.chosen if _is_number(point, name)]
    ndim = max([ndim, *sizes])
    drawn: dict[str, Any] = {}
    for step in plan.steps:
        call = point.chosen.get(step.quantity)
        if call is None:
            continue
        depends = any(name in drawn for name in call.inputs)
        inputs = _inputs(call, drawn, point)
        sample = getattr(call.record.function, "sample", None)
        if sample is not None and depends:
            result = _each(
                sample, call, inputs, [name in drawn for name in call.inputs], draws, rng
            )
        elif sample is not None:
            result = sample(draws, rng)(*inputs, **call.options)
        elif depends:
            result = call.function(*inputs)
            if call.intervals and isinstance(result, Interval):
                result = _within(result, draws, rng)
        else:
            continue
        value = result.value if isinstance(result, Interval) else result
        if sample is None and _is_number(point, step.quantity) and np.ndim(value) == 0:
            continue  # of what was drawn it takes a part that is exact
        drawn[step.quantity] = _aligned(value, draws, ndim, call, sampled=sample is not None)
    return drawn


def _inputs(call: Call, drawn: dict[str, Any], point: Results) -> list[Any]:
    """Return the inputs of a call, drawn where they are; what is drawn has no interval beside."""
    found = []
    known = with_intervals(call, point.values, point.intervals, point.chosen)
    for name, value in zip(call.inputs, known, strict=True):
        if name not in drawn:
            found.append(value)
        else:
            now = drawn[name]
            found.append(Interval(now, now, now) if name in call.intervals else now)
    return found


def _within(result: Interval, draws: int, rng: np.random.Generator) -> Any:
    """Return values drawn from the interval that an estimator adds to those of its inputs.

    It carries the intervals of its inputs on; where those are drawn, what is left is its own part
    (a price, a ratio), log-normal to each side.
    """
    value, low, high = (np.asarray(each, dtype=np.float64) for each in result)
    if value.ndim == 0:
        return result.value
    with np.errstate(divide="ignore", invalid="ignore"):
        down, up = np.log(value / low) / Z90, np.log(high / value) / Z90
    chance = rng.standard_normal((draws, *(1,) * (value.ndim - 1)))
    width = np.nan_to_num(np.where(chance < 0.0, down, up), posinf=0.0)
    return value * np.exp(chance * width)


def _is_number(point: Results, name: str) -> bool:
    return not point.chosen[name].record.quantity.internal


def _each(
    sample: Callable[[int, np.random.Generator], Callable[..., Any]],
    call: Call,
    inputs: list[Any],
    is_drawn: list[bool],
    draws: int,
    rng: np.random.Generator,
) -> Any:
    """Sample an estimator whose inputs are drawn already: one sample for each draw of them.

    Its results have a leading axis of their own, so handing over drawn inputs at once would pair
    every draw with every other.
    """
    results = []
    for index in range(draws):
        now = [_at(x, index) if drawn else x for x, drawn in zip(inputs, is_drawn, strict=True)]
        result = sample(1, rng)(*now, **call.options)
        value = result.value if isinstance(result, Interval) else result
        results.append(np.asarray(value)[0])
    return np.stack(results)


def _at(value: Any, index: int) -> Any:
    """Return one of the draws of an input."""
    if isinstance(value, Interval):
        return Interval(*[_at(end, index) for end in value])
    return value[index] if isinstance(value, np.ndarray) else value


def _aligned(value: Any, draws: int, ndim: int, call: Call, *, sampled: bool) -> Any:
    """Return a drawn value with its draw axis in front of `ndim` others."""
    if call.record.quantity.internal and not isinstance(value, np.ndarray):
        return _leading(value, ndim) if sampled else value
    array = np.asarray(value, dtype=np.float64)
    if sampled and (array.ndim == 0 or array.shape[0] != draws):
        raise RegistrationError(
            f"estimator {call.record.name!r}: sample(n, rng) returned a callable whose results "
            f"have shape {array.shape}; a leading axis of n={draws} draws is wanted"
        )
    if array.ndim > ndim or array.ndim == 0 or not sampled:
        return array
    return array.reshape(draws, *(1,) * (ndim + 1 - array.ndim), *array.shape[1:])


def _leading(value: Any, ndim: int) -> Any:
    """Return an internal result whose arrays, a draw axis in front, got `ndim` dimensions behind.

    Each array in it, but for lone numbers, must carry the axis.
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return value.reshape(len(value), *(1,) * (ndim + 1 - value.ndim), *value.shape[1:])
    if isinstance(value, dict):
        return {key: _leading(each, ndim) for key, each in value.items()}
    if isinstance(value, tuple):
        parts = [_leading(each, ndim) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value


def quantiles(drawn: Array) -> tuple[Array, Array]:
    """Return the 5 % and 95 % quantiles along the leading axis; NaN where a draw is NaN.

    Examples
    --------
    >>> low, high = quantiles(np.linspace(0.0, 100.0, 101))
    >>> float(low), float(high)
    (5.0, 95.0)
    """
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    return low, high
