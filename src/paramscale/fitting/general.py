"""Fits of any other form of size and tokens, by SciPy from the coefficients of published laws."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from paramscale.errors import FitError
from paramscale.fitting.objective import Array
from paramscale.fitting.runs import Runs
from paramscale.fitting.solve import LossFunction
from paramscale.laws import Form, laws

__all__ = ["GeneralSolver"]

_LAD = 1e-6  # width of the parabola that stands for none


@attrs.frozen(eq=False)
class GeneralSolver:
    """A form, the runs, and how to fit it; unknowns are logarithms of the coefficients.

    Slower than the solver of the Chinchilla form by two orders, and without its search over
    exponents: it begins at every published law of the form, with the level moved to the runs.
    """

    runs: Runs
    form: Form
    loss_function: LossFunction = "huber"
    delta: float = 1e-3
    relative: bool = True

    def __attrs_post_init__(self) -> None:
        if not set(self.form.inputs) <= {"parameters", "tokens"}:
            raise FitError(
                f"the form {self.form.name!r} takes {', '.join(self.form.inputs)}; fit_law fits "
                "forms of parameters and tokens alone"
            )
        if len(np.unique(self.runs.weights)) > 1:
            raise FitError(
                f"the form {self.form.name!r} is fitted with equal weights; weights, focus and "
                "purpose='extrapolate' go with form='chinchilla'"
            )
        if len(self.runs) < len(self.form.coefficients):
            names = ", ".join(self.form.coefficients)
            raise FitError(
                f"there are {len(self.runs)} runs for the {len(self.form.coefficients)} "
                f"coefficients {names}: they do not determine all of them",
                coefficients=self.form.coefficients,
            )

    def best(self) -> Array:
        """Return the best coefficients over all starts."""
        found = [self._descend(start, np.arange(len(self.runs))) for start in self._starts()]
        best: Array = min(found, key=lambda each: self.measure(each)[0])
        return best

    def bootstrap(self, point: Array, counts: Array) -> Array:
        """Return the coefficients of each resample, begun at the point."""
        rows = [np.repeat(np.arange(len(self.runs)), row.astype(int)) for row in counts]
        return np.array([self._descend(point, row) for row in rows]).reshape(-1, len(point))

    def measure(self, point: Array) -> tuple[float, float]:
        """Return the objective, and the mean absolute residual of log loss."""
        miss = np.abs(self._residual(point, np.arange(len(self.runs))))
        inner = np.minimum(miss, self.delta)
        value = {"huber": inner * (miss - 0.5 * inner), "lad": miss, "ls": miss**2}
        scatter = miss if self.relative else miss / self.runs.loss
        return float(value[self.loss_function].sum()), float(scatter.mean())

    def _residual(self, point: Array, rows: Any) -> Array:
        runs, given = self.runs, dict(zip(self.form.coefficients, point, strict=True))
        inputs = {"parameters": runs.parameters[rows], "tokens": runs.tokens[rows]}
        named = {name: inputs[name] for name in self.form.required}
        with np.errstate(all="ignore"):
            law = np.asarray(self.form.function(**named, **given))
            found: Array = np.log(law / runs.loss[rows]) if self.relative else law - runs.loss[rows]
        return np.nan_to_num(found, nan=1e3, posinf=1e3, neginf=-1e3)

    def _descend(self, start: Array, rows: Any) -> Array:
        from scipy.optimize import least_squares  # type: ignore[import-untyped,unused-ignore]

        width = {"huber": self.delta, "lad": _LAD, "ls": 1.0}[self.loss_function]
        sign, begin = np.sign(start), np.log(np.abs(start))
        found = least_squares(
            lambda x: self._residual(sign * np.exp(np.clip(x, -700, 700)), rows),
            begin, loss="linear" if self.loss_function == "ls" else "huber", f_scale=width,
            x_scale="jac", ftol=1e-14, xtol=1e-14, gtol=1e-14, max_nfev=2000,
        )  # fmt: skip
        best: Array = sign * np.exp(found.x)
        return best

    def _starts(self) -> list[Array]:
        names = self.form.coefficients
        same = [law for law in laws.values() if law.form.name == self.form.name]
        if not same:
            raise FitError(
                f"no published law has the form {self.form.name!r} to begin from, so it cannot be "
                "fitted"
            )
        return [np.array([law.coefficients[name] for name in names]) for law in same]
