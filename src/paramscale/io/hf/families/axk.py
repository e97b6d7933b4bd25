"""A.X-K1 and A.X-K2: latent attention with further norms, and gates."""

from __future__ import annotations

from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import decoder, gated_mlp, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.latent import (
    dense_or_sparse,
    indexer,
    latent_attention,
    leading_dense,
    routed_experts,
)
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("axk1")
def axk1(c: Config) -> ModelSpec:
    """Return an A.X-K1: DeepSeek-V3's layers with a norm after the experts."""
    c.ignore("num_nextn_predict_layers")  # their layers are not in the class
    attend = latent_attention(c, query_rank=c.integer("q_lora_rank"))
    feeds: dict[str, list[Block]] = {
        "dense": [gated_mlp(c)],
        "sparse": [routed_experts(c), Norm()],
    }
    kinds = dense_or_sparse(c, lambda _: leading_dense(c, 1, frequency=True))
    return decoder(c, stack(kinds, lambda kind: [Norm(), attend, Norm(), *feeds[kind]]))


@family("axk2")
def axk2(c: Config) -> ModelSpec:
    """Return an A.X-K2: an indexer, a gate on attention, and norms gated through a low rank."""
    index = indexer(c)
    c.ignore("num_nextn_predict_layers")  # their layers are not in the class
    attend = latent_attention(
        c, query_rank=c.integer("q_lora_rank"), selected=c.integer("index_topk"), gate="latent"
    )
    # the norm's gate is a two-matrix block on the normed state, whose sigmoid multiplies that
    gated_norm: list[Block] = [Norm(), MLP(c.integer("gated_norm_rank"), gated=False)]
    feeds: dict[str, list[Block]] = {
        "dense": [Norm(), gated_mlp(c)],
        "sparse": [*gated_norm, routed_experts(c)],
    }
    if (c.optional("n_group") is None) != (c.optional("topk_group") is None):
        c.contradiction("n_group", "the class asks for n_group and topk_group together")
    kinds = dense_or_sparse(c, lambda _: leading_dense(c, 1, frequency=True))
    return decoder(c, stack(kinds, lambda kind: [*gated_norm, index, attend, *feeds[kind]]))
