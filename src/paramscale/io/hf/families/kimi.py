"""Kimi Linear and Ling 3.0: mostly Kimi delta attention, with latent attention between."""

from __future__ import annotations

from paramscale.architecture.delta_attention import DeltaAttention
from paramscale.io.hf.common import decoder, gated_mlp, layer_kinds, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.latent import (
    dense_or_sparse,
    latent_attention,
    leading_dense,
    routed_experts,
)
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats

FULL, LINEAR = "full_attention", "linear_attention"


def _hybrid(
    c: Config, attends: dict[str, Block], kinds: list[str], first: int | None = None
) -> ModelSpec:
    """Return layers of two kinds of attention; the head has a matrix of its own in any case."""
    experts = routed_experts(
        c,
        "num_experts",
        "num_experts_per_token",
        shared="num_shared_experts",
        groups="num_expert_group",
    )
    feeds: dict[str, Block] = {"dense": gated_mlp(c), "sparse": experts}
    both = list(zip(kinds, dense_or_sparse(c, lambda _: leading_dense(c, first)), strict=True))
    layers = stack(both, lambda kind: pre_norm(attends[kind[0]], feeds[kind[1]]))
    c.ignore("num_nextn_predict_layers")  # which attention those have is not published
    c.flag("tie_word_embeddings")  # the classes have the field and tie nothing
    return decoder(c, layers, tied=False)


@family("kimi_linear")
def kimi_linear(c: Config) -> ModelSpec:
    """Return a Kimi Linear: decays and output gates through a bottleneck of a head's width."""
    inner = c.sub("linear_attn_config")

    def size(name: str, nested: str) -> Floats:
        return inner.integer(nested) if inner.has(nested) else c.integer(name)

    delta = DeltaAttention(
        size("linear_num_heads", "num_heads"),
        size("linear_head_dim", "head_dim"),
        size("linear_conv_kernel_dim", "short_conv_kernel_size"),
    )
    attends: dict[str, Block] = {FULL: latent_attention(c), LINEAR: delta}
    kinds = _kinds(c, inner)
    if further := inner.unread():
        c.refuse("linear_attn_config", f"nothing is known of {further[0]!r} in it")
    if c.flag("mla_use_output_gate"):
        c.refuse("mla_use_output_gate", "the class has no such gate")
    return _hybrid(c, attends, kinds, 1)


def _kinds(c: Config, inner: Config) -> list[str]:
    """Return the attention of each layer, from a list or from two lists of places from 1."""
    layers = c.count("num_hidden_layers")
    full, linear = inner.items("full_attn_layers"), inner.items("kda_layers")
    if full is None or linear is None:
        return layer_kinds(c, layers, (FULL, LINEAR), lambda i: LINEAR if i % 4 or not i else FULL)
    if sorted([*full, *linear]) != list(range(1, layers + 1)):
        c.contradiction("linear_attn_config", f"its lists must name each of {layers} layers once")
    return layer_kinds(c, layers, (FULL, LINEAR), lambda i: FULL if i + 1 in full else LINEAR)


@family("bailing_hybrid")
def bailing_hybrid(c: Config) -> ModelSpec:
    """Return a Ling 3.0: full-rank decays and gates, latent attention with a gate a head."""
    heads = c.integer("num_attention_heads")
    delta = DeltaAttention(
        heads,
        c.integer("head_dim"),
        c.integer("short_conv_kernel_size"),
        low_rank_decay=False,
        low_rank_gate=False,
    )
    attends: dict[str, Block] = {
        FULL: latent_attention(c, query_rank=None, gate="heads"),
        LINEAR: delta,
    }
    every = c.count("layer_group_size")
    kinds = layer_kinds(
        c,
        c.count("num_hidden_layers"),
        (FULL, LINEAR),
        lambda i: LINEAR if (i + 1) % every else FULL,
    )
    return _hybrid(c, attends, kinds)
