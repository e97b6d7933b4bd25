"""Hy4: sparse latent attention with gates and sinks, between several residual streams."""

from __future__ import annotations

from paramscale.architecture.embedding import Table
from paramscale.architecture.head import Head
from paramscale.architecture.hyper_connection import HyperConnection
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import decoder, gated_mlp, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.latent import dense_or_sparse, indexer, latent_attention, routed_experts
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("hy_v4")
def hy_v4(c: Config) -> ModelSpec:
    """Return a Hy4: most layers reuse an earlier layer's selection; the streams are not mixed."""
    index, vocabulary = indexer(c), c.integer("vocab_size")
    connect = HyperConnection(c.integer("hc_mult"), "adding")
    attend = latent_attention(
        c,
        query_rank=c.integer("q_lora_rank"),
        selected=c.integer("index_topk"),
        gate="elements",
        sinks=True,
    )
    feeds: dict[str, Block] = {"dense": gated_mlp(c), "sparse": routed_experts(c)}

    def layer(feed: str, indexes: str) -> list[Block]:
        chooses: list[Block] = [index] if indexes == "full" else []
        return [connect, Norm(), *chooses, attend, connect, Norm(), feeds[feed]]

    dense = dense_or_sparse(c, lambda layers: ["dense"] + ["sparse"] * (layers - 1))
    kinds = list(zip(dense, _indexer_kinds(c), strict=True))
    head: list[Block] = [
        HyperConnection(connect.streams, "collapsing"),
        Norm(),
        Head(vocabulary, tied=c.flag("tie_word_embeddings")),
    ]
    layers = stack(kinds, lambda kind: layer(*kind))
    return decoder(c, layers, embedding=[Table(vocabulary)], head=head)


def _indexer_kinds(c: Config) -> list[str]:
    """Return which layers choose tokens themselves: by default the first two, then each fourth."""
    layers = c.count("num_hidden_layers")
    kinds = c.items("indexer_types", layers)
    if kinds is None:
        return ["full" if i == 0 or i % 4 == 1 else "shared" for i in range(layers)]
    if not set(kinds) <= {"full", "shared"} or kinds[0] != "full":
        c.contradiction("indexer_types", "it must name each layer 'full' or 'shared', first 'full'")
    return kinds
