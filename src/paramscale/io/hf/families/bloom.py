"""Bloom, Falcon and MPT: fused projections, and positions as biases of the scores or rotary."""

from __future__ import annotations

import numpy as np

from paramscale.architecture.embedding import Table
from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import (
    biased,
    decoder,
    even_attention,
    plain_mlp,
    pre_norm,
    same_layers,
)
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats


def _width(c: Config) -> Floats:
    """Return the width, which older files call ``n_embed``."""
    if not c.has("n_embed"):
        return c.integer("hidden_size")
    width = c.integer("n_embed")
    if c.has("hidden_size") and c.integer("hidden_size") != width:
        c.contradiction("n_embed", "'hidden_size' says otherwise; keep one of them")
    return width


@family("bloom")
def bloom(c: Config) -> ModelSpec:
    """Return a Bloom: biases everywhere, and a norm of the token embeddings."""
    width = _width(c)
    attend = even_attention(c, width, c.integer("n_head"), **biased(True))
    # older files have settings of the code that trained it; its class reads none of them
    c.ignore("skip_bias_add", "skip_bias_add_qkv", "bias_dropout_fusion")
    if c.has("n_inner") and c.integer("n_inner") != 4 * width:
        c.contradiction("n_inner", f"its class has {int(4 * width)} inner channels")
    mlp = MLP(4 * width, gated=False, bias_in=True, bias_out=True)
    blocks = pre_norm(attend, mlp, "layer")
    layers = same_layers(c, blocks, "n_layer")
    embedding: list[Block] = [Table(c.integer("vocab_size")), Norm("layer")]
    return decoder(c, layers, norm="layer", width=width, embedding=embedding)


@family("falcon")
def falcon(c: Config) -> ModelSpec:
    """Return a Falcon (RW, 7B, 40B, 180B), whose two generations differ in heads and norms."""
    width, bias = _width(c), c.flag("bias")
    older = {"n_layer": "num_hidden_layers", "n_head": "num_attention_heads"}
    for name, now in {**older, "n_head_kv": "num_kv_heads"}.items():
        if c.has(name) and c.integer(name) != c.integer(now):
            c.contradiction(name, f"its class reads {now!r}, which says otherwise")
    mlp = plain_mlp(c, "ffn_hidden_size", bias=bias, default=4 * width)
    blocks: list[Block] = [Norm("layer")] * _falcon_norms(c)
    blocks += [_falcon_attention(c, width, bias), mlp]
    layers = same_layers(c, blocks)
    return decoder(c, layers, norm="layer", width=width)


def _falcon_attention(c: Config, width: Floats, bias: bool) -> GroupedAttention:
    """Return the attention; the newer generation repeats grouped heads before it caches them."""
    heads = c.integer("num_attention_heads")
    kv_heads = c.integer("num_kv_heads", heads)
    biases = biased(bias)
    if c.flag("new_decoder_architecture"):
        return even_attention(c, width, heads, kv_heads, cached_heads=heads, **biases)
    if c.flag("multi_query"):
        return even_attention(c, width, heads, kv_heads=np.float64(1.0), **biases)
    if kv_heads != heads:
        c.contradiction("num_kv_heads", "without 'new_decoder_architecture' it must be the heads")
    return even_attention(c, width, heads, **biases)


def _falcon_norms(c: Config) -> int:
    new, norms = c.flag("new_decoder_architecture"), c.optional("num_ln_in_parallel_attn")
    if norms not in (None, 1, 2):
        c.refuse("num_ln_in_parallel_attn", "modelled are 1 and 2")
    if not c.flag("parallel_attn"):
        if new and norms != 1:
            c.refuse("parallel_attn", "the newer generation with two norms is parallel")
        return 2
    if norms == 2 and not new:
        c.refuse("num_ln_in_parallel_attn", "the older generation has one norm")
    return 2 if new and norms != 1 else 1


@family("mpt")
def mpt(c: Config) -> ModelSpec:
    """Return an MPT without any bias and with four widths in the MLP, whatever the file says.

    The reference class leaves ``expansion_ratio`` and ``no_bias`` aside.
    """
    c.ignore("expansion_ratio", "no_bias", "embedding_fraction")
    c.word("norm_type", ("low_precision_layernorm", "layernorm"))
    inner = c.sub("attn_config")
    if inner.get("attn_type") != "multihead_attention" or inner.flag("qk_ln"):
        c.refuse("attn_config", "modelled is multi-head attention without norms inside")
    if not inner.flag("alibi") and c.flag("learned_pos_emb"):
        c.refuse("attn_config", "the reference class has no learned positions in place of ALiBi")
    width = c.integer("d_model")
    attend = even_attention(c, width, c.integer("n_heads"))
    blocks = pre_norm(attend, MLP(4 * width, gated=False), "layer_no_bias")
    layers = same_layers(c, blocks, "n_layers")
    return decoder(c, layers, norm="layer_no_bias", width=width)
