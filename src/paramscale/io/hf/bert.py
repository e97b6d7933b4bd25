"""What the BERT-like families share: layers with biases everywhere, and the head's transform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paramscale.architecture.cross_attention import CrossAttention
from paramscale.architecture.embedding import Projection, Table
from paramscale.architecture.head import Head
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import biased, even_attention, plain_mlp, same_layers
from paramscale.io.hf.config import Config
from paramscale.specs.block import Block
from paramscale.specs.model import Layer
from paramscale.typing import Floats

__all__ = ["bert_embedding", "bert_head", "bert_layers"]


def bert_embedding(
    c: Config,
    *,
    channels: Floats | None = None,
    types: bool = True,
    norm: bool = True,
    positions: bool = True,
    tied: bool = False,
) -> list[Block]:
    """Return tables of tokens, positions and types, of `channels`, and the norm of their sum."""
    c.word("position_embedding_type", ("absolute",), "absolute")
    found: list[Block] = [Table(c.integer("vocab_size"), channels=channels, tied=tied)]
    if positions:
        rows = c.integer("max_position_embeddings")
        found.append(Table(rows, of="position_embedding", channels=channels))
    if types:
        rows = c.integer("type_vocab_size")
        found.append(Table(rows, of="other_embedding", channels=channels))
    if norm:
        found.append(Norm("layer", channels=channels))
    return found


def bert_layers(
    c: Config, biases: dict[str, Any] | None = None, extra: Sequence[Block] = ()
) -> list[Layer]:
    """Return the layers: two norms, before or after attention and MLP, and `extra` blocks.

    A decoder in an encoder-decoder pair (``add_cross_attention``) also holds cross-attention.
    """
    c.ignore("pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers")
    c.ignore("pooler_size_per_head", "directionality")
    if biases is None:
        biases = dict[str, Any](biased(True))
    width, heads = c.integer("hidden_size"), c.integer("num_attention_heads")
    blocks: list[Block] = [even_attention(c, width, heads, **biases), Norm("layer")]
    if c.flag("add_cross_attention"):
        if not c.flag("is_decoder"):
            c.contradiction("add_cross_attention", "it needs 'is_decoder'")
        blocks.append(CrossAttention(**biases))
    blocks += [plain_mlp(c, bias=True), Norm("layer"), *extra]
    return same_layers(c, blocks)


def bert_head(
    c: Config, channels: Floats | None = None, *, transform: bool = True, holds: bool = False
) -> list[Block]:
    """Return the transform of the hidden state to `channels`, and the logits with two biases.

    A head that `holds` the matrix which it shares with the token table is one that is named first.
    """
    tied = c.flag("tie_word_embeddings")
    head = Head(
        c.integer("vocab_size"), tied=tied and not holds, bias=True,
        second_bias="shared" if tied else "own", channels=channels,
    )  # fmt: skip
    if not transform:
        return [head]
    return [Projection(outputs=channels, bias=True), Norm("layer", channels=channels), head]
