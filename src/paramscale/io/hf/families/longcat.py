"""LongCat-Flash: two attentions a layer, with experts that run beside the second half."""

from __future__ import annotations

from paramscale.io.hf.common import decoder, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.latent import latent_attention, routed_experts
from paramscale.specs.model import ModelSpec


@family("longcat_flash")
def longcat_flash(c: Config) -> ModelSpec:
    """Return a LongCat-Flash: experts of no cost among the routed ones, no shared experts."""
    c.ignore("num_nextn_predict_layers")  # their layers are not in the class
    half = pre_norm(
        latent_attention(c, query_rank=c.integer("q_lora_rank")), gated_mlp(c, "ffn_hidden_size")
    )
    c.word("zero_expert_type", ("identity",), "identity")
    experts = routed_experts(
        c,
        chosen="moe_topk",
        inner="expert_ffn_hidden_size",
        shared=None,
        router_bias=c.flag("router_bias"),
        zero_experts=c.integer("zero_expert_num", low=0) or None,
    )
    kinds = ["layer"] * _layers(c)
    return decoder(c, stack(kinds, lambda _: [*half, experts, *half]))


def _layers(c: Config) -> int:
    """Return the layers; ``num_hidden_layers`` counts each of them twice."""
    if not c.has("num_hidden_layers"):
        return c.count("num_layers")
    twice = c.count("num_hidden_layers")
    if twice % 2 or (c.has("num_layers") and c.count("num_layers") != twice // 2):
        c.contradiction("num_hidden_layers", "it must be twice num_layers")
    return twice // 2
