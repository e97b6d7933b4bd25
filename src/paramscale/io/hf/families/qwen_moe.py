"""Qwen 2 and 3 with experts, and the text models inside their multimodal kin."""

from __future__ import annotations

from paramscale.architecture.experts import MixtureOfExperts
from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, pre_norm
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import experts, mixed, step_kinds, total_experts, windows
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats


def _blocks(c: Config, feeds: list[str], sparse: MixtureOfExperts | None) -> dict[str, Block]:
    blocks: dict[str, Block] = {"dense": gated_mlp(c)} if "dense" in feeds else {}
    c.ignore("intermediate_size")
    return blocks if sparse is None else {**blocks, "sparse": sparse}


@family("qwen2_moe")
def qwen2_moe(c: Config) -> ModelSpec:
    """Return a Qwen2-MoE: a shared expert behind a switch; a window in every second layer."""
    total = total_experts(c, low=0)
    feeds = step_kinds(c)
    shared = c.integer("shared_expert_intermediate_size", low=0)
    sparse = experts(
        c, "num_experts", inner="moe_intermediate_size",
        shared_inner=shared if shared else None, shared_switch=True,
    ) if total else None  # fmt: skip
    uses, below = c.flag("use_sliding_window"), int(c.integer("max_window_layers", low=0))
    seen = windows(c, lambda i: uses and i % 2 == 0 and i < below)
    if not uses and any(window is not None for window in seen):
        c.contradiction("use_sliding_window", "layer_types names layers with a window")
    bias = biased(c.flag("qkv_bias"), False)
    layers = mixed(
        seen, feeds, _blocks(c, feeds, sparse),
        lambda window, feed: pre_norm(attention(c, window=window, **bias), feed),
    )  # fmt: skip
    return decoder(c, layers)


@family("qwen3_moe", "qwen3_vl_moe_text", "qwen3_omni_moe_text")
def qwen3_moe(c: Config) -> ModelSpec:
    """Return a Qwen3-MoE: q/k norms in each head, no shared expert."""
    total = total_experts(c, low=0)
    feeds = step_kinds(c)
    sparse = experts(c, "num_experts", inner="moe_intermediate_size") if total else None
    attend = attention(c, qk_norm="head", window=_window(c), **biased(c.flag("attention_bias")))
    layers = mixed(
        [None] * len(feeds), feeds, _blocks(c, feeds, sparse),
        lambda _, feed: pre_norm(attend, feed),
    )  # fmt: skip
    return decoder(c, layers)


def _window(c: Config) -> Floats | None:
    """Return the window of all layers, which only the text-only type knows."""
    c.ignore("max_window_layers")
    if c.model_type == "qwen3_moe":
        return c.optional("sliding_window") if c.flag("use_sliding_window") else None
    if c.has("sliding_window"):
        c.refuse("sliding_window", "the class attends to the whole context")
    return None
