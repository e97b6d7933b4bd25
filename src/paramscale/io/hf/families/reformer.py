"""Reformer: attention in chunks and by hashes, and a head of twice the width."""

from __future__ import annotations

from math import lcm
from typing import Any

import numpy as np

from paramscale.architecture.chunk_attention import ChunkAttention
from paramscale.architecture.embedding import Table
from paramscale.architecture.head import Head
from paramscale.architecture.held import Held
from paramscale.architecture.more_tokens import MoreTokens
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import decoder, plain_mlp, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats


@family("reformer")
def reformer(c: Config) -> ModelSpec:
    """Return a Reformer; its two residual streams are joined before logits that are never tied."""
    if not c.flag("is_decoder"):
        c.contradiction("is_decoder", "the language model of its class needs it to be true")
    c.flag("tie_word_embeddings")
    kinds = c.items("attn_layers") or []
    if not kinds or any(kind not in ("local", "lsh") for kind in kinds):
        c.refuse("attn_layers", "modelled are 'local' and 'lsh'")
    chunks = {kind: int(c.integer(f"{kind}_attn_chunk_length")) for kind in kinds}
    padding: dict[str, Any] = {"multiple": lcm(*chunks.values()), "above": min(chunks.values())}
    mlp = MoreTokens(plain_mlp(c, "feed_forward_size", bias=True), **padding)
    norm = MoreTokens(Norm("layer"), **padding)
    layers = stack(kinds, lambda kind: [norm, _attention(c, kind, padding), norm, mlp])
    double = 2 * c.integer("hidden_size")
    head: list[Block] = [
        Norm("layer", channels=double),
        Head(c.integer("vocab_size"), bias=True, channels=double),
    ]
    embedding = [Table(c.integer("vocab_size")), _positions(c)]
    return decoder(c, layers, embedding=embedding, head=head)


def _attention(c: Config, kind: str, padding: dict[str, Any]) -> ChunkAttention:
    if c.integer(f"{kind}_num_chunks_after", low=0):
        c.refuse(f"{kind}_num_chunks_after", "a language model looks at no later chunk")
    chunk = c.integer(f"{kind}_attn_chunk_length")
    if isinstance(c.get("num_buckets"), list):  # hashed in two steps, with directions of their own
        buckets: Floats | None = sum(_whole(c, "num_buckets"))
    else:
        buckets = c.optional("num_buckets")
    root = np.floor(np.sqrt(c.integer("max_position_embeddings") // chunk))
    return ChunkAttention(
        c.integer("num_attention_heads"),
        c.integer("attention_head_size"),
        chunk,
        c.integer(f"{kind}_num_chunks_before", low=0),
        hashed=kind == "lsh",
        hashes=c.integer("num_hashes"),
        buckets=buckets,
        most_buckets=2.0 * np.maximum(root, chunk),
        **padding,
    )


def _whole(c: Config, name: str) -> list[int]:
    """Return a list of whole numbers."""
    values = c.items(name) or []
    if not values or any(type(value) is not int or value < 1 for value in values):
        c.contradiction(name, "it must be a list of positive whole numbers")
    return values


def _positions(c: Config) -> Block:
    """Return learned positions, or the two short tables whose outer sum they are."""
    if not c.flag("axial_pos_embds"):
        c.ignore("axial_pos_shape", "axial_pos_embds_dim")
        return Table(c.integer("max_position_embeddings"), of="position_embedding")
    rows, channels = _whole(c, "axial_pos_shape"), _whole(c, "axial_pos_embds_dim")
    if len(rows) != len(channels) or sum(channels) != c.integer("hidden_size"):
        c.contradiction("axial_pos_embds_dim", "it must sum to the width, one number a table")
    return Held(sum(r * w for r, w in zip(rows, channels, strict=True)), part="position_embedding")
