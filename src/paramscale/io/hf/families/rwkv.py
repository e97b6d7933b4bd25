"""RWKV of the fourth generation: time mixing and channel mixing, without attention."""

from __future__ import annotations

from paramscale.architecture.norm import Norm
from paramscale.architecture.rwkv import ChannelMixing, TimeMixing
from paramscale.io.hf.common import decoder, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("rwkv")
def rwkv(c: Config) -> ModelSpec:
    """Return an RWKV-4 model; its first layer also normalises the embedding."""
    width = c.integer("hidden_size")
    inner = c.integer("attention_hidden_size", width)
    if inner != width:
        c.refuse("attention_hidden_size", "the reference code keeps its state in the model's width")
    layer: list[Block] = [
        Norm("layer"),
        TimeMixing(inner),
        Norm("layer"),
        ChannelMixing(c.integer("intermediate_size", 4.0 * width)),
    ]
    kinds = [i == 0 for i in range(c.count("num_hidden_layers"))]
    layers = stack(kinds, lambda first: [Norm("layer"), *layer] if first else layer)
    return decoder(c, layers, norm="layer")
