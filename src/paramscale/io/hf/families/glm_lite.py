"""GLM-4.7-Flash: a small mixture of experts with latent attention."""

from __future__ import annotations

from paramscale.io.hf.common import decoder, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.latent import (
    dense_or_sparse,
    draft_layers,
    latent_attention,
    leading_dense,
    routed_experts,
)
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("glm4_moe_lite")
def glm4_moe_lite(c: Config) -> ModelSpec:
    """Return a GLM-4.7-Flash: experts from the second layer on."""
    attend = latent_attention(c)
    feeds: dict[str, Block] = {"dense": gated_mlp(c), "sparse": routed_experts(c)}
    kinds = dense_or_sparse(c, lambda _: leading_dense(c, 1))
    if c.get("mlp_layer_types") is None and c.integer("first_k_dense_replace", 1, low=0) != 1:
        c.refuse("first_k_dense_replace", "the class has one dense layer; state mlp_layer_types")
    draft = draft_layers(c, pre_norm(attend, feeds["sparse"]))
    return decoder(c, stack(kinds, lambda kind: pre_norm(attend, feeds[kind])), draft=draft)
