"""The linear model behind the laws of compression: columns with priors, and a robust fit."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from paramscale.laws.compression import (
    LARGE,
    NOISE,
    PARAMETERS,
    SLACK,
    TOKENS,
    format_kinds,
    learnt,
)
from paramscale.laws.noise import coded_noise, pattern_noise, rounding_noise
from paramscale.specs.changes import Pruning
from paramscale.validation.compression_rows import Compressed

Array = np.ndarray[Any, Any]

#: A row of 4096 weights, where a scale is kept a row, or where nobody says.
ROW = 4096.0
#: Exponents of tokens and size of Ouyang et al. 2024 (arXiv:2411.17691): D^0.5251 N^-0.2261.
PUBLISHED_DATA, PUBLISHED_SIZE = 0.5251, -0.2261
#: What is believed of kinds of formats before: those of one scale lose 2.9 times 4^-bits, and a
#: minimum beside it wins nothing for its half bit; lattices (IQ) gain.
KINDS = {"kind:legacy": 0.3, "kind:legacy_minimum": 0.3, "kind:iq": -0.1, "kind:small": 0.1}
#: Differences below this [nats] say nothing: those of 8-bit formats of equal models scatter by it.
FLOOR = 3e-4
#: Taken for models whose publishers do not say: those are mostly the later ones.
UNKNOWN_TOKENS = 3e12
#: Text of rows whose loss is told from accuracies; the rate is one more column.
ACCURACY = "accuracy"
#: Freedom of the t distribution of residuals, rounds of reweighting.
FREEDOM, ROUNDS = 4.0, 15


class Prior(NamedTuple):
    """Value of a column in a row, and what is believed of its coefficient before."""

    value: float
    mean: float
    deviation: float


class Design(NamedTuple):
    """Rows as a matrix; logs of losses and deviations of their rounding."""

    matrix: Array
    columns: list[str]
    mean: Array
    deviation: Array
    target: Array
    rounding: Array


class Fitted(NamedTuple):
    """Coefficients by name, with their standard errors and covariance."""

    value: dict[str, float]
    error: dict[str, float]
    covariance: Array
    columns: list[str]


def noise_of(row: Compressed) -> float:
    """Return nu of what was done to the weights."""
    change = row.change
    if isinstance(change, Pruning):
        return float(pattern_noise(change.structure, change.sparsity))
    if row.method.family in ("gguf", "codebook"):
        bits = change.bits_per_weight
        return float(coded_noise(bits if np.isfinite(bits) else change.weight_bits))
    group = ROW if change.group is None else float(change.group)
    return float(rounding_noise(change.weight_bits, group))


def columns_of(row: Compressed) -> dict[str, Prior]:
    """Return the columns of one row."""
    method, family = row.method.name, row.method.family
    x = float(np.log(noise_of(row) / NOISE))
    size = float(np.log(row.parameters / PARAMETERS))
    known = np.isfinite(row.tokens)
    tokens = row.tokens if known else UNKNOWN_TOKENS
    data = float(np.log((tokens + SLACK) / (TOKENS + SLACK)))
    cut = family in ("cut", "structured")
    single_size = Prior(size, 0.0, 0.1)  # of single weights cut: no effect at fixed tokens
    found = {
        f"level:{family}": Prior(1.0, 0.0, 5.0),
        f"slope:{family}": Prior(x, 1.0, 0.15 if family == "structured" else 0.8),
        f"size:{family}": single_size if family == "cut" else Prior(size, PUBLISHED_SIZE, 0.15),
        f"data:{family}": Prior(data, PUBLISHED_DATA, 0.15 if family == "cut" else 0.1),
        f"model:{row.base}": Prior(float(row.text != ACCURACY), 0.0, 0.1 if cut else 0.15),
        f"source:{row.base}:{row.source[:20]}": Prior(1.0, 0.0, 0.05),
    }
    if method != family:
        found[f"level:{method}"] = Prior(1.0, 0.0, 0.7 if cut else 0.5)
        found[f"slope:{method}"] = Prior(x, 0.0, 0.4 if cut else 0.2)
    if cut:  # of more than a few per cent, large models lose comparatively less
        found[f"size_slope:{family}"] = Prior(x * size, -0.15, 0.05)
    else:
        found[f"bend:{family}"] = Prior(x * x, 0.02, 0.03)
    if row.text == ACCURACY:
        found["accuracy"] = Prior(1.0, 0.0, 0.5)
        found["accuracy_size"] = Prior(size, 0.0, 0.3)
        found[f"accuracy:{row.base}"] = Prior(1.0, 0.0, 0.3)
    elif row.text == "wikitext":
        large = max(float(np.log(row.parameters / LARGE)), 0.0) * float(learnt(np.float64(tokens)))
        found["memorised"] = Prior(large, 0.3, 0.1)
    else:
        found["ordinary"] = Prior(1.0, 0.0, 0.1)
    return found | _offsets(row, x)


def _offsets(row: Compressed, x: float) -> dict[str, Prior]:
    change, family = row.change, row.method.family
    if family == "gguf":
        names = format_kinds(change.method.rpartition(" ")[2])
        kinds = {name: Prior(1.0, KINDS.get(name, 0.0), 0.25) for name in names}
        if change.importance_matrix:
            kinds |= {"importance": Prior(1.0, -0.2, 0.3), "importance_slope": Prior(x, 0.0, 0.1)}
        return kinds
    if family == "scalar" and change.group is None:
        return {f"no_group:{row.method.name}": Prior(1.0, 0.0, 0.25)}
    return {}


def design(rows: list[Compressed]) -> Design:
    """Return the matrix of some rows."""
    each = [columns_of(row) for row in rows]
    priors = {name: prior for found in each for name, prior in found.items()}
    columns = list(priors)
    place = {name: i for i, name in enumerate(columns)}
    matrix = np.zeros((len(rows), len(columns)))
    for i, found in enumerate(each):
        for name, prior in found.items():
            matrix[i, place[name]] = prior.value
    added = np.array([row.added for row in rows])
    rounding = np.hypot([row.rounding for row in rows], FLOOR)
    return Design(
        matrix, columns, np.array([priors[name].mean for name in columns]),
        np.array([priors[name].deviation for name in columns]), np.log(added),
        rounding / added,
    )  # fmt: skip


def solve(made: Design, use: Array, scatter: float) -> Fitted:
    """Return the coefficients that rows in `use` and the priors want; outliers count less."""
    matrix, target = made.matrix[use], made.target[use]
    variance = scatter**2 + made.rounding[use] ** 2
    weight = np.ones(len(target))
    for _ in range(ROUNDS):
        normal = (matrix.T * (weight / variance)) @ matrix + np.diag(made.deviation**-2.0)
        right = matrix.T @ (weight / variance * target) + made.mean / made.deviation**2
        value = np.linalg.solve(normal, right)
        miss = target - matrix @ value
        weight = (FREEDOM + 1.0) / (FREEDOM + miss**2 / variance)
    covariance = np.linalg.inv(normal)
    error = np.sqrt(np.diag(covariance))
    names = made.columns
    return Fitted(
        dict(zip(names, value, strict=True)), dict(zip(names, error, strict=True)), covariance,
        names,
    )  # fmt: skip


def left_out(rows: list[Compressed], made: Design, scatter: float, by: str = "base") -> Array:
    """Return ln(measured / predicted) of each row, fitted without its model (or its method)."""
    keys = np.array([row.base if by == "base" else row.method.name for row in rows])
    miss = np.full(len(rows), np.nan)
    for key in np.unique(keys):
        out = keys == key
        value = np.array(list(solve(made, ~out, scatter).value.values()))
        miss[out] = made.target[out] - made.matrix[out] @ value
    return miss
