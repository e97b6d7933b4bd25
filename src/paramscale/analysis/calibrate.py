"""Estimators brought to the level of the user's own measurements.

Most of the error of a calibrated time is a level that a machine, engine and model share, and not
the shape over batch, length or size. A few measured points fix the level; the shape stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import attrs
import numpy as np

from paramscale.analysis.estimate import estimate
from paramscale.core.record import Estimator, Interval
from paramscale.core.source import as_sources
from paramscale.errors import SpecError
from paramscale.typing import Floats

__all__ = ["Measurement", "calibrate"]

_Z90 = 1.6448536269514722  # half width of a 90 % interval in standard deviations

#: Share of the variance of log errors that is a common level. One measured point for each model,
#: engine, machine and precision brought the median error of serving times from 18 % to 8 % (1,382
#: published rows of serving measurements): 1 - share^2 = (8 / 18)^2.
LEVEL_SHARE = float(np.sqrt(1.0 - (8.0 / 18.0) ** 2))


class Measurement(NamedTuple):
    """One measured value.

    Attributes
    ----------
    scenario : mapping
        What ``estimate`` takes: ``{"model": ..., "hardware": ..., "serving": ...}``.
    quantity : str
        What was measured.
    value : float
        In the quantity's unit.
    """

    scenario: Mapping[str, Any]
    quantity: str
    value: float


class _Level(NamedTuple):
    """Log of the factor from estimate to measurement: its mean and the scatter that remains."""

    mean: float
    scatter: float


def calibrate(
    points: Iterable[Measurement | tuple[Mapping[str, Any], str, float]],
    *,
    use: Mapping[str, str | Estimator] | None = None,
) -> dict[str, Estimator]:
    """Return estimators that agree in level with measured points, one for each quantity measured.

    Parameters
    ----------
    points : iterable of (scenario, quantity, value)
        Measurements on the system that is asked about later.
    use : mapping, optional
        The estimators to start from; the usual ones unless given.

    Returns
    -------
    dict of str to Estimator
        Hand it over as ``use=`` of ``estimate``.

    Notes
    -----
    The log ratios r of measured to estimated values are taken as level + scatter. With the variance
    s^2 of the base estimator's interval and the share w of it that is a level, the level after n
    points has the mean sum(r) w / (n w + 1 - w), and the variance of a further value is
    s^2 (1 - w) (1 + w / (n w + 1 - w)). A base without an interval takes the mean ratio; its
    interval is that of the ratios themselves if there are at least three, else unknown.

    Raises
    ------
    SpecError
        A value is not positive, or the scenario of a point gives no estimate.

    Examples
    --------
    >>> import paramscale as ps
    >>> here = {"model": "llama-3.1-8b", "hardware": ps.HardwareSpec(
    ...     bf16_flops_per_s=2e14, memory_bandwidth_bytes_per_s=1e12)}
    >>> mine = calibrate([(here, "tpot_s", 0.022)], use={"tpot_s": "decode_roofline"})
    >>> longer = ps.ServingSpec(prompt_tokens=32_000)
    >>> float(ps.estimate(**here, serving=longer, use=mine)["tpot_s"].value.round(4))
    0.0276
    """
    ratios: dict[str, list[float]] = {}
    bases: dict[str, Estimator] = {}
    spreads: dict[str, list[float]] = {}
    for point in (Measurement(*each) for each in points):
        base, ratio, spread = _compare(point, use)
        ratios.setdefault(point.quantity, []).append(ratio)
        spreads.setdefault(point.quantity, []).append(spread)
        bases[point.quantity] = base
    return {
        name: _leveled(bases[name], _level(np.array(ratios[name]), float(np.mean(spreads[name]))))
        for name in ratios
    }


def _compare(
    point: Measurement, use: Mapping[str, str | Estimator] | None
) -> tuple[Estimator, float, float]:
    """Return the estimator behind a point, the log ratio, and the base's own log scatter."""
    if not point.value > 0 or not np.isfinite(point.value):
        raise SpecError(f"a measured {point.quantity} must be positive, not {point.value!r}")
    chosen = {name: how for name, how in (use or {}).items() if name == point.quantity}
    found = estimate(**point.scenario, quantities=[point.quantity], use=chosen)[point.quantity]
    if found.record is None or np.ndim(found.value) or not found.value > 0:
        raise SpecError(
            f"the scenario of a measured {point.quantity} must give one positive estimate,"
            f" not {found.value!r}; give a scenario of scalars"
        )
    spread = np.log(found.high / found.low) / (2.0 * _Z90) if found.has_interval else np.nan
    return found.record, float(np.log(point.value / found.value)), float(spread)


def _level(ratios: Any, spread: float) -> _Level:
    """Return the level after some points, and the scatter of a further value."""
    n, share = ratios.size, LEVEL_SHARE
    if np.isfinite(spread):
        weight = share / (n * share + 1.0 - share)
        scatter = spread * np.sqrt((1.0 - share) * (1.0 + weight))
        return _Level(float(ratios.sum() * weight), float(scatter))
    scatter = ratios.std(ddof=1) * np.sqrt(1.0 + 1.0 / n) if n >= 3 else np.nan
    return _Level(float(ratios.mean()), float(scatter))


def _leveled(base: Estimator, level: _Level) -> Estimator:
    """Return the base estimator times the level; a bound stays one that nothing beats."""
    factor = np.exp(max(level.mean, 0.0) if base.kind == "bound" else level.mean)
    width = np.exp(_Z90 * level.scatter)

    def calibrated(*inputs: Any, **options: Any) -> Interval:
        found = base.function(*inputs, **options)
        value: Floats = (found.value if isinstance(found, Interval) else found) * factor
        return Interval(value, value / width, value * width)

    calibrated.__doc__ = f"{base.summary} At the level of the caller's own measurements."
    sources = as_sources("the caller's own measurements", f"estimator {base.name!r}")
    return attrs.evolve(
        base,
        name=f"{base.name}, calibrated",
        function=calibrated,
        kind="calibrated",
        sources=(*base.sources, *sources),
        parts=None,
        parts_signature=None,
    )
