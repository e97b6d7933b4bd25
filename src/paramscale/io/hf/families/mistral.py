"""Mistral and its kin: Llama layers with a sliding window in all or some of them."""

from __future__ import annotations

from paramscale.io.hf.common import (
    attention,
    biased,
    decoder,
    gated_mlp,
    pre_norm,
    same_layers,
    windowed,
)
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.model import ModelSpec


@family("mistral", "ministral3")
def mistral(c: Config) -> ModelSpec:
    """Return a Mistral model: one window for all layers, or none."""
    if c.has("layer_types"):
        c.refuse("layer_types", "the type 'ministral' has layers of several kinds")
    layer = pre_norm(attention(c, window=c.optional("sliding_window")), gated_mlp(c))
    return decoder(c, same_layers(c, layer))


@family("ministral")
def ministral(c: Config) -> ModelSpec:
    """Return a Ministral model: windows by ``layer_types``, or in all layers."""
    mlp = gated_mlp(c)
    has_window = c.has("sliding_window") or c.bare
    return decoder(
        c,
        windowed(
            c, lambda window: pre_norm(attention(c, window=window), mlp), lambda _: has_window
        ),
    )


@family("phi3")
def phi3(c: Config) -> ModelSpec:
    """Return a Phi-3 or Phi-4 model; the fused projections hold what the separate ones would."""
    layer = pre_norm(attention(c, window=c.optional("sliding_window")), gated_mlp(c))
    return decoder(c, same_layers(c, layer))


@family("cwm")
def cwm(c: Config) -> ModelSpec:
    """Return a CWM model: every fourth layer, from the first, sees the whole context."""
    mlp = gated_mlp(c, bias=c.flag("mlp_bias"))
    return decoder(
        c,
        windowed(
            c, lambda window: pre_norm(attention(c, window=window), mlp), lambda i: i % 4 != 0
        ),
    )


@family("smollm3")
def smollm3(c: Config) -> ModelSpec:
    """Return a SmolLM3 model: layers without rotary positions may have a window."""
    mlp = gated_mlp(c, bias=c.flag("mlp_bias"))
    bias = biased(c.flag("attention_bias"))
    layers = c.count("num_hidden_layers")
    every = c.count("no_rope_layer_interval", 4)
    rotary = c.items("no_rope_layers", layers)
    uses = c.flag("use_sliding_window") and c.has("sliding_window")
    c.ignore("max_window_layers")

    def slides(i: int) -> bool:
        return uses and not (rotary[i] if rotary is not None else (i + 1) % every != 0)

    return decoder(
        c,
        windowed(
            c,
            lambda window: pre_norm(attention(c, window=window if uses else None, **bias), mlp),
            slides,
        ),
    )


@family("granite_swa")
def granite_swa(c: Config) -> ModelSpec:
    """Return a Granite model with windows and attention sinks."""
    mlp = gated_mlp(c, bias=c.flag("mlp_bias"))
    bias = biased(c.flag("attention_bias"))
    return decoder(
        c,
        windowed(
            c,
            lambda window: pre_norm(attention(c, window=window, sinks=True, **bias), mlp),
            lambda i: i % 4 != 0,
        ),
    )
