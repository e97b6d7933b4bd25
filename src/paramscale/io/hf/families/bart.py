"""BART and its kin, read as their decoders alone: cross-attention is held, and not run."""

from __future__ import annotations

from typing import Any

from paramscale.architecture.cross_attention import CrossAttention
from paramscale.architecture.embedding import Table
from paramscale.architecture.head import Head
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import biased, decoder, even_attention, plain_mlp, same_layers, tables
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec

#: Rows of the position table before the first position, of the types that have them.
_UNUSED = {"bart": 2, "mbart": 2, "mvp": 2, "plbart": 2}

#: Types whose token embeddings are not normalised, and types with a norm before the logits.
_NO_EMBEDDING_NORM = ("pegasus", "blenderbot", "marian")
_FINAL_NORM = ("mbart", "pegasus", "blenderbot")

#: Settings of older files that say what the class does anyway.
_OLDER = (
    "add_bias_logits",
    "add_final_layer_norm",
    "do_blenderbot_90_layernorm",
    "extra_pos_embeddings",
    "layernorm_variant",
    "normalize_before",
    "normalize_embedding",
    "static_position_embeddings",
)


def _model(
    c: Config,
    embedding: list[Block],
    *,
    final_norm: bool,
    cross: CrossAttention | None,
    biases: dict[str, Any],
    tied: bool | None = None,
) -> ModelSpec:
    """Return the decoder: attention, attention to the encoder, and a plain MLP in each layer."""
    width = c.integer("d_model")
    attend = even_attention(c, width, c.integer("decoder_attention_heads"), **biases)
    mlp = plain_mlp(c, "decoder_ffn_dim", bias=True)
    blocks: list[Block] = [attend, Norm("layer"), mlp, Norm("layer")]
    if cross is not None:
        blocks.insert(2, cross)
    layers = same_layers(c, blocks, "decoder_layers")
    tie = c.flag("tie_word_embeddings") if tied is None else tied
    head: list[Block] = [Norm("layer")] if final_norm else []
    head.append(Head(c.integer("vocab_size"), tied=tie))
    return decoder(c, layers, width=width, embedding=embedding, head=head)


@family(
    "bart", "bigbird_pegasus", "blenderbot", "blenderbot-small", "marian", "mbart", "mvp",
    "pegasus", "plbart",
)  # fmt: skip
def bart(c: Config) -> ModelSpec:
    """Return the decoder of a BART-like model; they differ in norms and positions."""
    kind = c.model_type
    c.ignore(*_OLDER)
    if kind == "mvp" and c.flag("use_prompt"):
        c.refuse("use_prompt", "prompts that are trained beside the model are not modelled")
    tokens = c.integer("vocab_size")
    if kind == "marian" and c.integer("decoder_vocab_size", tokens) != tokens:
        c.refuse("decoder_vocab_size", "modelled is one vocabulary for both sides")
    biases: dict[str, Any] = biased(c.flag("use_bias") if kind == "bigbird_pegasus" else True)
    embedding = tables(c, extra=_UNUSED.get(kind, 0))
    if kind not in _NO_EMBEDDING_NORM:
        embedding.append(Norm("layer"))
    return _model(
        c,
        embedding,
        final_norm=kind in _FINAL_NORM,
        cross=CrossAttention(**biases),
        biases=biases,
        # the decoder of BigBird-Pegasus alone does not tie its head, whatever the file says
        tied=False if kind == "bigbird_pegasus" else None,
    )


@family("trocr")
def trocr(c: Config) -> ModelSpec:
    """Return the text decoder of a TrOCR, which attends to an image encoder of another width."""
    embedding: list[Block] = [Table(c.integer("vocab_size"))]
    if c.flag("use_learned_position_embeddings"):
        embedding = tables(c, extra=2)
    if c.flag("layernorm_embedding"):
        embedding.append(Norm("layer"))
    cross = CrossAttention(source_width=c.optional("cross_attention_hidden_size"))
    return _model(c, embedding, final_norm=False, cross=cross, biases=biased(True))


@family("whisper")
def whisper(c: Config) -> ModelSpec:
    """Return the text decoder of a Whisper, whose keys have no bias."""
    biases: dict[str, Any] = {**biased(True), "key_bias": False}
    embedding = tables(c, "max_target_positions")
    return _model(c, embedding, final_norm=True, cross=CrossAttention(**biases), biases=biases)


@family("musicgen_decoder", "musicgen_melody_decoder")
def musicgen(c: Config) -> ModelSpec:
    """Return the audio-token decoder of a MusicGen: one table and one head a codebook."""
    width, tokens = c.integer("hidden_size"), c.integer("vocab_size")
    attend = even_attention(c, width, c.integer("num_attention_heads"))
    blocks: list[Block] = [Norm("layer"), attend, Norm("layer"), plain_mlp(c, "ffn_dim")]
    if c.model_type == "musicgen_decoder":
        without: dict[str, Any] = biased(False)
        blocks.append(CrossAttention(**without))
    layers = same_layers(c, blocks)
    codebooks = c.count("num_codebooks")
    c.flag("tie_word_embeddings")  # the class has nothing to tie
    head: list[Block] = [Norm("layer"), *[Head(tokens)] * codebooks]
    return decoder(c, layers, embedding=[Table(tokens + 1)] * codebooks, head=head)
