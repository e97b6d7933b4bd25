"""The fit: Student-t scatter, weak priors, offsets of families as random effects.

A plain hierarchical least-squares fit by damped Gauss-Newton steps, each followed by new weights
of the scatter; covariance of the offsets and scatter by expectation-maximisation.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from accuracy_rows import CHANCE, Rows
from paramscale.laws.accuracy import YEAR, YEAR_HIGH, YEAR_LOW, AccuracyFit, code_share

Array = np.ndarray[Any, Any]
ROUNDS, STEPS = 12, 3


@attrs.define(eq=False)
class State:
    """Where the fit stands: coefficients, offsets of families, scatter, covariance."""

    point: Array
    offsets: Array
    scatter: Array
    covariance: Array


@attrs.frozen(eq=False)
class Problem:
    """Rows as the fit sees them."""

    size: Array
    data: Array
    year: Array
    code: Array
    report: Array
    which: Array
    family: Array
    families: Array
    weight: Array
    score: Array
    chance: Array

    @classmethod
    def of(cls, rows: Rows, balance: float) -> Problem:
        """Return the problem; a family of n models weighs n^(1 - balance)."""
        families, family = np.unique(rows.family, return_inverse=True)
        members = np.array([len(set(rows.model[family == f])) for f in range(len(families))])
        weight = members[family].astype(float) ** -balance
        short = [name.removesuffix("_fraction") for name in rows.names]
        return cls(
            size=0.5 * np.log(rows.parameters * rows.active) - np.log(1e9),
            data=np.log(rows.tokens) - np.log(1e12),
            year=np.clip(rows.year, YEAR_LOW, YEAR_HIGH) - YEAR,
            code=code_share(rows.code),
            report=rows.report * (rows.benchmark == short.index("gsm8k")),
            which=rows.benchmark, family=family, families=families,
            weight=weight / weight.mean(), score=rows.score,
            chance=np.array([CHANCE[name] for name in short]),
        )  # fmt: skip


def curve(problem: Problem, point: Array, offset: Array) -> tuple[Array, Array, Array]:
    """Return accuracies, their derivatives by the coefficients, and by z."""
    count, which = len(problem.chance), problem.which
    slope, middle, year, ceiling, code = point[3:-1].reshape(5, count)
    a, b, w = np.exp(point[0]), np.exp(point[1]), 1.0 / (1.0 + np.exp(-point[2]))
    of_size = np.log(w) - a * problem.size
    total = np.logaddexp(of_size, np.log(1.0 - w) - b * problem.data)
    part = np.exp(of_size - total)
    k, far = np.exp(slope)[which], -total - middle[which]
    z = k * far + year[which] * problem.year + code[which] * problem.code + offset
    z = z + point[-1] * problem.report
    share = 1.0 / (1.0 + np.exp(-z))
    room = ceiling[which] - problem.chance[which]
    by_z = room * share * (1.0 - share)
    jacobian, row = np.zeros((len(z), len(point))), np.arange(len(z))
    jacobian[:, 0] = by_z * k * part * a * problem.size
    jacobian[:, 1] = by_z * k * (1.0 - part) * b * problem.data
    jacobian[:, 2] = -by_z * k * (part * (1.0 - w) - (1.0 - part) * w)
    derivatives = (by_z * k * far, -by_z * k, by_z * problem.year, share, by_z * problem.code)
    for group, derivative in enumerate(derivatives):
        jacobian[row, 3 + group * count + which] = derivative
    jacobian[:, -1] = by_z * problem.report
    return problem.chance[which] + room * share, jacobian, by_z


def priors(count: int) -> tuple[Array, Array]:
    """Return means and standard deviations of the coefficients: weak, but for the ceilings.

    Exponents are near 0.35 as those of loss (Besiroglu et al. 2024, arXiv:2404.10102), which the
    scale of S would else leave open; ceilings near 0.88: higher ones over-predict large models.
    """
    mean = [np.log(0.35), np.log(0.35), 0.0]
    deviation = [0.35, 0.35, 2.0]
    for centre, spread in ((np.log(2.5), 1.0), (0.0, 3.0), (0.2, 0.4), (0.88, 0.02), (0.0, 2.0)):
        mean += [centre] * count
        deviation += [spread] * count
    return np.array([*mean, 0.0]), np.array([*deviation, 0.5])


def fit(rows: Rows, *, offsets: bool, freedom: float, balance: float) -> tuple[State, Problem]:
    """Return the fit, with offsets of families or (across families) without."""
    problem = Problem.of(rows, balance)
    count = len(problem.chance)
    mean, deviation = priors(count)
    state = State(
        mean.copy(), np.zeros((len(problem.families), count)), np.full(count, 0.05),
        0.36 * np.eye(count),
    )  # fmt: skip
    for turn in range(ROUNDS):
        for _ in range(STEPS * (1 + (turn == 0))):
            _step(problem, state, mean, deviation, freedom, offsets)
        _variances(problem, state, freedom, offsets)
    return state, problem


def _weights(problem: Problem, state: State, freedom: float) -> tuple[Array, Array, Array, Array]:
    offset = state.offsets[problem.family, problem.which]
    accuracy, jacobian, by_z = curve(problem, state.point, offset)
    miss, variance = problem.score - accuracy, state.scatter[problem.which] ** 2
    weight = (freedom + 1.0) / (freedom + miss**2 / variance) / variance
    return miss, jacobian, by_z, problem.weight * weight


def _step(
    problem: Problem, state: State, mean: Array, deviation: Array, freedom: float, offsets: bool
) -> None:
    """Move to the minimum of the damped quadratic model, limited to half a unit."""
    miss, jacobian, by_z, weight = _weights(problem, state, freedom)
    size, count = len(mean), len(problem.chance)
    total = size + state.offsets.size * offsets
    matrix, slope = np.zeros((total, total)), np.zeros(total)
    matrix[:size, :size] = (jacobian.T * weight) @ jacobian + np.diag(deviation**-2)
    slope[:size] = jacobian.T @ (weight * miss) - (state.point - mean) / deviation**2
    if offsets:
        place = size + problem.family * count + problem.which
        precision = np.linalg.inv(state.covariance)
        matrix[size:, size:] = np.kron(np.eye(len(problem.families)), precision)
        slope[size:] = -(state.offsets @ precision).ravel()
        np.add.at(matrix, (place, place), weight * by_z**2)
        np.add.at(slope, place, weight * by_z * miss)
        cross = np.zeros((total - size, size))
        np.add.at(cross, place - size, (weight * by_z)[:, None] * jacobian)
        matrix[size:, :size], matrix[:size, size:] = cross, cross.T
    step = np.linalg.solve(matrix + 0.02 * np.diag(np.diag(matrix)), slope).clip(-0.5, 0.5)
    state.point = state.point + step[:size]
    ceilings = slice(3 + 3 * count, 3 + 4 * count)
    state.point[ceilings] = state.point[ceilings].clip(0.6, 0.99)
    years = slice(3 + 2 * count, 3 + 3 * count)
    state.point[years] = state.point[years].clip(0.0)  # recipes are not unlearnt
    if offsets:
        state.offsets = state.offsets + step[size:].reshape(state.offsets.shape)


def _variances(problem: Problem, state: State, freedom: float, offsets: bool) -> None:
    """Renew the covariance of the offsets and the scatter of each benchmark."""
    miss, _, by_z, weight = _weights(problem, state, freedom)
    count, lever = len(problem.chance), np.zeros(len(miss))
    if offsets:
        precision, total = np.linalg.inv(state.covariance), 6.0 * 0.36 * np.eye(count)
        for family, offset in enumerate(state.offsets):
            mask = problem.family == family
            held = precision.copy()
            spot = problem.which[mask]
            np.add.at(held, (spot, spot), (weight * by_z**2)[mask])
            left = np.linalg.inv(held)
            total += np.outer(offset, offset) + left
            lever[mask] = (weight * by_z**2)[mask] * left[spot, spot]
        state.covariance = total / (len(state.offsets) + 6.0)
    for which in range(count):
        mask = problem.which == which
        free = max(mask.sum() - lever[mask].sum() - 3.0, 0.2 * mask.sum())
        squares = (weight * miss**2)[mask].sum() * state.scatter[which] ** 2
        state.scatter[which] = max(np.sqrt(squares / free), 0.012)


def as_fit(point: Array, count: int) -> AccuracyFit:
    """Return the coefficients as the library holds them."""
    slope, middle, year, ceiling, code = point[3:-1].reshape(5, count)
    return AccuracyFit(
        a=float(np.exp(point[0])), b=float(np.exp(point[1])),
        w=float(1.0 / (1.0 + np.exp(-point[2]))), slope=np.exp(slope), midpoint=middle,
        year=year, code=code, ceiling=ceiling,
    )  # fmt: skip
