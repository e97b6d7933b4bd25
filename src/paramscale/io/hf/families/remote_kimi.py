"""Kimi K3: delta attention and gated latent attention, experts in a latent space, residual sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from paramscale.architecture.attention_residual import AttentionResidual
from paramscale.architecture.delta_attention import DeltaAttention
from paramscale.architecture.embedding import Projection
from paramscale.architecture.head import Head
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import decoder, gated_mlp, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.latent import latent_attention, leading_dense, routed_experts
from paramscale.io.hf.remote import nested, text_model
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("kimi_k3")
def kimi_k3(c: Config) -> ModelSpec:
    """Return the language model of a Kimi K3, which its file holds as ``text_config``.

    Checked: 2.7795e12 parameters, a token meets 104e9 (its report: 2.78T and 104.2B); the shapes
    of its layers are those of its checkpoint, which holds 2,779,931,837,184 with the vision tower.
    """
    inner = nested(c, "text_config", "kimi_linear")
    model = _language_model(inner)
    text_model(c, "text_config", inner)
    return model


def _language_model(c: Config) -> ModelSpec:
    if c.integer("num_nextn_predict_layers", 0, low=0):
        c.refuse("num_nextn_predict_layers", "the class builds no prediction modules")
    c.ignore("mla_use_nope", "moe_renormalize", "moe_router_activation_func", "use_grouped_topk")
    if not c.flag("mla_use_output_gate"):
        c.refuse("mla_use_output_gate", "the published model has the gate")
    layers, width = c.count("num_hidden_layers"), c.integer("hidden_size")
    linear = c.sub("linear_attn_config")
    attends: dict[str, Block] = {
        "full": latent_attention(c, gate="elements"),
        "linear": DeltaAttention(
            linear.integer("num_heads"),
            linear.integer("head_dim"),
            linear.integer("short_conv_kernel_size"),
            low_rank_gate=not linear.flag("use_full_rank_gate"),
        ),
    }
    feeds: dict[str, list[Block]] = {"dense": [gated_mlp(c)], "sparse": _experts(c)}
    every = c.count("attn_res_block_size")
    # layer i sees the sums of the whole blocks before it; the first one has no sum to choose from
    before = _mean([-(-i // every) + 1 if i else 0 for i in range(layers)])
    after = _mean([i // every + 2 for i in range(layers)])

    def layer(kind: tuple[str, str]) -> list[Block]:
        attend, feed = kind
        first: list[Block] = [AttentionResidual(before), Norm(), attends[attend]]
        return [*first, AttentionResidual(after), Norm(), *feeds[feed]]

    kinds = list(zip(_attention_kinds(c, linear, layers), leading_dense(c), strict=True))
    if c.flag("tie_word_embeddings"):
        c.refuse("tie_word_embeddings", "the published model has a head of its own")
    head: list[Block] = [
        AttentionResidual(-(-layers // every) + 1.0),
        Norm(),
        Head(c.integer("vocab_size")),
    ]
    return decoder(c, stack(kinds, layer), width=width, head=head)


def _mean(counts: Sequence[int]) -> np.float64:
    return np.float64(sum(counts) / len(counts))


def _experts(c: Config) -> list[Block]:
    """Return experts that work in a narrower space, between two projections."""
    latent = c.integer("routed_expert_hidden_size")
    experts = routed_experts(
        c,
        "num_experts",
        "num_experts_per_token",
        shared="num_shared_experts",
        groups="num_expert_group",
        expert_width=latent,
    )
    blocks: list[Block] = [Projection(outputs=latent, part="experts"), experts]
    if c.flag("latent_moe_use_norm"):
        blocks.append(Norm(channels=latent))
    return [*blocks, Projection(inputs=latent, part="experts")]


def _attention_kinds(c: Config, linear: Config, layers: int) -> list[str]:
    """Return the attention of each layer from two lists of places, which count from 1."""
    full, delta = linear.items("full_attn_layers"), linear.items("kda_layers")
    if full is None or delta is None or sorted([*full, *delta]) != list(range(1, layers + 1)):
        c.contradiction("linear_attn_config", f"its lists must name each of {layers} layers once")
    return ["full" if i + 1 in full else "linear" for i in range(layers)]
