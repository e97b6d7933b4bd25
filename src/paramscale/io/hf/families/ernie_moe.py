"""Ernie 4.5 and Hunyuan with experts: shared experts beside the routed ones."""

from __future__ import annotations

from paramscale.architecture.experts import MixtureOfExperts
from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import agrees, experts, mixed, numbers
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats


@family("ernie4_5_moe")
def ernie(c: Config) -> ModelSpec:
    """Return an Ernie 4.5 MoE: one flag gives a bias to all but routed experts and norms."""
    c.ignore("moe_gate", "moe_gate_act", "moe_use_aux_free", "moe_group")
    c.ignore("num_nextn_predict_layers")
    bias, layers = c.flag("use_bias"), c.count("num_hidden_layers")
    inner, shared = c.integer("moe_intermediate_size"), c.integer("moe_num_shared_experts", low=0)
    blocks: dict[str, Block] = {
        "dense": gated_mlp(c, bias=bias),
        "sparse": experts(
            c, "moe_num_experts", "moe_k", "moe_intermediate_size", correction="parameter",
            shared_inner=shared * inner if shared else None, shared_bias=bias,
        ),
    }  # fmt: skip
    first, last = (
        c.integer("moe_layer_start_index", low=0),
        c.integer("moe_layer_end_index", low=-1),
    )
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
    attend = attention(c, qk_norm="head", **biased(c.flag("attention_bias")))
    _check_hunyuan(c, layers, inner, attend.head_width)
    total = c.integer("num_experts")
    blocks = stack(
        _chosen(c, layers, total),
        lambda k: pre_norm(attend, MixtureOfExperts(total, k, inner, shared_inner=inner)),
    )
    return decoder(c, blocks)


def _chosen(c: Config, layers: int, total: Floats) -> list[float]:
    """Return how many experts a token passes in each layer: one number for all, or a list."""
    if not isinstance(c.get("moe_topk"), list):
        return [float(c.integer("moe_topk"))] * layers
    listed = numbers(c, "moe_topk", layers, low=1) or []
    if any(k > total for k in listed):
        c.contradiction("moe_topk", f"there are {int(total)} experts")
    return [float(k) for k in listed]


def _check_hunyuan(c: Config, layers: int, inner: Floats, width: Floats) -> None:
    """Refuse fields of the published code that say something else than the class builds."""
    for name, expected in (("moe_intermediate_size", inner), ("num_shared_expert", 1)):
        listed = [expected] * layers if isinstance(c.get(name), list) else expected
        agrees(c, name, listed, "the class builds one shared expert, of the width of the others")
    agrees(c, "attention_head_dim", width, "the class reads head_dim")
    agrees(c, "use_cla", False, "no layer shares keys and values with another")
    c.ignore("cla_share_factor", "use_mixed_mlp_moe", "use_qk_norm", "class_num")
    c.ignore("num_media_embeds", "org_vocab_size", "enable_lm_head_fp32")
