"""dots3 note: latent attention in indexed, full and sliding layers, these with their own sizes."""

from __future__ import annotations

from typing import Any

from paramscale.architecture.latent_attention import LatentAttention
from paramscale.io.hf.common import decoder, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.latent import (
    dense_or_sparse,
    index_block,
    latent_attention,
    routed_experts,
)
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats

SLIDING, INDEXED, FULL = "sliding_attention", "indexed_attention", "full_attention"


@family("dots3_note_text")
def dots3_note_text(c: Config) -> ModelSpec:
    """Return a dots3 note: a gate a head, a norm of the rotary key, wider sliding latents."""
    if c.get("per_layer_config") is not None:
        c.refuse("per_layer_config", "modelled are the fields 'swa_...' of sliding layers")
    kinds = _attention_kinds(c)
    usual = {"gate": "heads", "rope_norm": True}
    full = latent_attention(c, query_rank=c.integer("q_lora_rank"), **usual)
    _same_heads(c, "num_key_value_heads", full.heads)
    attends: dict[str, list[Block]] = {
        FULL: [full],
        SLIDING: [_sliding(c, SLIDING in kinds, **usual)],
        INDEXED: [
            index_block(c, key_format="fp32"),
            latent_attention(
                c,
                query_rank=c.integer("q_lora_rank"),
                selected=c.integer("index_topk"),
                **usual,
            ),
        ],
    }
    shared = c.optional("moe_shared_expert_intermediate_size")
    if shared is None:
        shared = c.integer("shared_experts_intermediate_size")
    experts = routed_experts(c, shared_inner=c.integer("n_shared_experts") * shared)
    feeds: dict[str, Block] = {"dense": gated_mlp(c), "sparse": experts}
    c.flag("mlp_bias")  # the class has the field and no such biases

    def layer(attend: str, feed: str) -> list[Block]:
        norm, last, *rest = pre_norm(attends[attend][-1], feeds[feed])
        return [norm, *attends[attend][:-1], last, *rest]

    both = list(zip(kinds, dense_or_sparse(c, lambda _: _feed_kinds(c)), strict=True))
    return decoder(c, stack(both, lambda kind: layer(*kind)))


def _sliding(c: Config, used: bool, **usual: Any) -> LatentAttention:
    """Return the attention of sliding layers; the defaults are those of the class."""
    heads = c.integer("swa_num_attention_heads", 64)
    _same_heads(c, "swa_num_key_value_heads", heads, 64)
    nope, whole = c.integer("swa_qk_nope_head_dim", 192), c.integer("swa_head_dim", 256)
    rope = c.integer("swa_qk_rope_head_dim", int(whole - nope))
    if used and whole != nope + rope:
        c.contradiction("swa_head_dim", "it must be swa_qk_nope_head_dim + swa_qk_rope_head_dim")
    window = c.optional("sliding_window", low=2)
    return LatentAttention(
        heads=heads,
        query_rank=c.integer("swa_q_lora_rank", 1024),
        kv_rank=c.integer("swa_kv_lora_rank", 1024),
        nope_width=nope,
        rope_width=rope,
        value_width=c.integer("swa_v_head_dim", 128),
        bias=c.flag("attention_bias"),
        window=c.integer("sliding_window_size", 512, low=2) if window is None else window,
        **usual,
    )


def _same_heads(c: Config, name: str, heads: Floats, usual: int | None = None) -> None:
    if c.integer(name, usual) != heads:
        c.contradiction(name, f"the class asks for as many as there are heads, {int(heads)}")


def _attention_kinds(c: Config) -> list[str]:
    """Return the attention of each layer; older files call indexed layers full."""
    layers, indexed = c.count("num_hidden_layers"), c.get("use_dsa", True)
    if not isinstance(indexed, bool):
        c.refuse("use_dsa", "modelled are true and false")
    kinds, whole = c.items("layer_types", layers), INDEXED if indexed else FULL
    slides = c.flag("use_sliding_window", True)
    if kinds is None:
        first = [not slides or i < 2 or i % 4 == 1 for i in range(layers)]
        return [whole if seen else SLIDING for seen in first]
    if not set(kinds) <= {SLIDING, INDEXED, FULL, "deepseek_sparse_attention"}:
        c.refuse("layer_types", f"modelled are {SLIDING!r}, {INDEXED!r}, {FULL!r}")
    return [SLIDING if kind == SLIDING else whole for kind in kinds]


def _feed_kinds(c: Config) -> list[str]:
    """Return which layers have experts, from a schedule or from a flag for each layer."""
    layers = c.count("num_hidden_layers")
    first, every = c.integer("first_k_dense_replace", 1, low=0), c.get("moe_layer_freq", 1)
    if isinstance(every, (list, tuple)):
        flags = [bool(flag) for flag in c.items("moe_layer_freq", layers) or ()]
    else:
        step = c.count("moe_layer_freq", 1)
        flags = [i % step == 0 for i in range(layers)]
    return ["sparse" if i >= first and flags[i] else "dense" for i in range(layers)]
