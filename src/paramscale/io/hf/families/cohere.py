"""Command R and its successors: attention and feed-forward in parallel after one norm."""

from __future__ import annotations

from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, same_layers, windowed
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec

_NORM = "layer_no_bias"


@family("cohere")
def cohere(c: Config) -> ModelSpec:
    """Return a Command R model: q/k norms of each head where the file asks for them."""
    attend = attention(
        c,
        qk_norm="heads" if c.flag("use_qk_norm") else "none",
        **biased(c.flag("attention_bias")),
    )
    layer: list[Block] = [Norm(_NORM), attend, gated_mlp(c)]
    return decoder(c, same_layers(c, layer), norm=_NORM)


@family("cohere2", "cohere_compass_text")
def cohere2(c: Config) -> ModelSpec:
    """Return a Command A model: windows, but for every n-th layer."""
    mlp = gated_mlp(c)
    bias = biased(c.flag("attention_bias"))
    every = c.count("sliding_window_pattern", 4)
    compass = c.model_type == "cohere_compass_text"
    layers = windowed(
        c,
        lambda window: [
            Norm(_NORM),
            attention(c, window=window, **bias),
            mlp,
        ],
        lambda i: not compass and (i + 1) % every != 0,
    )
    return decoder(c, layers, norm=_NORM)
