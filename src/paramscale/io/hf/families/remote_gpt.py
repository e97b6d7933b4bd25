"""Qwen 1, ChatGLM and Phi 1 to 2 as they were published, with code beside their weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from paramscale.architecture.block_sparse_attention import BlockSparseAttention
from paramscale.architecture.embedding import Table
from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.architecture.head import Head
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import biased, decoder, even_attention, pre_norm, same_layers, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import agrees
from paramscale.io.hf.remote import spelled
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("qwen")
def qwen(c: Config) -> ModelSpec:
    """Return a Qwen of the first generation; its inner width is half of what the file says.

    Queries, keys and values have biases in any case; the flag ``no_bias`` is about the rest.
    Checked: Qwen-7B has 7,721,324,544 parameters (its checkpoint holds 15,442,649,088 bytes of
    bfloat16).
    """
    width, heads = c.integer("hidden_size"), c.integer("num_attention_heads")
    if c.integer("kv_channels") * heads != width:
        c.contradiction("kv_channels", "heads times it must be the width in the reference code")
    c.ignore("seq_length", "use_logn_attn", "use_dynamic_ntk")
    other = not c.flag("no_bias", True)
    inner = c.integer("intermediate_size")
    if inner % 2:
        c.contradiction("intermediate_size", "the class halves it, so it must be even")
    mlp = MLP(inner / 2.0, bias_in=other, bias_out=other)
    layer = pre_norm(even_attention(c, width, heads, **biased(True, other)), mlp)
    return decoder(c, same_layers(c, layer), tied=c.flag("tie_word_embeddings"))


@family("chatglm")
def chatglm(c: Config) -> ModelSpec:
    """Return a ChatGLM 2 or 3 or a GLM-4 of its code; the head is never the token table.

    Checked: ChatGLM3-6B has 6,243,584,000 parameters (count of its loaded checkpoint), GLM-4-9B
    9,399,951,360 (its checkpoint's metadata say 32 more, the frequencies of its positions).
    """
    if c.has("position_encoding_2d") or c.has("inner_hidden_size"):
        return _chatglm1(c)
    width, heads = c.integer("hidden_size"), c.integer("num_attention_heads")
    kv_heads = heads
    if c.flag("multi_query_attention"):
        kv_heads = c.integer("multi_query_group_num")
    c.ignore("multi_query_group_num")
    if heads % kv_heads:
        c.contradiction("multi_query_group_num", f"{int(heads)} heads are no multiple of it")
    bias = c.flag("add_bias_linear")
    biases: dict[str, Any] = biased(bias or c.flag("add_qkv_bias"), bias)
    attend = GroupedAttention(heads, kv_heads, c.integer("kv_channels"), **biases)
    norm = "rms" if c.flag("rmsnorm", True) else "layer"
    mlp = MLP(c.integer("ffn_hidden_size"), bias_in=bias, bias_out=bias)
    if c.get("pre_seq_len") is not None:
        c.refuse("pre_seq_len", "modelled are checkpoints without a learned prefix")
    if c.flag("tie_word_embeddings"):
        c.refuse("tie_word_embeddings", "the reference code ties nothing")
    c.ignore("post_layer_norm", "apply_residual_connection_post_layernorm", "seq_length")
    final = norm if c.flag("post_layer_norm", True) else "none"
    vocabulary = c.integer(spelled(c, "padded_vocab_size", "vocab_size"))
    kinds = ["layer"] * c.count(spelled(c, "num_layers", "num_hidden_layers"))
    return decoder(
        c,
        stack(kinds, lambda _: pre_norm(attend, mlp, norm)),
        width=width,
        embedding=[Table(vocabulary)],
        head=[Norm(final), Head(vocabulary)],
    )


def _chatglm1(c: Config) -> ModelSpec:
    """Return a ChatGLM of the first generation: layer norms, biases, no gate, a tied head.

    Checked: ChatGLM-6B has 6,173,286,400 parameters (table of the tool calflops).
    """
    width = c.integer("hidden_size")
    attend = even_attention(c, width, c.integer("num_attention_heads"), **biased(True))
    inner = c.integer("inner_hidden_size", 4.0 * width)
    mlp = MLP(inner, gated=False, bias_in=True, bias_out=True)
    if c.get("pre_seq_len") is not None:
        c.refuse("pre_seq_len", "modelled are checkpoints without a learned prefix")
    c.ignore("position_encoding_2d", "max_sequence_length")
    layers = stack(
        ["layer"] * c.count(spelled(c, "num_layers", "num_hidden_layers")),
        lambda _: pre_norm(attend, mlp, "layer"),
    )
    return decoder(c, layers, norm="layer", tied=c.flag("tie_word_embeddings", True))


@family("phi-msft")
def phi_msft(c: Config) -> ModelSpec:
    """Return a Phi 1, 1.5 or 2: attention and feed-forward block side by side, a head with biases.

    Checked: Phi-1.5 has 1,418,270,720 and Phi-2 2,779,683,840 parameters (metadata of their
    checkpoints).
    """
    width = c.integer(spelled(c, "n_embd", "hidden_size"))
    heads = c.integer(spelled(c, "n_head", "num_attention_heads"))
    attend = even_attention(c, width, heads, c.optional("n_head_kv"), **biased(True))
    mlp = MLP(c.integer("n_inner", 4.0 * width), gated=False, bias_in=True, bias_out=True)
    if c.flag("tie_word_embeddings"):
        c.refuse("tie_word_embeddings", "the published models have a head of their own")
    # the class rounds its vocabulary up
    block = c.integer("pad_vocab_size_multiple", 64)
    vocabulary = np.ceil(c.integer("vocab_size") / block) * block
    blocks: list[Block] = [Norm("layer"), attend, mlp]
    layers = ["layer"] * c.count(spelled(c, "n_layer", "num_hidden_layers"))
    return decoder(
        c,
        stack(layers, lambda _: blocks),
        width=width,
        embedding=[Table(vocabulary)],
        head=[Norm("layer"), Head(vocabulary, bias=True)],
    )


@family("phi3small")
def phi3small(c: Config) -> ModelSpec:
    """Return a Phi-3-small: layers of block-sparse attention between layers of dense attention.

    Checked: Phi-3-small has 7.392e9 parameters with a tied head (its repository: 7.39B).
    """
    if c.get("ff_dim_multiplier") is not None:
        c.refuse("ff_dim_multiplier", "modelled is ff_intermediate_size")
    dense = even_attention(
        c,
        c.integer("hidden_size"),
        c.integer("num_attention_heads"),
        c.integer("num_key_value_heads"),
        **biased(True),
    )
    agrees(c, "attention_bias", False, "the field has no influence, the biases are always there")
    c.ignore("blocksparse_homo_head_pattern", "blocksparse_triton_kernel_block_size")
    size = c.integer("blocksparse_block_size")
    sparse = BlockSparseAttention(
        dense,
        window=size * c.integer("blocksparse_num_local_blocks"),
        stride=c.integer("blocksparse_vert_stride"),
    )
    inner = c.integer("ff_intermediate_size")
    mlp = MLP(inner, bias_in=True, bias_out=True)
    every = int(c.integer("dense_attention_every_n_layers"))
    kinds = [(i + 1) % every == 0 for i in range(c.count("num_hidden_layers"))]
    layers = stack(kinds, lambda whole: pre_norm(dense if whole else sparse, mlp, "layer"))
    c.ignore("gegelu_pad_to_256", "pad_sequence_to_multiple_of_64")
    return decoder(c, layers, norm="layer", tied=c.flag("tie_word_embeddings", True))
