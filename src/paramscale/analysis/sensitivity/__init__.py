"""``sensitivity``: which inputs, and which uncertain coefficients, a result depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from paramscale.analysis.search.study import Measured, Study, study_of
from paramscale.analysis.sensitivity.result import Sensitivity, Swing
from paramscale.analysis.sensitivity.rows import Input, inputs_of, measure_rows
from paramscale.analysis.sensitivity.sobol import Indices, design, indices
from paramscale.core.record import Estimator
from paramscale.errors import SpecError

__all__ = ["Sensitivity", "Swing", "sensitivity"]

_WITH_DRAWS = 256  # points of inputs at which coefficients are drawn


def sensitivity(
    scenario: object = None,
    /,
    *,
    quantities: str | Iterable[str],
    over: Mapping[str, Any],
    samples: int = 1024,
    draws: int = 0,
    seed: int = 0,
    use: Mapping[str, str | Estimator] | None = None,
    options: Mapping[str, Any] | None = None,
    **specs: Any,
) -> Sensitivity:
    """Return how quantities depend on inputs: elasticities, swings, and shares of the variance.

    Parameters
    ----------
    scenario : Scenario or mapping, optional
        Where everything starts from.
    quantities : str or iterable of str
        What is asked about; fields may be named, too.
    over : mapping
        What is uncertain, by path: a tuple is a range ``(low, high)``, a number a factor both
        ways (``1.1``: a tenth up and down), a list holds values or names that are equally likely.
    samples : int
        Points of the Sobol sequence, for each input and two more; 0: no shares of the variance.
    draws : int
        If positive, uncertain coefficients are sampled so often, and their share is told.
    seed : int
        Of samples and draws.
    use, options
        As for ``estimate``.
    **specs
        Specs by name, that replace those of the scenario.

    Returns
    -------
    Sensitivity

    Raises
    ------
    SpecError
        If a range has no meaning, or the scenario holds no value to start from.
    UnknownNameError
        If a quantity or field has another name.

    Notes
    -----
    The elasticity is d ln(quantity) / d ln(input) by central differences: a hundredth to either
    side, one for whole numbers, a fifth for the size of a family member. A swing is the range of
    the quantity while one input goes through its values. Shares of the variance are Sobol indices
    over independent inputs, uniform in their ranges (in ratios, where the ends differ by a factor
    of 5 and more): first order, what an input does alone; total, with all in which it takes part.

    Examples
    --------
    >>> import paramscale as ps
    >>> found = ps.sensitivity(
    ...     model="llama-3.1-8b", training=ps.TrainingSpec(tokens=1e12),
    ...     quantities="training_flops",
    ...     over={"training.tokens": (1e12, 2e12), "training.sequence_length": (2048, 8192)},
    ...     samples=64,
    ... )
    >>> round(found.elasticities["training_flops"]["training.tokens"], 3)
    1.0
    """
    wanted = (quantities,) if isinstance(quantities, str) else tuple(quantities)
    if not wanted:
        raise SpecError("quantities is empty; name at least one")
    for name, value in (("samples", samples), ("draws", draws)):
        if value < 0 or value != int(value):
            raise SpecError(f"{name} is {value}; it must be a whole number, 0 or more")
    study = study_of(scenario, specs, wanted, use=use, options=options)
    inputs = inputs_of(study, over)
    study = _settled(study, inputs)
    base = study.measure({})
    found = _sobol(study, inputs, samples, seed) if samples else {}
    return Sensitivity(
        inputs=tuple(each.path for each in inputs),
        base={name: _three(base[name]) for name in wanted},
        elasticities=_elasticities(study, inputs),
        swings=_swings(study, inputs),
        first={name: _by_input(inputs, each.first) for name, each in found.items()},
        total={name: _by_input(inputs, each.total) for name, each in found.items()},
        coefficients=_coefficients(study, inputs, int(draws), seed) if draws else {},
    )


def _rows(inputs: Sequence[Input], size: int) -> dict[str, Any]:
    """Return so many rows at which every input is at its base."""
    return {x.path: np.full(size, x.base) if x.numeric else [x.base] * size for x in inputs}


def _settled(study: Study, inputs: Sequence[Input]) -> Study:
    """Return the study with one estimator a quantity, for all values of all inputs."""
    rows, size = _one_by_one(inputs)
    numbers = {path: x for path, x in rows.items() if isinstance(x, np.ndarray)}
    return study.settled([study.estimate(study.specs_at(numbers))]) if size else study


def _one_by_one(inputs: Sequence[Input]) -> tuple[dict[str, Any], int]:
    """Return rows at which one input after the other goes through its values."""
    size = sum(len(each.values) for each in inputs)
    rows, place = _rows(inputs, size), 0
    for each in inputs:
        for value in each.values:
            rows[each.path][place] = value
            place += 1
    return rows, size


def _swings(study: Study, inputs: Sequence[Input]) -> dict[str, dict[str, Swing]]:
    rows, size = _one_by_one(inputs)
    measured = measure_rows(study, rows, size)
    found: dict[str, dict[str, Swing]] = {}
    for name in study.measures:
        place, swings = 0, {}
        for each in inputs:
            values = np.asarray(measured[name].value)[place : place + len(each.values)]
            place += len(each.values)
            swings[each.path] = Swing(each.texts, tuple(map(float, values)))
        found[name] = swings
    return found


def _elasticities(study: Study, inputs: Sequence[Input]) -> dict[str, dict[str, float]]:
    numeric = [each for each in inputs if each.numeric]
    size = 2 * len(numeric)
    rows = _rows(inputs, size)
    for at, each in enumerate(numeric):
        rows[each.path][2 * at : 2 * at + 2] = each.around()
    sized = [each.path for each in numeric if each.path == "model.parameters"]
    asked = attrs.evolve(study, measures=tuple(dict.fromkeys((*study.measures, *sized))))
    measured = measure_rows(asked, rows, size)
    found: dict[str, dict[str, float]] = {name: {} for name in study.measures}
    with np.errstate(divide="ignore", invalid="ignore"):
        for at, each in enumerate(numeric):
            steps = measured[each.path].value if each.path in sized else rows[each.path]
            change = _log_change(steps, at)
            for name in study.measures:
                slope = _log_change(measured[name].value, at) / change
                found[name][each.path] = float(slope)
    return found


def _log_change(values: Any, at: int) -> Any:
    return np.log(values[2 * at + 1] / values[2 * at])


def _sobol(study: Study, inputs: Sequence[Input], samples: int, seed: int) -> dict[str, Indices]:
    """Return the indices of every measure; all points of the design are estimated together."""
    points = design(len(inputs), samples, seed)
    measured = _at(study, inputs, points.reshape(-1, len(inputs)))
    shape = points.shape[:2]
    return {name: indices(np.reshape(x.value, shape), seed) for name, x in measured.items()}


def _at(study: Study, inputs: Sequence[Input], unit: Any) -> Measured:
    columns = {each.path: each.at(unit[:, at]) for at, each in enumerate(inputs)}
    return measure_rows(study, columns, len(unit))


def _by_input(inputs: Sequence[Input], shares: Any) -> dict[str, tuple[float, float, float]]:
    return {each.path: _three(row) for each, row in zip(inputs, shares, strict=True)}


def _three(values: Any) -> tuple[float, float, float]:
    value, low, high = map(float, values)
    return value, low, high


def _coefficients(
    study: Study, inputs: Sequence[Input], draws: int, seed: int
) -> dict[str, tuple[float, float]]:
    """Return the share of the variance that coefficients cause alone, and in all they take part in.

    The same draws are taken at some points of the inputs: of the resulting table the variance of
    the means over points is theirs alone, and what the means over draws leave is theirs in all.
    """
    numeric = [each for each in inputs if each.numeric]
    unit = design(len(numeric), _WITH_DRAWS, seed)[0] if numeric else np.zeros((1, 0))
    columns = {each.path: np.asarray(each.at(unit[:, at])) for at, each in enumerate(numeric)}
    found = study.estimate(study.specs_at(columns), draws=draws, seed=seed)
    shares = {}
    for name in study.quantities:
        drawn = found[name].draws
        shares[name] = (np.nan, np.nan) if drawn is None else _shares(drawn, draws, len(unit))
    return shares


def _shares(drawn: Any, draws: int, size: int) -> tuple[float, float]:
    table = np.broadcast_to(np.reshape(drawn, (draws, -1)), (draws, size))
    table = table[:, np.isfinite(table).all(axis=0)]
    whole = table.var()
    if not table.size or whole == 0.0:
        return np.nan, np.nan
    alone = table.mean(axis=1).var() / whole
    return float(alone), float(1.0 - table.mean(axis=0).var() / whole)
