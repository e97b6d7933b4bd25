"""Gemma 1 to 3: norms around both blocks, windows alternating with full attention."""

from __future__ import annotations

from paramscale.architecture.norm import Norm
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
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("gemma")
def gemma(c: Config) -> ModelSpec:
    """Return a Gemma model."""
    layer = pre_norm(attention(c, **biased(c.flag("attention_bias"))), gated_mlp(c))
    return decoder(c, same_layers(c, layer))


def sandwich(attend: Block, mlp: Block) -> list[Block]:
    """Return a layer with a norm before and after each of its blocks."""
    return [Norm(), attend, Norm(), Norm(), mlp, Norm()]


@family("gemma2")
def gemma2(c: Config) -> ModelSpec:
    """Return a Gemma 2 model: every second layer, from the first, has a window."""
    mlp = gated_mlp(c)
    bias = biased(c.flag("attention_bias"))
    return decoder(
        c,
        windowed(
            c,
            lambda window: sandwich(attention(c, window=window, **bias), mlp),
            lambda i: i % 2 == 0,
        ),
    )


@family("vaultgemma")
def vaultgemma(c: Config) -> ModelSpec:
    """Return a VaultGemma model: Gemma 2 with the norms before the blocks alone."""
    mlp = gated_mlp(c)
    bias = biased(c.flag("attention_bias"))
    return decoder(
        c,
        windowed(
            c,
            lambda window: pre_norm(attention(c, window=window, **bias), mlp),
            lambda i: i % 2 == 0,
        ),
    )


@family("gemma3_text")
def gemma3(c: Config) -> ModelSpec:
    """Return a Gemma 3 text model: five windowed layers, then a full one; q/k norms."""
    mlp = gated_mlp(c)
    bias = biased(c.flag("attention_bias"))
    every = c.count("sliding_window_pattern", 6)
    window = c.optional("sliding_window")
    if c.flag("use_bidirectional_attention") and window is not None:
        window = window // 2 + 1
    return decoder(
        c,
        windowed(
            c,
            lambda seen: sandwich(attention(c, window=seen, qk_norm="head", **bias), mlp),
            lambda i: (i + 1) % every != 0,
            window,
        ),
    )
