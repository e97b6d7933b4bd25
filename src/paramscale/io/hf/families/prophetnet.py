"""Decoders with a structure of their own: ProphetNet, Moshi, CPM-Ant and ModernBERT."""

from __future__ import annotations

from paramscale.architecture.cross_attention import CrossAttention
from paramscale.architecture.embedding import Projection, Table
from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.architecture.head import Head
from paramscale.architecture.mlp import MLP
from paramscale.architecture.more_tokens import MoreTokens
from paramscale.architecture.ngram_attention import NgramAttention
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import (
    attention,
    biased,
    decoder,
    even_attention,
    gated_mlp,
    layer_kinds,
    plain_mlp,
    pre_norm,
    same_layers,
    stack,
    tables,
)
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block, Borrowed
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats


@family("prophetnet")
def prophetnet(c: Config) -> ModelSpec:
    """Return the decoder of a ProphetNet, in which streams for several tokens ahead run along."""
    width, heads, streams = (
        c.integer(name) for name in ("hidden_size", "num_decoder_attention_heads", "ngram")
    )
    if width % heads:
        c.contradiction("num_decoder_attention_heads", f"it does not divide {int(width)}")
    mlp = MoreTokens(plain_mlp(c, "decoder_ffn_dim", bias=True), streams=1 + streams)
    attend = NgramAttention(heads, width // heads, streams, c.integer("num_buckets"))
    norm = MoreTokens(Norm("layer"), streams=1 + streams)
    blocks: list[Block] = [attend, norm, mlp, norm]
    if c.flag("add_cross_attention"):
        blocks.append(CrossAttention())
    layers = same_layers(c, blocks, "num_decoder_layers")
    tokens, positions = tables(c)
    embedding: list[Block] = [tokens, positions, Table(streams, of="other_embedding"), norm]
    tied = c.flag("tie_word_embeddings")
    # the token table is named twice; untied, the second one is a table of its own
    embedding.append(Borrowed(tokens) if tied else tokens)
    head = MoreTokens(Head(c.integer("vocab_size"), tied=tied), streams=streams)
    return decoder(c, layers, embedding=embedding, head=[head])


@family("moshi")
def moshi(c: Config) -> ModelSpec:
    """Return the temporal decoder of a Moshi; its table has one token more than its head."""
    inner = c.integer("ffn_dim")
    if inner % 2:
        c.contradiction("ffn_dim", "it must be even: one half gates the other")
    c.ignore("audio_vocab_size", "audio_encoder_config", "depth_decoder_config", "num_codebooks")
    attend = attention(c, window=c.optional("sliding_window"))
    blocks = pre_norm(attend, MLP(inner // 2, gated=True))
    layers = same_layers(c, blocks)
    tokens = c.integer("vocab_size")
    c.flag("tie_word_embeddings")  # table and head have different sizes, and are never tied
    return decoder(c, layers, embedding=[Table(tokens + 1)], tied=False)


@family("cpmant")
def cpmant(c: Config) -> ModelSpec:
    """Return a CPM-Ant, which puts a learned prompt before the tokens and never ties its head."""
    prompt, width = c.integer("prompt_length"), c.integer("hidden_size")
    heads, per_head = c.integer("num_attention_heads"), c.integer("dim_head")
    inner: list[Block] = [
        Norm("rms"),
        GroupedAttention(heads, heads, per_head),
        Norm("rms"),
        gated_mlp(c, "dim_ff"),
    ]
    blocks = [MoreTokens(item, prefix=prompt) for item in inner]
    layers = same_layers(c, blocks)
    tokens, segments = c.integer("vocab_size"), c.integer("segment_types")
    c.flag("tie_word_embeddings")
    embedding = [
        Table(tokens + prompt * c.integer("prompt_types")),
        Table(segments, of="other_embedding"),
        # a bias of the scores for every distance bucket and pair of segments
        Table(
            c.integer("position_bias_num_buckets") + segments**2, of="other_embedding",
            channels=heads,
        ),
    ]  # fmt: skip
    return decoder(c, layers, width=width, embedding=embedding, tied=False)


@family("modernbert-decoder")
def modernbert_decoder(c: Config) -> ModelSpec:
    """Return a ModernBERT decoder: windows in most layers, and a transform before the logits."""
    width, heads = c.integer("hidden_size"), c.integer("num_attention_heads")
    norm = "layer" if c.flag("norm_bias") else "layer_no_bias"
    biases, mlp = biased(c.flag("attention_bias")), gated_mlp(c, bias=c.flag("mlp_bias"))
    window: Floats = c.integer("local_attention", low=2) // 2
    every, count = c.count("global_attn_every_n_layers", 3), c.count("num_hidden_layers")
    slides, sees_all = "sliding_attention", "full_attention"
    kinds = layer_kinds(c, count, (slides, sees_all), lambda i: slides if i % every else sees_all)

    def layer(kind: tuple[str, bool]) -> list[Block]:
        limit = window if kind[0] == slides else None
        blocks = pre_norm(even_attention(c, width, heads, window=limit, **biases), mlp, norm)
        return blocks[1:] if kind[1] else blocks  # the norm of the tables stands for the first

    layers = stack([(kind, i == 0) for i, kind in enumerate(kinds)], layer)
    head: list[Block] = [
        Norm(norm),
        Projection(bias=c.flag("classifier_bias")),
        Norm(norm),
        Head(
            c.integer("vocab_size"), tied=c.flag("tie_word_embeddings"),
            bias=c.flag("decoder_bias"),
        ),
    ]  # fmt: skip
    embedding: list[Block] = [Table(c.integer("vocab_size")), Norm(norm)]
    return decoder(c, layers, embedding=embedding, head=head)
