"""Command A with experts: attention and experts in parallel after one norm."""

from __future__ import annotations

from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import attention, biased, decoder, gated_mlp
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import experts, listed_kinds, mixed, windows
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("cohere2_moe")
def cohere2_moe(c: Config) -> ModelSpec:
    """Return a Cohere 2 MoE: dense layers first, which have a width and a window pattern."""
    norm = "layer_no_bias" if c.get("rms_norm_eps") is None else "rms"
    shared = c.integer("num_shared_experts", low=0) * c.integer("intermediate_size")
    wide = "intermediate_size"
    if c.optional("prefix_dense_intermediate_size") is not None:
        wide = "prefix_dense_intermediate_size"
    blocks: dict[str, Block] = {
        "dense": gated_mlp(c, wide),
        "sparse": experts(c, "num_experts", shared_inner=shared or None),
    }
    first = int(c.integer("first_k_dense_replace", 0, low=0))
    early, late = c.count("prefix_dense_sliding_window_pattern"), c.count("sliding_window_pattern")
    bias = biased(c.flag("attention_bias"))
    layers = mixed(
        windows(c, lambda i: (i + 1) % early != 0 if i < first else (i - first + 1) % late != 0),
        listed_kinds(c, lambda i: i >= first), blocks,
        lambda window, feed: [Norm(norm), attention(c, window=window, **bias), feed],
    )  # fmt: skip
    return decoder(c, layers, norm=norm)
