"""Qwen 2 to 3, dense, and the text models inside their multimodal kin."""

from __future__ import annotations

import attrs

from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, pre_norm, windowed
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family, model_from_config
from paramscale.specs.model import ModelSpec


def _qwen(c: Config, attend: GroupedAttention) -> ModelSpec:
    """Return the model; a window holds only if it is switched on, from a given layer upwards."""
    mlp = gated_mlp(c)
    c.ignore("attention_bias")  # left over in some files; the class does not know it
    uses = c.flag("use_sliding_window")
    first = int(c.integer("max_window_layers", 0, low=0))
    window = c.optional("sliding_window") if uses else None

    return decoder(
        c,
        windowed(
            c,
            lambda seen: pre_norm(attrs.evolve(attend, window=seen if uses else None), mlp),
            lambda i: window is not None and i >= first,
        ),
    )


@family("qwen2", "qwen2_vl_text", "qwen2_5_vl_text")
def qwen2(c: Config) -> ModelSpec:
    """Return a Qwen2 model: queries, keys and values have biases."""
    return _qwen(c, attention(c, **biased(True, False)))


def _inner(c: Config, text: dict[str, object], tied: bool) -> ModelSpec:
    """Return the text model of a multimodal class, which holds the head itself."""
    c.ignore(*c.given)
    inner = {**text, "tie_word_embeddings": tied}
    return model_from_config(inner, unknown_fields=c.unknown_fields)


@family("qwen2_vl", "qwen2_5_vl")
def qwen2_vl(c: Config) -> ModelSpec:
    """Return the text model of a Qwen2-VL file, whose first releases had no ``text_config``."""
    text = dict(c.sub("text_config").given if c.has("text_config") else c.given)
    text["model_type"] = c.known.text["text_config"]
    ties = c.flag("tie_word_embeddings") or text.get("tie_word_embeddings") is True
    return _inner(c, text, ties)


@family("qwen3_vl", "cosmos3_omni", "qwen3_vl_moe", "qwen3_omni_moe_thinker")
def qwen3_vl(c: Config) -> ModelSpec:
    """Return the text model of a multimodal Qwen3; the outer object says if the head is tied."""
    if not c.has("text_config") and not c.bare:
        c.missing("text_config", "which holds the text model; put its fields there")
    text = {"model_type": c.known.text["text_config"], **c.sub("text_config").given}
    return _inner(c, text, c.flag("tie_word_embeddings"))


@family("qwen3", "qwen3_vl_text")
def qwen3(c: Config) -> ModelSpec:
    """Return a Qwen3 model: queries and keys are normalised in each head."""
    return _qwen(c, attention(c, qk_norm="head", **biased(c.flag("attention_bias"))))
