"""The text model of Aria."""

from __future__ import annotations

from paramscale.io.hf.common import attention, biased, decoder, pre_norm, same_layers
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import experts
from paramscale.specs.model import ModelSpec


@family("aria_text")
def aria(c: Config) -> ModelSpec:
    """Return an Aria: shared experts of the width of the routed ones, which may have biases."""
    shared = c.integer("moe_num_shared_experts", low=0) * c.integer("intermediate_size")
    bias = c.flag("mlp_bias")
    if bias and not shared:
        c.refuse("moe_num_shared_experts", "the class would keep a lone bias in their place")
    feed = experts(
        c, "moe_num_experts", "moe_topk",
        shared_inner=shared or None, shared_bias=bias,
    )  # fmt: skip
    attend = attention(c, **biased(c.flag("attention_bias")))
    return decoder(c, same_layers(c, pre_norm(attend, feed)))
