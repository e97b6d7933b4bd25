"""What a model decides that a spec leaves open: formats it is served in, adapters to train.

:class:`~paramscale.specs.serving.ServingSpec` may leave formats open, and may name a file type of
llama.cpp, which means bits only for a model; of a model with adapters nothing else is trained.
Both are settled here, before estimators run.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import attrs

from paramscale.catalogue.file_types import file_type, file_types, is_file_type
from paramscale.catalogue.formats import formats
from paramscale.core.completion import completes
from paramscale.errors import SpecError, UnknownNameError
from paramscale.specs.changes import Adaptation, Quantization
from paramscale.specs.model import ModelSpec
from paramscale.specs.names import FINDERS
from paramscale.specs.serving import ServingSpec
from paramscale.specs.training import TrainingSpec

__all__ = ["find_format", "quantization_of", "served_formats", "trained_adapters"]

_FIELDS = ("weight_format", "kv_format")


@completes
def served_formats(inputs: dict[str, Any]) -> None:
    """Replace a serving spec whose formats the model decides."""
    model, serving = inputs.get("model"), inputs.get("serving")
    if not (isinstance(serving, ServingSpec) and isinstance(model, ModelSpec)):
        return
    stated = serving.weight_format
    if model.changes or (isinstance(stated, str) and is_file_type(stated)):
        inputs["serving"] = _settled(serving, model)


@lru_cache(maxsize=64)  # specs do not change, and are told apart by identity
def _settled(serving: ServingSpec, model: ModelSpec) -> ServingSpec:
    done = quantization_of(model)
    fields: dict[str, Any] = {name: getattr(serving, name) for name in _FIELDS}
    if done is not None:
        fields |= {name: _one(name, fields[name], getattr(done, name)) for name in _FIELDS}
    stored = fields["weight_format"]
    if isinstance(stored, str) and is_file_type(stored):
        weighted = done.importance_matrix if done is not None else None
        fields["weight_format"] = file_type(stored, model, importance_matrix=weighted)
    if all(fields[name] is getattr(serving, name) for name in _FIELDS):
        return serving
    return attrs.evolve(serving, **fields)


@completes
def trained_adapters(inputs: dict[str, Any]) -> None:
    """Replace a training spec that does not say what is trained of a model with adapters."""
    model, training = inputs.get("model"), inputs.get("training")
    if not (isinstance(training, TrainingSpec) and isinstance(model, ModelSpec) and model.changes):
        return
    if not training.adapts:
        inputs["training"] = _adapting(training, model)


@lru_cache(maxsize=64)
def _adapting(training: TrainingSpec, model: ModelSpec) -> TrainingSpec:
    found = [each for each in model.changes if isinstance(each, Adaptation) and not each.merged]
    if not found:
        return training
    frozen = found[-1].frozen_format or training.frozen_format
    return attrs.evolve(
        training, lora_rank=found[-1].rank, lora_on=found[-1].beside, frozen_format=frozen
    )


def quantization_of(model: ModelSpec) -> Quantization | None:
    """Return what the last quantization of a model was, if there was one."""
    found = [each for each in model.changes if isinstance(each, Quantization)]
    return found[-1] if found else None


def _one(name: str, stated: Any, stored: Any) -> Any:
    """Return the format of the model where none is stated; two that differ are refused."""
    if not stored:
        return stated
    if stated is None or _key(stated) == _key(stored):
        return stored
    raise SpecError(
        f"the model was quantized to {name}={_key(stored)!r}, but ServingSpec.{name} says"
        f" {_key(stated)!r}; leave it out, or quantize the original model to that"
    )


def _key(given: Any) -> str:
    name = given if isinstance(given, str) else given.name
    return formats[name].name if name in formats else str(name)


def find_format(name: str) -> Any:
    """Return the format or file type of a name; raises ``UnknownNameError`` with both known."""
    if name in formats:
        return formats[name]
    if is_file_type(name):
        return name
    raise UnknownNameError("format", name, [*formats, *file_types()])


FINDERS["format"] = find_format
