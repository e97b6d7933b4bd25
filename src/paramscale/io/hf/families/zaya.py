"""ZAYA: convolved attention, a network as router, and learned scales of residuals."""

from __future__ import annotations

from paramscale.architecture.convolved_attention import ConvolvedAttention
from paramscale.architecture.embedding import Table
from paramscale.architecture.norm import Norm
from paramscale.architecture.router_network import RouterNetwork
from paramscale.architecture.vectors import Vectors
from paramscale.io.hf.common import decoder, layer_kinds, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import experts
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


def _attention(c: Config, slides: bool) -> ConvolvedAttention:
    heads, kv_heads = c.integer("num_attention_heads"), c.integer("num_key_value_heads")
    if heads % kv_heads:
        c.contradiction("num_key_value_heads", f"the {int(heads)} heads are no multiple of it")
    width = c.integer("head_dim")
    if kv_heads * width % 2:
        c.contradiction("head_dim", "the values have two halves")
    return ConvolvedAttention(
        heads, kv_heads, width, c.integer("cca_time0"), c.integer("cca_time1"),
        bias=c.flag("attention_bias"), window=c.integer("sliding_window") if slides else None,
    )  # fmt: skip


@family("zaya")
def zaya(c: Config) -> ModelSpec:
    """Return a ZAYA: one expert a token, or none, for which the router has a further output."""
    if c.integer("num_experts_per_tok") != 1:
        c.refuse("num_experts_per_tok", "modelled is 1")
    c.optional("sliding_window")
    feed = experts(c, "num_experts", inner="moe_intermediate_size", own_router=False)
    hidden, sliding = "hybrid", "hybrid_sliding"
    layers = c.count("num_hidden_layers")
    kinds = layer_kinds(c, layers, (hidden, sliding), lambda _: hidden)

    def make(kind: tuple[str, bool]) -> list[Block]:
        router = RouterNetwork(
            c.integer("router_hidden_size"), feed.experts + 1.0, continues=kind[1]
        )
        return [
            Norm(), _attention(c, kind[0] == sliding), Vectors(4.0),
            Norm(), router, feed, Vectors(4.0),
        ]  # fmt: skip

    rows = stack([(kind, i > 0) for i, kind in enumerate(kinds)], make)
    embedding: list[Block] = [Table(c.integer("vocab_size")), Vectors(2.0)]
    return decoder(c, rows, embedding=embedding, head_bias=c.flag("lm_head_bias"))
