"""Nemotron models of architecture search: layers with sizes of their own, or without a part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.errors import ConfigError
from paramscale.io.hf.common import biased, decoder, even_attention, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec

#: What a part of a layer may say beside its size, with the value that changes nothing.
PLAIN: dict[str, tuple[Any, ...]] = {
    "replace_with_linear": (False, None),
    "sparsify": (None,),
    "window_length": (None,),
    "num_sink_tokens": (None,),
    "unshifted_sink": (False, None),
    "use_prefill_window_in_sink_attention": (False, None),
    "mamba": (None,),
    "llama4": (None,),
    "moe": (None,),
    "hidden_act": (None, "silu"),
    "gated": (True, None),
}
SIZES = {"attention": ("n_heads_in_group",), "ffn": ("ffn_mult", "intermediate_size")}


@family("nemotron-nas")
def nemotron_nas(c: Config) -> ModelSpec:
    """Return a Llama-Nemotron (Super, Ultra, 51B) whose layers `block_configs` describes.

    A part that is left out leaves its norm out too. Checked: Llama-3.3-Nemotron-Super-49B has
    49,867,145,216 parameters (metadata of its checkpoint), Ultra 253.4e9 (its name: 253B).
    """
    layers = c.count("num_hidden_layers")
    described = c.items("block_configs", layers)
    if described is None:
        c.contradiction("block_configs", "it must describe each layer")
    kinds = [(_size(c, i, b, "attention"), _size(c, i, b, "ffn")) for i, b in enumerate(described)]
    width, heads = c.integer("hidden_size"), c.integer("num_attention_heads")
    bias, mlp_bias = biased(c.flag("attention_bias")), c.flag("mlp_bias")
    c.ignore("num_key_value_heads", "intermediate_size")  # each layer has its own

    def layer(kind: tuple[float | None, float | None]) -> list[Block]:
        group, inner = kind
        blocks: list[Block] = []
        if group is not None:
            if heads % group:
                c.contradiction("block_configs", f"{int(heads)} heads are no multiple of {group}")
            blocks += [Norm(), even_attention(c, width, heads, heads / group, **bias)]
        if inner is not None:
            blocks += [Norm(), MLP(inner, bias_in=mlp_bias, bias_out=mlp_bias)]
        return blocks

    return decoder(c, stack(kinds, layer))


def _size(c: Config, i: int, described: Any, part: str) -> float | None:
    """Return the size of one part of layer i: heads in a group, inner width, None if it lacks."""
    what = described.get(part) if isinstance(described, Mapping) else None
    if not isinstance(what, Mapping):
        raise ConfigError(
            f"{c.model_type}: 'block_configs' says nothing of {part!r} in layer {i}",
            field="block_configs",
        )
    for name, value in what.items():
        if name in SIZES[part] or name == "no_op":
            continue
        if name not in PLAIN or value not in PLAIN[name]:
            c.refuse("block_configs", f"in layer {i} {part}.{name} is {value!r}")
    if what.get("no_op"):
        return None
    stated = [(name, what[name]) for name in SIZES[part] if what.get(name) is not None]
    name, number = stated[0] if stated else ("", None)
    if not isinstance(number, (int, float)) or isinstance(number, bool) or number <= 0:
        c.contradiction("block_configs", f"layer {i} must state one of {part!r}: {SIZES[part]}")
    return _inner(c, number) if name == "ffn_mult" else float(number)


def _inner(c: Config, factor: float) -> float:
    """Return the inner width from its factor: two thirds of it, up to whole blocks of 256."""
    cut = int(2 * factor * int(c.integer("hidden_size")) / 3)
    return float(np.ceil(cut / 256) * 256)
