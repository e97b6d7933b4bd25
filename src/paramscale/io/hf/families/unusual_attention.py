"""Llama-like models with an attention of their own: differential, and dynamically masked."""

from __future__ import annotations

from paramscale.architecture.dynamic_mask import DynamicMask
from paramscale.architecture.norm import Norm, Scale
from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, same_layers
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("diffllama")
def diffllama(c: Config) -> ModelSpec:
    """Return a Differential Transformer (arXiv:2410.05258): two attentions and their mixture."""
    attend = attention(c, score_passes=2, **biased(c.flag("attention_bias")))
    if attend.kv_heads % 2:
        c.contradiction("num_key_value_heads", "differential attention splits them in two halves")
    mixture = Scale(4.0 * attend.head_width, part="attention")
    layer: list[Block] = [Norm(), attend, mixture, Norm(), gated_mlp(c)]
    return decoder(c, same_layers(c, layer))


@family("doge")
def doge(c: Config) -> ModelSpec:
    """Return a Doge model: learned residual scales, and a mask computed from the values."""
    if c.flag("is_moe"):
        c.refuse("is_moe", "modelled is the dense model")
    c.ignore("num_experts", "num_experts_per_tok")
    bias = c.flag("attention_bias")
    attend = attention(c, window=c.optional("sliding_window"), qk_norm="head", **biased(bias))
    mask = DynamicMask(attend.kv_heads, attend.head_width, bias)
    mlp = gated_mlp(c, bias=c.flag("mlp_bias"))
    layer: list[Block] = [Norm(), attend, mask, Scale(), Norm(), mlp, Scale()]
    return decoder(c, same_layers(c, layer))
