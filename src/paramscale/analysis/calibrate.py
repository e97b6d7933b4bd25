"""Estimators brought to the level of the user's own measurements.

Most of the error of a calibrated time is shared by all points of a machine, engine and model: a
level, and an error of each part of the time. A few measured points fix much of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import attrs
import numpy as np

from paramscale.analysis.estimate import estimate
from paramscale.analysis.posterior import SPLITS, Posterior, Shares, posterior
from paramscale.core.interval import Z90
from paramscale.core.record import Estimator, Interval
from paramscale.core.source import as_sources
from paramscale.errors import SpecError
from paramscale.typing import Floats

__all__ = ["Measurement", "calibrate"]


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


class _Compared(NamedTuple):
    """A measured point beside its estimate: logs of ratio and estimate, deviation, parts."""

    base: Estimator
    ratio: float
    log: float
    spread: float
    shares: Shares


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
    The log ratios of measured to estimated values are taken as a level, errors of the parts of the
    value and scatter, with variances in proportion to that of the base estimator's interval; a
    further value is conditioned on the points (:mod:`paramscale.analysis.posterior`). What is left
    is less where the point is like those that were measured. A base without an interval takes the
    mean ratio; its interval is that of the ratios themselves if there are at least three, else
    unknown.

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
    found: dict[str, list[_Compared]] = {}
    for point in (Measurement(*each) for each in points):
        found.setdefault(point.quantity, []).append(_compare(point, use))
    return {name: _calibrated(compared) for name, compared in found.items()}


def _compare(point: Measurement, use: Mapping[str, str | Estimator] | None) -> _Compared:
    """Return a point beside the estimate behind it."""
    if not point.value > 0 or not np.isfinite(point.value):
        raise SpecError(f"a measured {point.quantity} must be positive, not {point.value!r}")
    chosen = {name: how for name, how in (use or {}).items() if name == point.quantity}
    found = estimate(**point.scenario, quantities=[point.quantity], use=chosen)[point.quantity]
    if found.record is None or np.ndim(found.value) or not found.value > 0:
        raise SpecError(
            f"the scenario of a measured {point.quantity} must give one positive estimate,"
            f" not {found.value!r}; give a scenario of scalars"
        )
    spread = _spread(found) if found.has_interval else np.nan
    shares = {part: size / found.value for part, size in found.parts.items()}
    ratio = np.log(point.value / found.value)
    return _Compared(found.record, float(ratio), float(np.log(found.value)), float(spread), shares)


def _spread(found: Any) -> Floats:
    """Return the log deviation of an interval.

    The lower end of a loss added may lie below 0: then it is taken as far away as the upper.
    """
    low = np.maximum(found.low, found.value**2 / found.high)
    spread: Floats = np.log(found.high / low) / (2.0 * Z90)
    return spread


def _calibrated(compared: list[_Compared]) -> Estimator:
    """Return the base estimator as the points say; a bound stays one that nothing beats."""
    base = compared[-1].base
    ratios = np.array([each.ratio for each in compared])
    spreads = np.array([each.spread for each in compared])
    if np.isfinite(spreads).all():
        shares = tuple(each.shares for each in compared)
        split = SPLITS.get(base.quantity.name)
        if split is None:  # of times, all points of a system are about as sure
            return _made(base, posterior(ratios, float(spreads.mean()) ** 2, shares))
        logs = np.array([each.log for each in compared])
        return _made(base, posterior(ratios, spreads**2, shares, split, logs))
    level = ratios.mean()
    if base.kind == "bound":
        level = max(level, 0.0)
    scatter = ratios.std(ddof=1) * np.sqrt(1.0 + 1.0 / ratios.size) if ratios.size > 2 else np.nan
    return _made(base, (np.float64(level), np.float64(scatter)))


def _made(base: Estimator, after: Posterior | tuple[Floats, Floats]) -> Estimator:
    """Return an estimator with the inputs of the base and the log error of a posterior."""

    def calibrated(*inputs: Any, **options: Any) -> Interval:
        found = base.function(*inputs, **options)
        value: Floats = found.value if isinstance(found, Interval) else found
        if isinstance(after, Posterior):
            mean, deviation = _log_error(after, base, found, inputs)
        else:
            mean, deviation = after
        value = value * np.exp(mean)
        width = np.exp(Z90 * deviation)
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


def _log_error(
    after: Posterior, base: Estimator, found: Any, inputs: tuple[Any, ...]
) -> tuple[Floats, Floats]:
    """Return mean and deviation of the log error of an estimate."""
    if not isinstance(found, Interval) or after.split.reach == np.inf:
        value = found.value if isinstance(found, Interval) else found
        return after.log_error(_shares(base, value, inputs))
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = _shares(base, found.value, inputs)
        mean, deviation = after.log_error(shares, np.log(found.value), _spread(found) ** 2)
    done = found.value > 0.0  # nothing was done, nothing is added
    return np.where(done, mean, 0.0)[()], np.where(done, deviation, 0.0)[()]


def _shares(base: Estimator, value: Floats, inputs: tuple[Any, ...]) -> Shares:
    """Return the share of a value in each of its parts."""
    if base.parts is None or base.parts_signature is None:
        return {}
    given = dict(zip(base.signature.inputs, inputs, strict=True))
    parts = base.parts(*[given[name] for name in base.parts_signature.inputs])
    return {part: size / value for part, size in parts.items()}
