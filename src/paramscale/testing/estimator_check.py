"""What every estimator promises, checked through ``estimate``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from paramscale.analysis.estimate import estimate
from paramscale.core.estimates import Estimates
from paramscale.core.record import Estimator
from paramscale.specs.account import AccountSpec
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.scenario import Scenario
from paramscale.specs.serving import ServingSpec
from paramscale.specs.site import SiteSpec
from paramscale.specs.training import TrainingSpec
from paramscale.testing.expect import agree, expect
from paramscale.units import unit_of

__all__ = ["check_estimator", "full_scenario"]

#: Axis of the grid, outermost first, to the values along it.
_AXES = {
    "model.parameters": (2e8, 3e9),
    "training.tokens": (2e9, 2e10, 3e11),
    "serving.batch": (1.0, 7.0),
    "serving.prompt_tokens": (64.0, 100.0, 5000.0),
}


def full_scenario(**changes: Any) -> Scenario:
    """Return a scenario in which every spec is given and every field has a value.

    Parameters
    ----------
    **changes
        Values by ``spec_field``: ``serving_batch``, ``serving_prompt_tokens``,
        ``training_tokens``, and ``model_parameters``, the size of the model.

    Examples
    --------
    >>> full_scenario(serving_batch=3).serving.batch
    np.float64(3.0)
    """
    figures: dict[str, Any] = {
        field.name: 1e12
        for field in attrs.fields(HardwareSpec)
        if isinstance(field.default, float) and np.isnan(field.default)
    }
    place: dict[str, Any] = {
        field.name: 1.2 for field in attrs.fields(SiteSpec) if isinstance(field.default, float)
    }
    return Scenario(
        model=ModelSpec.of_size(changes.get("model_parameters", 1e9), like=_model()),
        hardware=HardwareSpec(name="check", **figures),
        serving=ServingSpec(
            batch=changes.get("serving_batch", 2),
            prompt_tokens=changes.get("serving_prompt_tokens", 300),
            output_tokens=40,
            requests_per_day=1e5,
            deployment_days=365,
        ),
        training=TrainingSpec(
            tokens=changes.get("training_tokens", 2e10), unique_tokens=1e9, batch_tokens=1e6
        ),
        parallel=ParallelSpec(),
        site=SiteSpec(**place),
        account=AccountSpec(),
    )


def _model() -> ModelSpec:
    """Return a model with windowed and full attention, dense and expert layers."""
    from paramscale.architecture.embedding import Table
    from paramscale.architecture.experts import MixtureOfExperts
    from paramscale.architecture.grouped_attention import GroupedAttention
    from paramscale.architecture.head import Head
    from paramscale.architecture.mlp import MLP
    from paramscale.architecture.norm import Norm
    from paramscale.specs.model import Layer

    windowed, full = (
        [Norm(), GroupedAttention(16, 4, 64, window=window), Norm()] for window in (512, None)
    )
    return ModelSpec(
        width=1024,
        embedding=Table(32000),
        layers=[Layer([*windowed, MLP(2816)], 8), Layer([*full, MixtureOfExperts(8, 2, 1024)], 8)],
        head=[Norm(), Head(32000)],
        max_context=8192,
        name="check",
    )


def check_estimator(record: Estimator, scenario: Scenario | None = None) -> None:
    """Check an estimator: told, sourced, scalar in scalar out, and a grid equal to its points.

    Parameters
    ----------
    record : Estimator
        As registered.
    scenario : Scenario, optional
        One point that gives all that it needs; :func:`full_scenario` unless given.

    Raises
    ------
    AssertionError
        Names the promise that is broken.
    """
    _it_is_told(record)
    if record.quantity.internal:
        return
    point = _value(record, full_scenario() if scenario is None else scenario)
    expect(np.ndim(point) == 0 and isinstance(point, np.float64), f"{record.key}: scalar out")
    expect(~(point < 0.0), f"{record.key} is not negative, not {point}")
    if scenario is None:
        _a_grid_equals_its_points(record)


def _it_is_told(record: Estimator) -> None:
    key = record.key
    expect(
        record.summary.endswith((".", "?")), f"{key} has a docstring that begins with a sentence"
    )
    expect(all(source.text for source in record.sources), f"{key} has a source")
    expect(record.name.isidentifier(), f"{key} has a name that is an identifier")
    if not record.quantity.internal:
        unit = unit_of(record.quantity.name)
        expect(unit is not None, f"{key}: the name of its quantity ends in a unit")
    if record.kind in ("law", "calibrated"):
        expect(record.domain and record.domain.bounds, f"{key} is fitted and states its domain")
    for path, (low, high) in record.domain.bounds.items() if record.domain else ():
        sensible = low is not None and high is not None and low <= high and high > 0.0
        expect(sensible, f"{key}: the domain of {path} has points")


def _estimate(record: Estimator, scenario: Scenario) -> Estimates:
    name = record.quantity.name
    return estimate(scenario, quantities=name, use={name: record.name})


def _value(record: Estimator, scenario: Scenario) -> Any:
    return _estimate(record, scenario)[record.quantity.name].value


def _a_grid_equals_its_points(record: Estimator) -> None:
    """Arrays along four axes give what each point alone gives, and no needless dimension."""
    count = len(_AXES)
    arrays = {
        path.replace(".", "_"): np.array(values).reshape((-1,) + (1,) * (count - 1 - place))
        for place, (path, values) in enumerate(_AXES.items())
    }
    shape = tuple(map(len, _AXES.values()))
    found = _estimate(record, full_scenario(**arrays))
    value = found[record.quantity.name].value
    whole = np.broadcast_to(value, shape)
    for index, changes in _points():
        rule = f"{record.key}: a grid equals its points"
        agree(whole[index], _value(record, full_scenario(**changes)), rule)
    used = _specs_behind(found, record.quantity.name)
    sizes = (1,) * (count - np.ndim(value)) + np.shape(value)
    for path, size in zip(_AXES, sizes, strict=True):
        needed = path.partition(".")[0] in used
        expect(size == 1 or needed, f"{record.key} does not depend on {path}, so has size 1 there")


def _points() -> Iterator[tuple[tuple[int, ...], dict[str, float]]]:
    names = [path.replace(".", "_") for path in _AXES]
    values = list(_AXES.values())
    for index in np.ndindex(*map(len, values)):
        point = zip(names, values, index, strict=True)
        yield index, {name: along[place] for name, along, place in point}


def _specs_behind(estimates: Estimates, name: str) -> set[str]:
    """Return the specs that a value came from, over all its ancestors."""
    found: set[str] = set()
    for key in estimates.input_values(name):
        found |= _specs_behind(estimates, key) or {key}
    return found
