"""What a model type's configuration class says when a file is silent.

Published files leave fields out, and the reference code then takes the default of its class. The
rows of ``data/class_defaults.jsonl`` hold those defaults, the class's alternative spellings, and
for multimodal types the key of the text model; ``tools/class_defaults.py`` wrote them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import attrs

__all__ = ["ClassDefaults", "class_defaults"]


@attrs.frozen
class ClassDefaults:
    """Defaults, spellings and sub-configurations of one model type.

    Parameters
    ----------
    defaults : mapping
        Value of each field of the class when a file does not give it.
    aliases : mapping
        Other spellings of fields that the class accepts.
    legacy : tuple of str
        Older fields that the class still reads.
    text : mapping
        For wrappers: key of the text configuration, and its model type when it does not say.
    text_init : mapping
        For wrappers: the text configuration when the file gives none.
    sub : mapping
        Declarations of further nested configurations that hold sizes of the decoder.
    """

    defaults: Mapping[str, Any] = attrs.field(factory=dict)
    aliases: Mapping[str, str] = attrs.field(factory=dict)
    legacy: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    text: Mapping[str, str] = attrs.field(factory=dict)
    text_init: Mapping[str, Any] = attrs.field(factory=dict)
    sub: Mapping[str, Any] = attrs.field(factory=dict)


@cache
def _lines() -> dict[str, str]:
    """Return the row of each model type, not parsed yet."""
    text = files("paramscale.io.hf").joinpath("data/class_defaults.jsonl").read_text("utf-8")
    rows = text.splitlines()[1:]  # the first line names the source
    return {row[len('{"model_type":"') :].partition('"')[0]: row for row in rows}


def class_defaults(model_type: str) -> ClassDefaults | None:
    """Return what the class of `model_type` says, or None if the type is not known.

    Examples
    --------
    >>> class_defaults("llama").defaults["hidden_size"]
    4096
    """
    row = _lines().get(model_type)
    if row is None:
        return None
    plain = json.loads(row)
    del plain["model_type"]
    # some classes declare a field under one of its other spellings
    names = plain.get("aliases") or {}
    plain["defaults"] = {names.get(key, key): v for key, v in plain["defaults"].items()}
    plain["text"] = plain.get("text") or {}
    return ClassDefaults(**plain)
