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


@family("qwen2_vl", "qwen2_5_vl")
def qwen2_vl(c: Config) -> ModelSpec:
    """Return the text model of a Qwen2-VL file, whose first releases had no ``text_config``."""
    text = dict(c.sub("text_config").given) if c.has("text_config") else dict(c.given)
    c.ignore(*c.given)
    return model_from_config({**text, "model_type": f"{c.model_type}_text"})


@family("qwen3", "qwen3_vl_text")
def qwen3(c: Config) -> ModelSpec:
    """Return a Qwen3 model: queries and keys are normalised in each head."""
    return _qwen(c, attention(c, qk_norm="head", **biased(c.flag("attention_bias"))))
