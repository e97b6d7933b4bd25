"""Models as plain data: what a catalogue row or a JSON file holds. Nothing in it is executed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from paramscale.errors import SpecError, did_you_mean
from paramscale.specs.block import Block, blocks, fields_of, is_block
from paramscale.specs.changes import change_from_plain, change_to_plain
from paramscale.specs.model import Layer, ModelSpec

__all__ = ["model_from_plain", "model_to_plain"]


def _plain_value(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.float64):
        return int(value) if value == np.rint(value) else float(value)
    if is_block(value):
        return _plain_block(value)
    if hasattr(value, "to_plain"):  # a number format
        return value.to_plain()
    return value


def _plain_block(item: Block) -> dict[str, Any]:
    """Return kind and the fields that differ from their defaults."""
    plain: dict[str, Any] = {"kind": item.kind}
    for field in fields_of(item):
        value = _plain_value(getattr(item, field.name))
        if field.default is attrs.NOTHING or value != field.default:
            plain[field.name] = value
    return plain


def model_to_plain(model: ModelSpec) -> dict[str, Any]:
    """Return lists, numbers and text that describe `model`; defaults are left out."""
    plain: dict[str, Any] = {"name": model.name, "family": model.family, "source": model.source}
    plain["width"] = _plain_value(model.width)
    if model.max_context is not None:
        plain["max_context"] = _plain_value(model.max_context)
    for place in ("embedding", "head"):
        plain[place] = [_plain_block(item) for item in getattr(model, place)]
    for place in ("layers", "draft"):
        if stack := getattr(model, place):
            plain[place] = [
                [_plain_value(layer.count), *map(_plain_block, layer.blocks)] for layer in stack
            ]
    if model.changes:
        plain["changes"] = [change_to_plain(record, _plain_value) for record in model.changes]
    return plain


def _block(plain: Any) -> Block:
    if not isinstance(plain, Mapping) or "kind" not in plain:
        raise SpecError(f"a block is an object with a 'kind', not {plain!r}")
    cls = blocks[plain["kind"]]
    names = {field.name for field in attrs.fields(cls)}
    values = {}
    for key, value in plain.items():
        if key == "kind":
            continue
        if key not in names:
            raise SpecError(f"{cls.__name__} has no field {key!r}{did_you_mean(key, names)}")
        values[key] = _block(value) if isinstance(value, Mapping) else value
    made: Block = cls(**values)
    return made


def model_from_plain(plain: Mapping[str, Any]) -> ModelSpec:
    """Return the model that `plain` describes.

    Raises
    ------
    SpecError
        If a field is missing, unknown or has no meaning.
    UnknownNameError
        If a kind of block is not registered.
    """
    known = {field.name for field in attrs.fields(ModelSpec) if field.init}
    values: dict[str, Any] = {}
    for key, value in plain.items():
        if key not in known:
            raise SpecError(f"ModelSpec has no field {key!r}{did_you_mean(key, known)}")
        if key in ("embedding", "head"):
            value = [_block(item) for item in value]
        elif key in ("layers", "draft"):
            value = [Layer([_block(item) for item in row[1:]], row[0]) for row in value]
        elif key == "changes":
            value = [change_from_plain(item) for item in value]
        values[key] = value
    for key in ("width", "layers"):
        if key not in values:
            raise SpecError(f"a model needs {key!r}; given were {', '.join(sorted(values))}")
    return ModelSpec(**values)
