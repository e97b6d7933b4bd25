"""The one call that everything else is made of: a scenario in, labelled estimates out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from paramscale.core.draws import draw
from paramscale.core.estimates import Estimates
from paramscale.core.estimator import ESTIMATORS, Estimators
from paramscale.core.graph import make_plan
from paramscale.core.interval import Interval
from paramscale.core.record import Estimator
from paramscale.core.registry import import_submodules
from paramscale.core.spec import array_fields
from paramscale.errors import SpecError, UnknownNameError

__all__ = ["collect_inputs", "estimate", "estimate_with"]

#: Packages whose modules register spec types, coercers and estimators when imported.
BUILT_IN = ("paramscale.specs", "paramscale.catalogue", "paramscale.estimators")


def _import_built_ins() -> None:
    for package in BUILT_IN:
        import_submodules(package)


ESTIMATORS.registry.built_in(_import_built_ins)


def estimate(
    scenario: object = None,
    /,
    *,
    quantities: str | Iterable[str] | None = None,
    use: Mapping[str, str | Estimator] | None = None,
    options: Mapping[str, Any] | None = None,
    draws: int = 0,
    seed: int = 0,
    **specs: Any,
) -> Estimates:
    """Return estimates of quantities for one scenario, or for all points of a grid of them.

    Parameters
    ----------
    scenario : Scenario, optional
        An object with attributes ``model``, ``hardware``, ``serving``, ..., each a spec or None.
    quantities : str or iterable of str, optional
        What to estimate. Unless said, what can be had from what is given, without the detail
        that is given by name only; ``"all"`` with it.
    use : mapping of str to str or Estimator, optional
        Which estimator shall give a quantity: ``{"loss_nats": "besiroglu2024"}``, or what
        :func:`~paramscale.analysis.calibrate.calibrate` returns.
    options : mapping, optional
        ``{"quantity.option": value}`` or ``{"estimator.option": value}``.
    draws : int
        If positive, uncertain coefficients are sampled so often; intervals are then the 5 % and
        95 % quantiles of the draws, the value remains that of the best coefficients.
    seed : int
        Of the draws; the same seed gives the same draws.
    **specs
        Specs by name, or what they can be made from (``model="llama-3.1-8b"``); they replace
        those of `scenario`. Also quantities whose value is known (``mfu_fraction=0.4``): they are
        taken as given, and estimators that need them use them; with ``ps.Interval(value, low,
        high)`` the interval is carried on.

    Returns
    -------
    Estimates
        A mapping of quantity name to `Estimate`.

    Raises
    ------
    MissingInputError
        Something asked for by name needs what is not given; all that is missing is named.
    UnknownNameError
        A quantity, spec, estimator or option has another name.
    """
    return estimate_with(
        ESTIMATORS, scenario, specs, quantities=quantities, use=use, options=options, draws=draws,
        seed=seed,
    )  # fmt: skip


def estimate_with(
    world: Estimators,
    scenario: object,
    specs: Mapping[str, Any],
    *,
    quantities: str | Iterable[str] | None = None,
    use: Mapping[str, str | Estimator] | None = None,
    options: Mapping[str, Any] | None = None,
    draws: int = 0,
    seed: int = 0,
    strict: bool = True,
) -> Estimates:
    """Return what :func:`estimate` returns, with the estimators and specs of a collection.

    Unless `strict`, named quantities that cannot be had are left out, and stand in ``missing``.

    Examples
    --------
    >>> from paramscale.core.estimator import estimator
    >>> from paramscale.core.quantity import Quantity
    >>> own = Estimators()
    >>> @estimator(gives=Quantity("wait_s", "Time spent waiting"), source="a guess", into=own)
    ... def usual_wait(*, minutes=2.0):
    ...     '''Time that one usually waits.'''
    ...     return 60.0 * minutes
    >>> estimate_with(own, None, {}, options={"wait_s.minutes": 3.0})
    Estimates: 1 quantity at 1 point
    quantity  value  kind   estimator   source
    wait_s    3 min  exact  usual_wait  a guess
    """
    world.registry.load()
    detail = isinstance(quantities, str) and quantities == "all"
    wanted = None if detail else _wanted(world, quantities)
    inputs = collect_inputs(world, scenario, specs)
    absent = [path for path in world.needs if _is_unset(path, inputs)]
    plan = make_plan(
        wanted, inputs, estimators=world, use=use, options=options, absent=absent, detail=detail,
        strict=strict,
    )  # fmt: skip
    results = plan.run(inputs)
    if draws <= 0:
        return Estimates(plan, results, world)
    arrays = [item for name, value in inputs.items() for item in array_fields(name, value)]
    ndim = max((array.ndim for _, array in arrays), default=0)
    drawn = draw(plan, results, draws, np.random.default_rng(seed), ndim)
    return Estimates(plan, results, world, drawn=drawn)


def collect_inputs(world: Estimators, scenario: object, specs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the specs by name, coerced, with defaults, and the quantities given as they are."""
    inputs: dict[str, Any] = {}
    for name, kind in world.kinds.names_so_far().items():
        value = specs.get(name)
        if value is None and scenario is not None:
            value = getattr(scenario, name, None)
        if value is not None:
            inputs[name] = value if isinstance(value, kind.cls) else kind.accept(value)
        elif kind.default is not None:
            inputs[name] = kind.make_default()
    for name, value in specs.items():
        if name not in inputs and value is not None:
            inputs[name] = _given(world, name, value)
    if scenario is not None:
        _check_scenario(world, scenario)
    return inputs


def _wanted(world: Estimators, quantities: str | Iterable[str] | None) -> tuple[str, ...] | None:
    if quantities is None:
        return None
    wanted = (quantities,) if isinstance(quantities, str) else tuple(quantities)
    for name in wanted:
        if world.vocabulary[name].internal:
            raise UnknownNameError("quantity", name, [each.name for each in world.quantities()])
    return wanted


def _given(world: Estimators, name: str, value: Any) -> Any:
    """Return a quantity that the caller knows, as float64; with its ends if given as Interval."""
    if name not in world.vocabulary:
        raise UnknownNameError("spec or quantity", name, [*world.kinds, *world.vocabulary])
    if isinstance(value, Interval):
        return Interval(*[_given(world, name, end) for end in value])
    return np.float64(value) if np.ndim(value) == 0 else np.asarray(value, dtype=np.float64)


def _check_scenario(world: Estimators, scenario: object) -> None:
    """Refuse an object that carries none of the specs, such as a spec handed over alone."""
    kinds = world.kinds.names_so_far()
    if any(hasattr(scenario, name) for name in kinds):
        return
    for kind in kinds.values():
        if isinstance(scenario, kind.cls):
            raise SpecError(
                f"a {kind.cls.__name__} is not a scenario; write estimate({kind.name}=...)"
            )
    raise SpecError(
        f"{scenario!r} is a {type(scenario).__name__}, not a scenario; "
        f"write estimate({', '.join(f'{name}=...' for name in kinds)})"
    )


def _is_unset(path: str, inputs: Mapping[str, Any]) -> bool:
    """Tell whether a field, ``"spec.field"``, of a given spec holds None."""
    spec, _, field = path.partition(".")
    return spec in inputs and getattr(inputs[spec], field, None) is None
