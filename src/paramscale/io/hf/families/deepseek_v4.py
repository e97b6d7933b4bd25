"""DeepSeek-V4: compressed attention, several residual streams, experts from a table at first."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from paramscale.architecture.compressed_attention import CompressedAttention
from paramscale.architecture.embedding import Table
from paramscale.architecture.head import Head
from paramscale.architecture.hyper_connection import HyperConnection
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import decoder, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.latent import routed_experts
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats

SLIDING, SPARSE, HEAVY = (
    "sliding_attention",
    "compressed_sparse_attention",
    "heavily_compressed_attention",
)
RATES = {SPARSE: np.float64(4.0), HEAVY: np.float64(128.0)}
RATIOS = {0: SLIDING, 4: SPARSE, 128: HEAVY}


@family("deepseek_v4")
def deepseek_v4(c: Config) -> ModelSpec:
    """Return a DeepSeek-V4; its prediction modules are not published in a class, and left out."""
    c.ignore("num_nextn_predict_layers", "index_n_heads", "index_head_dim", "index_topk")
    vocabulary, connect = c.integer("vocab_size"), HyperConnection(c.integer("hc_mult"))
    kinds = list(zip(_attention_kinds(c), _expert_kinds(c), strict=True))
    attends = {kind: _attention(c, kind) for kind, _ in kinds}
    if c.integer("n_shared_experts") != 1:
        c.refuse("n_shared_experts", "the class has one shared expert")
    shared_bias = c.flag("mlp_bias")
    feeds = {
        "moe": routed_experts(c, shared_bias=shared_bias),
        "hash_moe": routed_experts(c, shared_bias=shared_bias, token_table=vocabulary),
    }

    def layer(attend: str, feed: str) -> list[Block]:
        return [connect, Norm(), attends[attend], connect, Norm(), feeds[feed]]

    head: list[Block] = [
        HyperConnection(connect.streams, "collapsing"),
        Norm(),
        Head(vocabulary, tied=c.flag("tie_word_embeddings")),
    ]
    layers = stack(kinds, lambda kind: layer(*kind))
    return decoder(c, layers, embedding=[Table(vocabulary)], head=head)


def _attention(c: Config, kind: str) -> CompressedAttention:
    """Return the attention of one kind of layer; there are no biases in it."""
    # the class has these fields, and always one head of keys and no such biases
    c.optional("num_key_value_heads")
    c.flag("attention_bias")
    heads, channels = c.integer("num_attention_heads"), c.integer("head_dim")
    groups = c.integer("o_groups")
    if heads * channels % groups:
        c.contradiction("o_groups", f"{int(heads * channels)} channels are no multiple of it")
    indexed = kind == SPARSE
    return CompressedAttention(
        heads=heads,
        head_width=channels,
        query_rank=c.integer("q_lora_rank"),
        window=c.integer("sliding_window", low=2),
        output_groups=groups,
        output_rank=c.integer("o_lora_rank"),
        rate=None if kind == SLIDING else _rate(c, kind),
        index_heads=c.integer("index_n_heads") if indexed else None,
        index_width=c.integer("index_head_dim") if indexed else None,
        selected=c.integer("index_topk") if indexed else None,
    )


def _rate(c: Config, kind: str) -> Floats:
    """Return the tokens that one pooled entry stands for."""
    older = c.optional("compress_rate_csa" if kind == SPARSE else "compress_rate_hca")
    if older is not None:
        return older
    if c.get("compress_rates") is None:
        return RATES[kind]
    return c.sub("compress_rates").integer(kind)


def _attention_kinds(c: Config) -> list[str]:
    """Return the attention of each layer; longer lists also name the prediction modules."""
    layers = c.count("num_hidden_layers")
    kinds, ratios = c.items("layer_types"), c.items("compress_ratios")
    if kinds is None and ratios is not None:
        if not set(ratios) <= RATIOS.keys():
            c.refuse("compress_ratios", f"modelled are {', '.join(map(str, RATIOS))}")
        kinds = [RATIOS[ratio] for ratio in ratios]
    if kinds is None:
        return [SPARSE if i > 2 and i % 2 else HEAVY for i in range(layers)]
    return _named(c, "layer_types", kinds, layers, RATIOS.values())


def _expert_kinds(c: Config) -> list[str]:
    """Return which layers look their experts up, by default the first ones."""
    layers = c.count("num_hidden_layers")
    hashed = c.integer("num_hash_layers", 3, low=0)
    kinds = c.items("mlp_layer_types")
    if kinds is None:
        return ["hash_moe" if i < hashed else "moe" for i in range(layers)]
    return _named(c, "mlp_layer_types", kinds, layers, ("hash_moe", "moe"))


def _named(
    c: Config, name: str, kinds: list[Any], layers: int, options: Collection[str]
) -> list[str]:
    """Return the kinds of the model's own layers."""
    if len(kinds) < layers:
        c.contradiction(name, f"there are {layers} layers")
    if not set(kinds) <= set(options):
        c.refuse(name, f"modelled are {', '.join(map(repr, options))}")
    return kinds[:layers]
