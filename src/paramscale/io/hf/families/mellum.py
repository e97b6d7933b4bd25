"""Mellum, Laguna, Flint, Kolibri and Beam: windows, q/k norms in each head, many fine experts."""

from __future__ import annotations

from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.families.gemma import sandwich
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import (
    fine_experts,
    listed_kinds,
    mixed,
    numbers,
    step_kinds,
    windows,
)
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats


def _shared(c: Config) -> Floats | None:
    return c.integer("shared_expert_intermediate_size", low=0) or None


@family("mellum")
def mellum(c: Config) -> ModelSpec:
    """Return a Mellum 2: windows and dense layers only where the file lists them."""
    bias = biased(c.flag("attention_bias"))
    c.ignore("num_nextn_predict_layers", "mtp_layer_types", "mtp_mlp_layer_types")
    blocks: dict[str, Block] = {
        "dense": gated_mlp(c),
        "sparse": fine_experts(c, "num_experts", None, correction="none"),
    }
    layers = mixed(
        windows(c, lambda _: False), listed_kinds(c, lambda _: True), blocks,
        lambda window, feed: pre_norm(attention(c, qk_norm="head", window=window, **bias), feed),
    )  # fmt: skip
    return decoder(c, layers)


@family("flint")
def flint(c: Config) -> ModelSpec:
    """Return a Flint: sinks; the first two, every fourth and the last layer see everything."""
    bias, last = biased(c.flag("attention_bias")), c.count("num_hidden_layers") - 1
    feeds = step_kinds(c, dense=(0, 1))
    blocks: dict[str, Block] = {"dense": gated_mlp(c)}
    if "sparse" in feeds:
        blocks["sparse"] = fine_experts(
            c, "num_experts", None, correction="none", shared_inner=_shared(c)
        )
    layers = mixed(
        windows(c, lambda i: not (i < 2 or i % 4 == 1 or i == last)), feeds, blocks,
        lambda window, feed: pre_norm(
            attention(c, qk_norm="head", sinks=True, window=window, **bias), feed
        ),
    )  # fmt: skip
    return decoder(c, layers)


@family("kolibri1")
def kolibri(c: Config) -> ModelSpec:
    """Return a Kolibri: norms before and after both blocks; every fifth layer sees everything."""
    feed = fine_experts(c, "num_experts", None, shared_inner=_shared(c))
    layers = stack(
        windows(c, lambda i: (i + 1) % 5 != 0),
        lambda window: sandwich(attention(c, qk_norm="head", window=window), feed),
    )
    return decoder(c, layers)


@family("beam")
def beam(c: Config) -> ModelSpec:
    """Return a Beam: gated attention with a bias a head, norms before and after both blocks."""
    bias, layers = biased(c.flag("attention_bias")), c.count("num_hidden_layers")
    blocks: dict[str, Block] = {
        "dense": gated_mlp(c),
        "sparse": fine_experts(c, "num_experts", None),
    }
    return decoder(
        c,
        mixed(
            windows(c, lambda i: (i + 1) % 6 != 0 and i != layers - 1),
            listed_kinds(c, lambda i: i >= 3), blocks,
            lambda window, feed: sandwich(
                attention(
                    c, qk_norm="head", gate="elements", gate_head_bias=True, window=window, **bias
                ),
                feed,
            ),
        ),
    )  # fmt: skip


@family("laguna")
def laguna(c: Config) -> ModelSpec:
    """Return a Laguna: layers may differ in their number of heads; a gate a head, or a channel."""
    layers, kv_heads = c.count("num_hidden_layers"), c.count("num_key_value_heads")
    heads = numbers(c, "num_attention_heads_per_layer", layers, low=1)
    each = [c.count("num_attention_heads")] * layers if heads is None else heads
    if any(number % kv_heads for number in each):
        c.contradiction("num_attention_heads_per_layer", f"each must be a multiple of {kv_heads}")
    gate = "heads" if c.get("gating") in (True, "per-head") else "elements"
    bias = biased(c.flag("attention_bias"))
    blocks: dict[str, Block] = {
        "dense": gated_mlp(c),
        "sparse": fine_experts(
            c, "num_experts", None, correction="parameter", shared_inner=_shared(c)
        ),
    }
    kinds = zip(windows(c, lambda _: False), each, listed_kinds(c, lambda i: i > 0), strict=True)
    return decoder(
        c,
        stack(
            list(kinds),
            lambda kind: pre_norm(
                attention(c, qk_norm="head", gate=gate, window=kind[0], heads=kind[1], **bias),
                blocks[kind[2]],
            ),
        ),
    )
