"""Mixtral and models of its shape: every layer is attention and a mixture of experts."""

from __future__ import annotations

from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import attention, biased, decoder, pre_norm, same_layers
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import agrees, experts
from paramscale.specs.model import ModelSpec


@family("mixtral")
def mixtral(c: Config) -> ModelSpec:
    """Return a Mixtral: one window for all layers, or none."""
    agrees(c, "moe_frequency", 1, "modelled are experts in every layer")
    attend = attention(c, window=c.optional("sliding_window"))
    return decoder(c, same_layers(c, pre_norm(attend, experts(c))))


@family("phimoe")
def phimoe(c: Config) -> ModelSpec:
    """Return a Phi-3.5-MoE: layer norms with bias, and a head that may have a bias."""
    attend = attention(c, window=c.optional("sliding_window"), **biased(c.flag("attention_bias")))
    layers = same_layers(c, pre_norm(attend, experts(c), "layer"))
    return decoder(c, layers, norm="layer", head_bias=c.flag("lm_head_bias"))


@family("olmoe")
def olmoe(c: Config) -> ModelSpec:
    """Return an OLMoE: q/k norms over all heads together."""
    attend = attention(c, qk_norm="heads", **biased(c.flag("attention_bias")))
    if attend.heads * attend.head_width != c.integer("hidden_size"):
        c.contradiction(
            "head_dim", "heads times it must be the width, over which queries are normed"
        )
    return decoder(c, same_layers(c, pre_norm(attend, experts(c, "num_experts"))))


@family("flex_olmo")
def flex_olmo(c: Config) -> ModelSpec:
    """Return a FlexOlmo: norms after the blocks, q/k norms over all heads together."""
    attend = attention(c, qk_norm="heads", **biased(c.flag("attention_bias")))
    return decoder(c, same_layers(c, [attend, Norm(), experts(c, "num_experts"), Norm()]))
