"""How far laws of these runs carry: fits to the small runs, scored on the large."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any

import attrs
import numpy as np

from paramscale.errors import FitError, IdentifiabilityWarning
from paramscale.fitting.fit import fit_law
from paramscale.fitting.objective import Array
from paramscale.fitting.runs import Runs, as_runs
from paramscale.fitting.select import excess
from paramscale.typing import Booleans, FloatsLike

__all__ = ["Audit", "audit", "by_compute"]

_LEAST_RUNS = 8
_LEAST_SPAN = 8.0  # of the compute that is fitted: one budget says nothing about the next
_COLUMNS = ("parameters", "tokens", "loss", "predicted", "low", "high", "cut", "factor")


@attrs.frozen(eq=False)
class Audit:
    """Predictions of held-out runs, one an element of each array; made by `audit`.

    Attributes
    ----------
    parameters, tokens, loss : array
        The run that was held out.
    predicted, low, high : array
        What a law of the other runs said of it, with its 90 % interval [nats per token].
    cut : array
        For a rolling origin the largest compute that was fitted [FLOPs]; for a size left out, it.
    factor : array
        Compute of the run over the largest compute fitted.
    skipped : tuple of str
        Cuts that could not be fitted, and why.
    """

    parameters: Array
    tokens: Array
    loss: Array
    predicted: Array
    low: Array
    high: Array
    cut: Array
    factor: Array
    skipped: tuple[str, ...] = ()

    @property
    def error(self) -> Array:
        """Signed relative error, predicted over measured − 1."""
        return self.predicted / self.loss - 1.0

    @property
    def covered(self) -> Booleans:
        """Whether the measured loss lies in the interval."""
        inside: Booleans = (self.low <= self.loss) & (self.loss <= self.high)
        return inside

    def between(self, low: float, high: float) -> Audit:
        """Return the part whose compute is `low` to `high` times the largest fitted."""
        held = (self.factor >= low) & (self.factor <= high)
        return attrs.evolve(self, **{name: getattr(self, name)[held] for name in _COLUMNS})

    def summary(self, edges: FloatsLike = (1, 2, 4, 8, 16, 32, 64)) -> list[dict[str, float]]:
        """Return `score` and the number of runs in each range of `factor`, one row a range."""
        marks = [float(each) for each in np.ravel(np.asarray(edges))]
        rows = []
        for low, high in pairwise(marks):
            part = self.between(low, float(np.nextafter(high, 0.0)))
            if len(part.loss):
                row = {"factor_low": low, "factor_high": high, "runs": float(len(part.loss))}
                rows.append({**row, **part.score()})
        return rows

    def score(self) -> dict[str, float]:
        """Return median absolute error, mean signed error (fractions), coverage of 90 %."""
        if not len(self.loss):
            return {"median_ape": np.nan, "bias": np.nan, "coverage": np.nan}
        return {
            "median_ape": float(np.median(np.abs(self.error))),
            "bias": float(self.error.mean()),
            "coverage": float(np.mean(self.covered)),
        }

    def __repr__(self) -> str:
        lines = ["compute beyond fit   runs   median |error|   mean error   covered"]
        for row in self.summary():
            lines.append(
                f"{row['factor_low']:6.3g} to {row['factor_high']:<6.3g} {row['runs']:9.0f} "
                f"{100 * row['median_ape']:13.2f} % {100 * row['bias']:+10.2f} % "
                f"{100 * row['coverage']:7.0f} %"
            )
        return "\n".join(lines)


def audit(
    parameters: FloatsLike,
    tokens: FloatsLike,
    loss: FloatsLike,
    *,
    by: str = "compute",
    cuts: int = 8,
    near: float | None = 0.03,
    draws: int = 100,
    seed: int = 0,
    **options: Any,
) -> Audit:
    """Return what laws of a part of the runs say of the rest: the honest error of extrapolation.

    Parameters
    ----------
    parameters, tokens, loss : array
        One run an element.
    by : {"compute", "size"}
        ``"compute"``: fit all runs up to a compute, predict all beyond, for several cuts (rolling
        origin). ``"size"``: leave each size out in turn.
    cuts : int
        Number of cuts in compute, even in its logarithm.
    near : float, optional
        Score only runs whose loss is within this fraction of the best at about the same compute;
        None scores all. (Those that are fitted follow `options`.)
    draws, seed, **options
        For `fit_law`; ``purpose="extrapolate"`` unless given.

    Raises
    ------
    FitError
        If no cut could be fitted; with the reasons.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> sizes, data = np.meshgrid(np.geomspace(1e8, 1e10, 7), np.geomspace(1e9, 1e12, 7))
    >>> noise = np.random.default_rng(0).standard_normal(sizes.shape)
    >>> found = audit(sizes, data, laws["besiroglu2024"](sizes, data) * np.exp(0.002 * noise))
    >>> bool(np.median(np.abs(found.between(8, 25).error)) < 0.03)
    True
    """
    runs = as_runs(parameters, tokens, loss)
    if by not in ("compute", "size"):
        raise FitError(f"by is {by!r}; allowed are 'compute' and 'size'")
    options = {"purpose": "extrapolate", "draws": draws, "seed": seed, **options}
    scored = np.ones(len(runs), dtype=np.bool_) if near is None else excess(runs) <= np.log1p(near)
    splits = by_compute(runs, cuts) if by == "compute" else _by_size(runs)
    parts, skipped = [], []
    for cut, fitted in splits:
        held = scored & ~fitted
        if not held.any():
            continue
        try:
            parts.append(_predict(runs, fitted, held, cut, options))
        except FitError as problem:
            skipped.append(f"{by} {cut:.3g}: {problem}")
    if not parts:
        why = "; ".join(skipped) or f"{len(runs)} runs are too few"
        raise FitError(f"nothing could be held out and predicted: {why}")
    columns = dict(zip(_COLUMNS, np.concatenate(parts, axis=1), strict=True))
    return Audit(**columns, skipped=tuple(skipped))


def by_compute(runs: Runs, cuts: int) -> list[tuple[float, Booleans]]:
    """Return distinct cuts with the mask of runs up to each; those fitted span a factor of 8."""
    ordered = np.sort(runs.flops)
    if len(ordered) <= _LEAST_RUNS:
        return []
    first = max(ordered[_LEAST_RUNS - 1], ordered[0] * _LEAST_SPAN) * 1.0001
    if first >= ordered[-1]:
        return []
    marks = np.geomspace(first, ordered[-2] * 1.0001, cuts)
    masks = {int((runs.flops <= mark).sum()): runs.flops <= mark for mark in marks}
    return [(float(runs.flops[mask].max()), mask) for mask in masks.values()]


def _by_size(runs: Runs) -> list[tuple[float, Booleans]]:
    return [(float(size), runs.parameters != size) for size in np.unique(runs.parameters)]


def _predict(
    runs: Runs, fitted: Booleans, held: Booleans, cut: float, options: dict[str, Any]
) -> Array:
    """Return the columns of one cut, (columns, runs held out)."""
    part, rest = runs.of(fitted), runs.of(held)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IdentifiabilityWarning)
        law = fit_law(part.parameters, part.tokens, part.loss, **options)
    value, low, high = law.predict(rest.parameters, rest.tokens)
    size = np.ones(len(rest))
    factor = rest.flops / part.flops.max()
    return np.stack(
        [rest.parameters, rest.tokens, rest.loss, size * value, size * low, size * high,
         size * cut, factor]
    )  # fmt: skip
