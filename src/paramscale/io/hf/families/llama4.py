"""Llama 4: attention in chunks but for every fourth layer, a shared expert beside the others."""

from __future__ import annotations

from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, layer_kinds, pre_norm
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import agrees, experts, mixed, numbers
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


def _chunks(c: Config) -> list[str]:
    """Return the kind of attention of each layer, by default from its rotary positions."""
    layers = c.count("num_hidden_layers")
    every = c.count("no_rope_layer_interval")
    agrees(c, "nope_layer_interval", every, "the class reads no_rope_layer_interval")
    rotary = numbers(c, "no_rope_layers") or [(i + 1) % every for i in range(layers)]
    if len(rotary) != layers:
        c.contradiction("no_rope_layers", f"there are {layers} layers")
    chunked, whole = "chunked_attention", "full_attention"
    return layer_kinds(c, layers, (chunked, whole), lambda i: chunked if rotary[i] else whole)


@family("llama4_text")
def llama4(c: Config) -> ModelSpec:
    """Return a Llama 4: experts in every n-th layer, dense blocks of another width between."""
    kinds = _chunks(c)
    layers = len(kinds)
    step = c.count("interleave_moe_layer_step")
    sparse = numbers(c, "moe_layers")
    listed = range(step - 1, layers, step) if sparse is None else sparse
    feeds = ["sparse" if i in listed else "dense" for i in range(layers)]
    blocks: dict[str, Block] = {
        "dense": gated_mlp(c, "intermediate_size_mlp"),
        "sparse": experts(c, shared_inner=c.integer("intermediate_size")),
    }
    chunk, bias = c.optional("attention_chunk_size"), biased(c.flag("attention_bias"))
    limit = None if chunk is None else float(chunk)
    seen = [limit if kind == "chunked_attention" else None for kind in kinds]
    return decoder(
        c,
        mixed(
            seen, feeds, blocks,
            lambda own, feed: pre_norm(attention(c, chunk=own, **bias), feed),
        ),
    )  # fmt: skip
