"""`fit_law`: from runs to a law with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs
import numpy as np

from paramscale.errors import FitError
from paramscale.fitting.fitted import FittedLaw, domain_of
from paramscale.fitting.general import GeneralSolver
from paramscale.fitting.identify import check, sound_draws, sound_point
from paramscale.fitting.objective import Array
from paramscale.fitting.options import refuse, refuse_numbers
from paramscale.fitting.prior import PriorLike, as_prior
from paramscale.fitting.resample import resample_counts, residual_scale
from paramscale.fitting.runs import Runs, as_runs
from paramscale.fitting.select import focused, near_best
from paramscale.fitting.solve import LossFunction, Solver
from paramscale.laws import Form, form_named
from paramscale.typing import FloatsLike

__all__ = ["fit_law"]

#: What ``purpose="extrapolate"`` stands for; by rolling extrapolation, see docs/fitting.md.
_FAR: Mapping[str, float] = {"near": 0.025, "focus": 2.0}


def fit_law(
    parameters: FloatsLike,
    tokens: FloatsLike,
    loss: FloatsLike,
    *,
    form: str = "chinchilla",
    loss_function: LossFunction = "huber",
    delta: float = 1e-3,
    residual: Literal["log", "loss"] | None = None,
    weights: FloatsLike | None = None,
    purpose: Literal["describe", "extrapolate"] = "describe",
    prior: PriorLike = None,
    near: float | None = None,
    focus: float | None = None,
    draws: int = 0,
    seed: int = 0,
    resamples: FloatsLike | None = None,
    name: str = "fitted",
) -> FittedLaw:
    """Return the law of the form that fits the runs best.

    For fixed exponents the law is linear in E, A and B: a grid of exponents gives starts, Newton's
    method with the exact Hessian polishes them and all bootstraps together.

    Parameters
    ----------
    parameters, tokens, loss : array
        One run an element: size, tokens trained on, final loss [nats per token].
    form : str
        The functional form: ``"chinchilla"``, ``L = E + A/N^alpha + B/D^beta``. Other forms of
        size and tokens (``"kaplan_joint"``, ``"powered_chinchilla"``, ...) are fitted by SciPy
        from the coefficients of published laws, with equal weights and without a prior.
    loss_function : {"huber", "lad", "ls"}
        What of the residuals is summed: Huber's function, absolute values, squares. Published
        "Huber" fits may be either of the first two: see the page on fitting.
    delta : float
        Where Huber's function turns from a parabola to a line.
    residual : {"log", "loss"}, optional
        Residuals of log loss, or of loss [nats]; ``"loss"`` for least squares, else ``"log"``.
    weights : array, optional
        Weight of each run.
    purpose : {"describe", "extrapolate"}
        ``"extrapolate"`` sets `prior`, `near` and `focus`, where you do not, to what predicted
        8 to 25 times more compute well on eleven published data sets.
    prior : "published" or mapping, optional
        Pulls E, alpha and beta towards a mean: ``{"alpha": (0.3, 0.1)}``.
    near : float, optional
        Only runs whose loss is within this fraction of the best at about the same compute.
    focus : float, optional
        Weights fall as ``(C/C_max)^(1/focus)``: the largest runs say most about larger ones.
    draws : int
        Number of bootstrap refits; needed for intervals.
    seed : int
        Of the bootstrap.
    resamples : array of int, (draws, runs), optional
        Indices of the runs in each resample, to repeat a published bootstrap.
    name : str
        What to call it.

    Returns
    -------
    FittedLaw

    Raises
    ------
    FitError
        For numbers that are no losses, and runs that leave a coefficient open.

    Warns
    -----
    IdentifiabilityWarning
        Where the runs hardly determine a coefficient, or only the prior does.

    References
    ----------
    .. [1] J. Hoffmann et al. 2022, arXiv:2203.15556, section 3.3 and equation 2 (form, Huber's
       function with delta 1e-3 on log loss).
    .. [2] T. Besiroglu et al. 2024, arXiv:2404.10102 (data, bootstrap); results are checked
       against theirs.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> sizes, data = np.meshgrid(np.geomspace(1e8, 1e10, 6), np.geomspace(1e9, 1e11, 6))
    >>> truth = 1.8 + 480 / sizes**0.35 + 2000 / data**0.37
    >>> fit = fit_law(sizes, data, truth * np.exp(0.002 * rng.standard_normal((6, 6))), draws=100)
    >>> bool(abs(fit.coefficients["alpha"] - 0.35) < 3 * fit.standard_errors["alpha"])
    True
    """
    if purpose not in ("describe", "extrapolate"):
        raise FitError(f"purpose is {purpose!r}; allowed are 'describe' and 'extrapolate'")
    if purpose == "extrapolate":
        prior = "published" if prior is None else prior
        near = _FAR["near"] if near is None else near
        focus = _FAR["focus"] if focus is None else focus
    refuse(loss_function, residual, form, prior)
    refuse_numbers(delta=delta, near=near, focus=focus, draws=draws)
    given = as_runs(parameters, tokens, loss, weights)
    runs = _chosen(given, near, focus)
    relative = (residual or ("loss" if loss_function == "ls" else "log")) == "log"
    rng = np.random.default_rng(seed)
    if form != "chinchilla":
        smooth = GeneralSolver(runs, form_named(form), loss_function, float(delta), relative)
        counts = resample_counts(resamples, len(given), len(runs), int(draws), rng, whole=True)
        return _general(smooth, counts, name)
    problems = check(runs, has_prior=prior is not None)
    centre = as_prior(prior, float(runs.loss.min()))
    solver = Solver(runs, loss_function, float(delta), relative, centre)
    counts = resample_counts(resamples, len(given), len(runs), int(draws), rng)
    open_names = [each for problem in problems for each in problem.coefficients]
    return _fitted(solver, form_named(form), counts, rng, name, open_names)


def _chosen(given: Runs, near: float | None, focus: float | None) -> Runs:
    """Return the runs that are fitted, with their weights."""
    keep = given.weights > 0.0
    if near is not None:
        keep = keep & near_best(given, near)
    runs = given.of(keep)
    return runs if focus is None else attrs.evolve(runs, weights=focused(runs, focus))


def _fitted(
    solver: Solver,
    form: Form,
    counts: Array,
    rng: np.random.Generator,
    name: str,
    open_names: list[str],
) -> FittedLaw:
    """Return the best fit of a solver and its bootstraps."""
    runs, fitted = solver.runs, 5 if solver.prior is None else 3
    point = solver.best()
    best = solver.coefficients(point[None])[0]
    at_edge = sound_point(form.coefficients, best, float(runs.loss.min()))
    objective, scatter = solver.measure(point)
    return FittedLaw(
        form=form,
        coefficients={n: float(v) for n, v in zip(form.coefficients, best, strict=True)},
        draws=sound_draws(solver.coefficients(solver.bootstrap(point, counts, rng))),
        objective=objective,
        residual_scale=residual_scale(scatter, len(runs), fitted),
        domain=domain_of(runs),
        runs=runs,
        loss_function=solver.loss_function,
        name=name,
        open_coefficients=tuple(dict.fromkeys([*open_names, *at_edge])),
    )


def _general(solver: GeneralSolver, counts: Array, name: str) -> FittedLaw:
    """Return the best fit of another form."""
    point, names = solver.best(), solver.form.coefficients
    objective, scatter = solver.measure(point)
    return FittedLaw(
        form=solver.form,
        coefficients={each: float(value) for each, value in zip(names, point, strict=True)},
        draws=sound_draws(solver.bootstrap(point, counts)),
        objective=objective,
        residual_scale=residual_scale(scatter, len(solver.runs), len(names)),
        domain=domain_of(solver.runs),
        runs=solver.runs,
        loss_function=solver.loss_function,
        name=name,
    )
