"""Fit a floor, a size term and a data term to runs: the best of several starts, and bootstraps."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
import numpy as np

from paramscale.errors import FitError
from paramscale.fitting.lad import to_vertex
from paramscale.fitting.newton import minimise
from paramscale.fitting.objective import Array, Objective
from paramscale.fitting.prior import Prior
from paramscale.fitting.runs import Runs
from paramscale.fitting.starts import starts

__all__ = ["LossFunction", "Solver"]

LossFunction: TypeAlias = Literal["huber", "lad", "ls"]

# The least-absolute-deviation fit is the limit of Huber fits; below 1e-9 nothing moves any more.
_CONTINUED = 10.0 ** -np.arange(3.0, 10.0)
_LOW, _NONE = 0.3, 1e-7  # floors as shares of the lowest loss


@attrs.frozen(eq=False)
class Solver:
    """One set of runs and how to fit it; unknowns are ``(log E, a, alpha, b, beta)``, centred.

    ``a`` and ``b`` are the logarithms of the two terms at the geometric mean of sizes and of data:
    centring lowers the condition of the Hessian from thousands to tens.
    """

    runs: Runs
    loss_function: LossFunction = "huber"
    delta: float = 1e-3
    relative: bool = True
    prior: Prior | None = None
    centre: Array = attrs.field(init=False)
    inputs: Array = attrs.field(init=False)

    @centre.default
    def _centre(self) -> Array:
        return np.array([np.log(self.runs.parameters).mean(), np.log(self.runs.tokens).mean()])

    @inputs.default
    def _inputs(self) -> Array:
        return np.log([self.runs.parameters, self.runs.tokens]) - self.centre[:, None]

    def objective(self, delta: float) -> Objective:
        """Return the objective with one width of the parabola."""
        unit = 1.0 if self.relative else float(np.median(self.runs.loss))
        pull = None if self.prior is None else self.prior.pull(delta, unit)
        return Objective(self.inputs, np.log(self.runs.loss), delta, self.relative, pull)

    def minimise(
        self, begin: Array, weights: Array, towards: Array | None = None
    ) -> tuple[Array, Array]:
        """Return minima and values of the objective for each row of starts."""
        if towards is None and self.prior is not None:
            towards = self.prior.mean[None]
        if self.loss_function == "huber":
            return minimise(self.objective(self.delta), begin, weights, towards)
        if self.loss_function == "ls":
            return minimise(self.objective(np.inf), begin, weights, towards)
        for delta in _CONTINUED:
            begin, values = minimise(self.objective(float(delta)), begin, weights, towards)
            values = values / delta
        if self.prior is None:
            begin = to_vertex(self.objective(np.inf), begin, weights)
            values = (weights * np.abs(self.objective(np.inf).residual(begin))).sum(axis=1)
        return begin, values

    def best(self) -> Array:
        """Return the best minimum (5,) over all starts.

        Raises
        ------
        FitError
            If no start leads to a finite objective.
        """
        runs = self.runs
        begin = starts(self.inputs, runs.loss, runs.weights, relative=self.relative)
        if self.prior is not None:
            begin = np.vstack([begin, self._from_prior(begin[0])])
        found, values = self.minimise(begin, runs.weights[None])
        if not np.isfinite(values).any():
            raise FitError(
                "no start led to a finite objective; look for losses that do not belong together"
            )
        best: Array = found[np.nanargmin(values)]
        return best if np.exp(best[0]) > _LOW * runs.loss.min() else self._without_floor(best)

    def _without_floor(self, best: Array) -> Array:
        """Return the better of a minimum with a low floor and the one next to it with none.

        The valley towards E = 0 is flat and has many kinks that hold Newton's method up.
        """
        begin = np.stack([best, best])
        begin[1, 0] = np.log(_NONE * self.runs.loss.min())
        found, values = self.minimise(begin, self.runs.weights[None])
        lower: Array = found[np.nanargmin(values)]
        return lower

    def _from_prior(self, other: Array) -> Array:
        """Return a start at the centre of the prior; what it leaves open is a tenth of the loss."""
        assert self.prior is not None
        given = np.isfinite(self.prior.spread)
        begin = np.where(given, self.prior.mean, other)
        begin[[1, 3]] = np.log(0.2 * self.runs.loss.min())
        return begin

    def bootstrap(self, point: Array, counts: Array, rng: np.random.Generator) -> Array:
        """Return a fit (rows, 5) for each row of resampling counts, begun at the point."""
        towards = None if self.prior is None else self.prior.draw(len(counts), rng)
        begin = np.repeat(point[None], len(counts), axis=0)
        found, _ = self.minimise(begin, counts * self.runs.weights, towards)
        return found

    def measure(self, point: Array) -> tuple[float, float]:
        """Return the objective without the prior, and the mean absolute residual of log loss.

        The objective is Σ huber(r), Σ |r|, or Σ r².
        """
        weights = self.runs.weights
        residual = self.objective(np.inf).residual(point[None])[0]
        psi = np.clip(residual, -self.delta, self.delta)
        value = {
            "huber": psi * (residual - 0.5 * psi),
            "lad": np.abs(residual),
            "ls": residual**2,
        }[self.loss_function]
        relative = residual if self.relative else np.log1p(residual / self.runs.loss)
        scatter = np.average(np.abs(relative), weights=weights)
        return float(weights @ value), float(scatter)

    def coefficients(self, theta: Array) -> Array:
        """Return E, A, alpha, B, beta (rows, 5) of unknowns (rows, 5)."""
        e, a, alpha, b, beta = theta.T
        with np.errstate(over="ignore"):
            scales = np.exp([e, a + alpha * self.centre[0], b + beta * self.centre[1]])
        return np.stack([scales[0], scales[1], alpha, scales[2], beta], axis=1)
