"""Ernie 4.5 and Hunyuan with experts: shared experts beside the routed ones."""

from __future__ import annotations

from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import experts, mixed
from paramscale.specs.model import ModelSpec


@family("ernie4_5_moe")
def ernie(c: Config) -> ModelSpec:
    """Return an Ernie 4.5 MoE: one flag gives a bias to all but routed experts, also to the head."""
    bias, layers = c.flag("use_bias"), c.count("num_hidden_layers")
    inner, shared = c.integer("moe_intermediate_size"), c.integer("moe_num_shared_experts", low=0)
    blocks = {
        "dense": gated_mlp(c, bias=bias),
        "sparse": experts(
            c, "moe_num_experts", "moe_k", "moe_intermediate_size", correction="parameter",
            shared_inner=shared * inner if shared else None, shared_bias=bias,
        ),
    }  # fmt: skip
    first, last = c.integer("moe_layer_start_index", low=0), c.integer("moe_layer_end_index", low=-1)
    last, step = (layers - 1 if last == -1 else last), c.count("moe_layer_interval")
    feeds = [
        "sparse" if (i + 1) % step == 0 and first <= i <= last else "dense" for i in range(layers)
    ]
    attend = attention(c, **biased(bias))
    rows = mixed([None] * layers, feeds, blocks, lambda _, feed: pre_norm(attend, feed))
    return decoder(c, rows, head_bias=bias)


@family("hunyuan_v1_moe")
def hunyuan(c: Config) -> ModelSpec:
    """Return a Hunyuan-A13B: q/k norms in each head, a shared expert of an expert's width."""
    layers, inner = c.count("num_hidden_layers"), c.integer("intermediate_size")
    chosen = c.get("moe_topk")
    each = c.items("moe_topk", layers) if isinstance(chosen, list) else [chosen] * layers
    attend = attention(c, qk_norm="head", **biased(c.flag("attention_bias")))
    _check_hunyuan(c, layers)
    return decoder(
        c,
        stack(
            each or [],
            lambda k: pre_norm(attend, experts(c, "num_experts", chosen=k, shared_inner=inner)),
        ),
    )
