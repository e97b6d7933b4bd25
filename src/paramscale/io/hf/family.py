"""From a configuration to a model: the registry of families and the way through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from paramscale.core.registry import Registry, import_submodules
from paramscale.errors import ConfigError, UnsupportedArchitectureError, did_you_mean
from paramscale.io.hf.class_defaults import ClassDefaults, class_defaults
from paramscale.io.hf.config import Config
from paramscale.specs.model import ModelSpec

__all__ = ["families", "family", "model_from_config"]

Reader: TypeAlias = Callable[[Config], ModelSpec]

#: The reader of each model type.
families: Registry[Reader] = Registry(
    "model type",
    built_in=lambda: import_submodules("paramscale.io.hf.families"),
    group="paramscale.families",
)


def family(*model_types: str) -> Callable[[Reader], Reader]:
    """Return a decorator that registers a reader for some model types."""

    def register(reader: Reader) -> Reader:
        for model_type in model_types:
            families.add(model_type, reader)
        return reader

    return register


def _model_type(config: Mapping[str, Any]) -> str:
    value = config.get("model_type")
    if not isinstance(value, str) or not value:
        what = f"must be a name, not {value!r}" if "model_type" in config else "is missing"
        raise ConfigError(
            f"the field 'model_type' {what}; it names the architecture, for example 'llama'",
            field="model_type",
            value=value,
        )
    return value


def _lone_size(config: Mapping[str, Any]) -> str | None:
    """Return a field of a wrapper that gives a size which belongs into its text part."""
    sizes = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    return next((name for name in sizes if config.get(name) is not None), None)


def _text_part(config: Mapping[str, Any], model_type: str, known: ClassDefaults) -> dict[str, Any]:
    """Return the text configuration inside a multimodal one."""
    for key, default in known.text.items():
        inner = config.get(key)
        if inner is None:
            if (size := _lone_size(config)) is not None:
                raise ConfigError(
                    f"{model_type}: the field {key!r} is missing, which holds the text model, but"
                    f" the file gives {size!r}; put the fields of the text model into {key!r}",
                    field=key,
                )
            inner = known.text_init
        if not isinstance(inner, Mapping):
            raise ConfigError(
                f"{model_type}: {key!r} must be an object with the fields of the text model,"
                f" not {inner!r}",
                field=key,
                value=inner,
            )
        return {"model_type": default, **inner}
    raise AssertionError("only called for wrappers")


def model_from_config(
    config: Mapping[str, Any], *, unknown_fields: str = "refuse", source: str = ""
) -> ModelSpec:
    """Return the model that a Hugging Face configuration describes.

    Parameters
    ----------
    config : mapping
        The parsed ``config.json``. Of a multimodal model the text decoder is read.
    unknown_fields : str
        ``"refuse"`` raises on a field that looks like architecture and that nothing reads;
        ``"ignore"`` leaves it aside, as the reference code does.
    source : str
        Where it was read, kept in the model.

    Raises
    ------
    UnsupportedArchitectureError
        If the architecture, or a field's value, is not modelled; it is never guessed.
    ConfigError
        If a field is missing, unknown, contradictory or out of range.

    Examples
    --------
    >>> model = model_from_config({"model_type": "llama", "hidden_size": 64, "vocab_size": 100,
    ...     "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128})
    >>> float(model.width), float(model.depth)
    (64.0, 2.0)
    """
    if unknown_fields not in ("refuse", "ignore"):
        raise ValueError(f"unknown_fields must be 'refuse' or 'ignore', not {unknown_fields!r}")
    model_type = _model_type(config)
    known = class_defaults(model_type) or ClassDefaults()
    if model_type not in families:
        if known.text:
            inner = _text_part(config, model_type, known)
            return model_from_config(inner, unknown_fields=unknown_fields, source=source)
        raise UnsupportedArchitectureError(
            f"the model type {model_type!r} is not modelled{did_you_mean(model_type, families)}"
            f" {len(families)} types are: paramscale list families",
            model_type=model_type,
            field="model_type",
        )
    read = Config(config, model_type, known)
    read.unknown_fields = unknown_fields
    model = families[model_type](read)
    if unknown_fields == "refuse" and (unread := read.unread()):
        names = read.read | known.defaults.keys()
        raise ConfigError(
            f"{model_type}: nothing is known of the field {unread[0]!r} = "
            f"{read.given[unread[0]]!r}, which looks like architecture"
            f"{did_you_mean(unread[0], names)} If it has no influence, remove it,"
            " or read with unknown_fields='ignore'",
            field=unread[0],
            value=read.given[unread[0]],
        )
    if source:
        import attrs

        model = attrs.evolve(model, source=source)
    return model
