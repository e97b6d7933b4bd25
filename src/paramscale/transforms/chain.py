"""What all transforms share: their registry, the order in which they have a meaning, and records.

A transform takes a model and returns another one: its blocks do other operations, and a record
says what was done. Memory, FLOPs, time and energy follow from the operations. A third party adds a
transform as one file, named by an entry point of the group ``paramscale.transforms``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from paramscale.catalogue.models import models
from paramscale.core.registry import Registry, import_submodules
from paramscale.errors import SpecError
from paramscale.specs.bill import total
from paramscale.specs.block import Block
from paramscale.specs.changes import Change
from paramscale.specs.model import Layer, ModelSpec
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = [
    "changed", "each_block", "in_order", "model_of", "parameters_of", "transform", "transforms",
]  # fmt: skip

#: Every registered transform, by its name.
transforms: Registry[Callable[..., ModelSpec]] = Registry(
    "transform",
    built_in=lambda: import_submodules("paramscale.transforms"),
    package="paramscale.transforms",
    group="paramscale.transforms",
)

F = TypeVar("F", bound=Callable[..., ModelSpec])

#: What was done at each stage, and what to do about it.
_DONE = {
    1: ("its matrices are products of thinner ones", "factor"),
    2: ("a pattern of its weights is zero", "prune"),
    3: ("its weights are rounded", "quantize"),
    4: ("adapters stand beside its weights", "adapt"),
}


def transform(name: str) -> Callable[[F], F]:
    """Return a decorator that registers a function from a model to a model.

    Parameters
    ----------
    name : str
        Usual name of the technique, a verb: ``"quantize"``.

    Raises
    ------
    RegistrationError
        If the name is taken.
    """

    def register(function: F) -> F:
        transforms.add(name, function)
        return function

    return register


def model_of(given: ModelSpec | str) -> ModelSpec:
    """Return a model, or the published one of that name."""
    if isinstance(given, ModelSpec):
        return given
    if isinstance(given, str):
        return models[given]
    raise SpecError(f"a transform takes a ModelSpec or the name of a model, not {given!r}")


def in_order(model: ModelSpec, does: str, before: int, *, twice: bool = False) -> None:
    """Refuse what has no meaning after what was done to a model.

    Parameters
    ----------
    does : str
        What is to be done, as a call: ``"prune(structure='width')"``.
    before : int
        Stage that it has; see :mod:`paramscale.specs.changes`.
    twice : bool
        Whether it may come after another change of the same stage.

    Raises
    ------
    SpecError
        If a change of a later stage was made before, or of the same one.
    """
    for record in model.changes:
        stage = record.stage
        if stage < before or (twice and stage == before):
            continue
        state, verb = _DONE.get(stage, (f"of {type(record).__name__}", "change"))
        if stage == before:
            if stage == 0:
                continue
            raise SpecError(
                f"{does}: {state} already ({record.kind} of {model.name!r}); start again from the"
                f" original model, and {verb} once"
            )
        raise SpecError(
            f"{does} has no meaning after {record.kind}: {state}; start from the original model,"
            f" {does.partition('(')[0]} first, and {verb} then"
        )


def changed(model: ModelSpec, record: Change, called: str, **fields: Any) -> ModelSpec:
    """Return a model with other fields, and a record of what was done to it.

    Parameters
    ----------
    record : Change
        What was done.
    called : str
        The same in a word or two, which the name of the model takes on.
    """
    name = f"{model.name}, {called}"
    return attrs.evolve(model, name=name, changes=(*model.changes, record), **fields)


def each_block(model: ModelSpec, change: Callable[[Block], Block]) -> dict[str, Any]:
    """Return the layers of a model (those for drafting too), each of their blocks changed."""

    def stack(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        return tuple(
            attrs.evolve(layer, blocks=tuple(change(item) for item in layer.blocks))
            for layer in layers
        )

    return {"layers": stack(model.layers), "draft": stack(model.draft)}


def parameters_of(model: ModelSpec) -> Floats:
    """Return the parameters of a model, tied ones once."""
    return total(model.operations(Pass(1.0, 1.0)), lambda op: op.weights)
