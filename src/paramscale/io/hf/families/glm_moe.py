"""GLM-4.5 and models of its shape: grouped attention, dense layers first, then fine experts."""

from __future__ import annotations

from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, pre_norm, same_layers
from paramscale.io.hf.config import Config
from paramscale.io.hf.families.gemma import sandwich
from paramscale.io.hf.family import family
from paramscale.io.hf.latent import draft_layers
from paramscale.io.hf.mixture import (
    agrees,
    fine_experts,
    listed_kinds,
    mixed,
    sparse_after,
    windows,
)
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("glm4_moe")
def glm4_moe(c: Config) -> ModelSpec:
    """Return a GLM-4.5: q/k norms in each head where the file asks for them."""
    attend = attention(
        _with_head_width(c),
        qk_norm="head" if c.flag("use_qk_norm") else "none",
        **biased(c.flag("attention_bias"), False),
    )
    blocks: dict[str, Block] = {"dense": gated_mlp(c), "sparse": fine_experts(c)}
    feeds = sparse_after(c)
    layers = mixed([None] * len(feeds), feeds, blocks, lambda _, feed: pre_norm(attend, feed))
    return decoder(c, layers, draft=draft_layers(c, pre_norm(attend, blocks["sparse"])))


def _with_head_width(c: Config) -> Config:
    """Return the configuration with the width of a head, which the class's own sizes round down."""
    if c.bare and not c.has("head_dim"):
        c.given["head_dim"] = int(c.integer("hidden_size") // c.integer("num_attention_heads"))
    return c


@family("dots1")
def dots1(c: Config) -> ModelSpec:
    """Return a dots.llm1: q/k norms in each head; a window from a given layer upwards."""
    bias = biased(c.flag("attention_bias"))
    first = int(c.integer("max_window_layers", low=0))
    has_window = c.optional("sliding_window") is not None
    blocks: dict[str, Block] = {"dense": gated_mlp(c), "sparse": fine_experts(c)}
    feeds = sparse_after(c)
    layers = mixed(
        windows(c, lambda i: has_window and i >= first), feeds, blocks,
        lambda window, feed: pre_norm(attention(c, qk_norm="head", window=window, **bias), feed),
    )  # fmt: skip
    return decoder(c, layers)


@family("exaone_moe")
def exaone_moe(c: Config) -> ModelSpec:
    """Return a K-EXAONE: windows but in every fourth layer, q/k norms in each head."""
    c.get("sliding_window_pattern")
    c.ignore("num_nextn_predict_layers")
    blocks: dict[str, Block] = {
        "dense": gated_mlp(c),
        "sparse": fine_experts(c, "num_experts", "num_shared_experts"),
    }
    first = int(c.integer("first_k_dense_replace", low=0))
    layers = mixed(
        windows(c, lambda i: (i + 1) % c.count("sliding_window_pattern") != 0),
        listed_kinds(c, lambda i: i >= first), blocks,
        lambda window, feed: pre_norm(attention(c, qk_norm="head", window=window), feed),
    )  # fmt: skip
    return decoder(c, layers)


@family("solar_open")
def solar_open(c: Config) -> ModelSpec:
    """Return a Solar Open: experts in every layer."""
    agrees(c, "first_k_dense_replace", 0, "the class has experts in every layer")
    agrees(c, "use_qk_norm", False, "the class has no q/k norms")
    c.ignore("intermediate_size")  # of a dense layer, of which there is none
    attend = attention(c, **biased(c.flag("attention_bias"), False))
    return decoder(c, same_layers(c, pre_norm(attend, fine_experts(c))))


@family("hy_v3")
def hy_v3(c: Config) -> ModelSpec:
    """Return a Hunyuan 3: q/k norms in each head, one dense layer at the start."""
    bias = c.flag("mlp_bias")
    attend = attention(c, qk_norm="head", **biased(c.flag("attention_bias")))
    if not c.integer("num_shared_experts", low=0):
        c.refuse("num_shared_experts", "the class would take a shared expert of full width")
    blocks: dict[str, Block] = {
        "dense": gated_mlp(c, bias=bias),
        "sparse": fine_experts(c, "num_experts", "num_shared_experts", shared_bias=bias),
    }
    feeds = listed_kinds(c, lambda i: i > 0)
    return decoder(
        c, mixed([None] * len(feeds), feeds, blocks, lambda _, feed: pre_norm(attend, feed))
    )


@family("afmoe")
def afmoe(c: Config) -> ModelSpec:
    """Return an AFMoE (Trinity): gated attention, norms before and after both blocks."""
    c.ignore("num_expert_groups", "num_limited_groups")
    bias, every = biased(c.flag("attention_bias")), c.count("global_attn_every_n_layers")
    blocks: dict[str, Block] = {
        "dense": gated_mlp(c),
        "sparse": fine_experts(c, "num_experts", "num_shared_experts", correction="parameter"),
    }
    layers = mixed(
        windows(c, lambda i: (i + 1) % every != 0), sparse_after(c, "num_dense_layers"), blocks,
        lambda window, feed: sandwich(
            attention(c, qk_norm="head", gate="elements", window=window, **bias), feed
        ),
    )  # fmt: skip
    return decoder(c, layers)
