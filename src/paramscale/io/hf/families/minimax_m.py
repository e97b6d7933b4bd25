"""MiniMax M2 and M3: softmax attention and experts; in M3 an indexer chooses blocks of tokens."""

from __future__ import annotations

from typing import Any

from paramscale.architecture.block_indexer import BlockIndexer
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import (
    attention,
    decoder,
    gated_mlp,
    layer_kinds,
    pre_norm,
    same_layers,
    stack,
)
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import agrees, experts, listed_kinds
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats


@family("minimax_m2")
def minimax_m2(c: Config) -> ModelSpec:
    """Return a MiniMax-M2: q/k norms over all heads together."""
    agrees(c, "attn_type_list", [1] * c.count("num_hidden_layers"), "modelled is softmax attention")
    agrees(c, "use_qk_norm", True, "the class norms queries and keys")
    agrees(c, "qk_norm_type", "per_layer", "the class norms over all heads together")
    agrees(c, "shared_intermediate_size", 0, "the class has no shared expert")
    agrees(c, "use_routing_bias", True, "the class has the correction of the router")
    c.ignore("mtp_transformer_layers", "num_mtp_modules", "mlp_intermediate_size")
    attend = attention(c, qk_norm="heads")
    return decoder(c, same_layers(c, pre_norm(attend, experts(c, correction="buffer"))))


@family("minimax_m3_vl_text")
def minimax_m3(c: Config) -> ModelSpec:
    """Return a MiniMax-M3: sparse layers attend to the best blocks, and keep the whole cache."""
    older = c.sub("sparse_attention_config")
    index = BlockIndexer(
        _either(c, older, "index_n_heads", "sparse_num_index_heads"),
        _either(c, older, "index_head_dim", "sparse_index_dim"),
    )
    seen = _either(c, older, "index_block_size", "sparse_block_size") * _either(
        c, older, "index_topk_blocks", "sparse_topk_blocks"
    )
    agrees(c, "n_shared_experts", 1, "the class has one, of shared_intermediate_size")
    agrees(c, "use_routing_bias", True, "the class has the correction of the router")
    c.ignore("index_local_blocks", "num_mtp_modules")
    feeds: dict[str, Block] = {
        "dense": gated_mlp(c, "dense_intermediate_size"),
        "sparse": experts(
            c, shared_inner=c.integer("shared_intermediate_size"), correction="buffer"
        ),
    }
    whole = attention(c, qk_norm="head")
    sparse = attention(c, qk_norm="head", window=seen, keeps_all=True)
    attends: dict[str, list[Block]] = {
        "full_attention": [whole],
        "minimax_m3_sparse": [index, sparse],
    }
    kinds = list(zip(_attention_kinds(c, older), _feed_kinds(c), strict=True))
    return decoder(
        c,
        stack(kinds, lambda kind: [Norm(), *attends[kind[0]], Norm(), feeds[kind[1]]]),
    )


def _either(c: Config, older: Config, name: str, old_name: str) -> Floats:
    """Return a size of the indexer, for which the nested object of published files comes first."""
    return older.integer(old_name) if old_name in older.given else c.integer(name)


def _flags(c: Config, name: str, layers: int) -> list[Any]:
    """Return a list with one 0 or 1 a layer."""
    flags = c.items(name, layers) or []
    if any(flag not in (0, 1) for flag in flags):
        c.refuse(name, "modelled are 0 and 1")
    return flags


def _attention_kinds(c: Config, older: Config) -> list[str]:
    layers = c.count("num_hidden_layers")
    sparse, full = "minimax_m3_sparse", "full_attention"
    flags = [0] * layers
    if older.has("sparse_attention_freq"):
        flags = _flags(older, "sparse_attention_freq", layers)
    older.ignore("use_sparse_attention", "sparse_disable_index_value", "sparse_local_block")
    for name in older.unread():
        older.refuse(name, "the class does not read it")
    return layer_kinds(c, layers, (sparse, full), lambda i: sparse if flags[i] else full)


def _feed_kinds(c: Config) -> list[str]:
    layers = c.count("num_hidden_layers")
    flags = _flags(c, "moe_layer_freq", layers) or [1] * layers
    return listed_kinds(c, lambda i: bool(flags[i]))
