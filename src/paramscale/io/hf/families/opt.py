"""OPT, BioGPT and XGLM: decoders of the fairseq kind, with two unused rows of positions."""

from __future__ import annotations

from paramscale.architecture.cross_attention import CrossAttention
from paramscale.architecture.embedding import Projection, Table
from paramscale.architecture.head import Head
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import (
    biased,
    decoder,
    even_attention,
    plain_mlp,
    pre_norm,
    same_layers,
    tables,
)
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec

_UNUSED = 2  # rows of the position table before the first position


@family("opt")
def opt(c: Config) -> ModelSpec:
    """Return an OPT; the 350M has norms after the blocks and a narrower token table."""
    width, bias = c.integer("hidden_size"), c.flag("enable_bias")
    norm = "layer" if c.flag("layer_norm_elementwise_affine") else "none"
    attend = even_attention(c, width, c.integer("num_attention_heads"), **biased(bias))
    blocks = pre_norm(attend, plain_mlp(c, "ffn_dim", bias=bias), norm)
    layers = same_layers(c, blocks)
    narrow = c.integer("word_embed_proj_dim", width)
    tokens = Table(c.integer("vocab_size"), channels=narrow)
    embedding: list[Block] = [tokens, tables(c, extra=_UNUSED)[1]]
    final = c.flag("do_layer_norm_before") and not c.flag("_remove_final_layer_norm")
    head: list[Block] = [Norm(norm)] if final else []
    if narrow != width:
        embedding.append(Projection(inputs=narrow, outputs=width))
        head.append(Projection(inputs=width, outputs=narrow))
    tied = c.flag("tie_word_embeddings")
    head.append(Head(c.integer("vocab_size"), tied=tied, channels=narrow))
    return decoder(c, layers, embedding=embedding, head=head)


@family("biogpt")
def biogpt(c: Config) -> ModelSpec:
    """Return a BioGPT: biases everywhere but of the logits."""
    width = c.integer("hidden_size")
    attend = even_attention(c, width, c.integer("num_attention_heads"), **biased(True))
    blocks = pre_norm(attend, plain_mlp(c, bias=True), "layer")
    layers = same_layers(c, blocks)
    return decoder(c, layers, norm="layer", embedding=tables(c, extra=_UNUSED))


@family("xglm")
def xglm(c: Config) -> ModelSpec:
    """Return an XGLM: sinusoidal positions, biases everywhere but of the logits."""
    width = c.integer("d_model")
    attend = even_attention(c, width, c.integer("attention_heads"), **biased(True))
    blocks = pre_norm(attend, plain_mlp(c, "ffn_dim", bias=True), "layer")
    if c.flag("add_cross_attention"):
        blocks.append(CrossAttention())
    layers = same_layers(c, blocks, "num_layers")
    return decoder(c, layers, norm="layer", width=width)
