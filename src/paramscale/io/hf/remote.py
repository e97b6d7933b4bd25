"""What the families share whose reference code stands beside their weights: delegation, tying."""

from __future__ import annotations

from collections.abc import Mapping

from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.errors import ConfigError
from paramscale.io.hf.class_defaults import ClassDefaults, class_defaults
from paramscale.io.hf.common import even_attention
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import families
from paramscale.specs.model import ModelSpec

__all__ = ["as_type", "even_heads", "nested", "spelled", "stated_tie", "text_model"]


def even_heads(c: Config, **changes: bool) -> GroupedAttention:
    """Return attention from the usual fields, whose heads share the width evenly."""
    return even_attention(
        c,
        c.integer("hidden_size"),
        c.integer("num_attention_heads"),
        c.optional("num_key_value_heads"),
        **changes,
    )


def spelled(c: Config, *names: str) -> str:
    """Return which of several spellings of one field the file has, or the first of them."""
    found = [name for name in names if c.has(name)]
    for name in found[1:]:
        if c.get(name) != c.get(found[0]):
            c.contradiction(name, f"{found[0]!r} is {c.get(found[0])!r}, and both are one field")
    return found[0] if found else names[0]


def stated_tie(c: Config) -> bool:
    """Return ``tie_word_embeddings``, which changes the count and so must be stated."""
    if not c.has("tie_word_embeddings"):
        raise ConfigError(
            f"{c.model_type}: the field 'tie_word_embeddings' is missing; it says whether the head"
            " is the token table. Add it to the file",
            field="tie_word_embeddings",
        )
    return c.flag("tie_word_embeddings")


def as_type(c: Config, model_type: str, size: str = "hidden_size") -> ModelSpec:
    """Return the model that the class of another type makes of the same fields.

    Parameters
    ----------
    size : str
        A field that must be there, so that a file without sizes does not get the other type's.
    """
    c.integer(size)
    same = Config(c.given, c.model_type, class_defaults(model_type) or ClassDefaults())
    model = families[model_type](same)
    c.ignore(*(c.given.keys() - set(same.unread())))
    return model


def nested(c: Config, key: str, usual: str) -> Config:
    """Return the configuration of the language model inside of a multimodal one.

    Parameters
    ----------
    usual : str
        Its model type where it does not say.
    """
    inner = c.get(key)
    if not isinstance(inner, Mapping):
        raise ConfigError(
            f"{c.model_type}: the field {key!r} must be an object with the fields of the language"
            f" model, not {inner!r}",
            field=key,
            value=inner,
        )
    model_type = inner.get("model_type", usual)
    known = class_defaults(model_type) if isinstance(model_type, str) else None
    return Config(inner, str(model_type), known or ClassDefaults())


def text_model(c: Config, key: str, inner: Config) -> None:
    """Report the fields of `inner` that nothing has read as fields of the whole file."""
    c.given.update({f"{key}.{name}": inner.given[name] for name in inner.unread()})
