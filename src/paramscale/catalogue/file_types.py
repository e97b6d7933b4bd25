"""File types of llama.cpp, such as ``Q4_K_M``: which tensor of a model has which block format.

A type names a default format and exceptions by tensor and layer: values and down projections get
more bits in some layers, head and embedding formats of their own. The rules are rows of
``data/file_types.csv``: ``more:q6_k`` means that format where the condition holds, ``|`` gives what
else. The mean bits therefore depend on the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

import numpy as np

from paramscale.architecture.embedding import Table
from paramscale.architecture.experts import MixtureOfExperts
from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.architecture.head import Head
from paramscale.architecture.mlp import MLP
from paramscale.catalogue.formats import Format, formats
from paramscale.catalogue.tables import read_table
from paramscale.errors import UnknownNameError
from paramscale.specs.bill import total
from paramscale.specs.model import ModelSpec
from paramscale.specs.passes import Pass

__all__ = ["file_type", "file_types"]


@cache
def file_types() -> dict[str, dict[str, str]]:
    """Return the rules of each type by the kind of tensor."""
    return {row.text("key"): dict(row.cells) for row in read_table("file_types.csv")}


@lru_cache(maxsize=256)
def file_type(name: str, model: ModelSpec) -> Format:
    """Return a format with the mean bits per weight that a file of some type has for a model.

    Blocks for which there is no rule, and norms, keep the default and 32 bits.

    Raises
    ------
    UnknownNameError
        If there is no such type.

    Examples
    --------
    >>> from paramscale.catalogue.models import models
    >>> round(file_type("Q4_K_M", models["llama-3-8b"]).bits_per_weight, 2)
    4.89
    """
    rules = file_types().get(name.lower())
    if rules is None:
        raise UnknownNameError("file type", name, file_types())
    everything = float(total(model.operations(Pass(1.0, 1.0)), lambda op: op.weights))
    bits = weights = 0.0
    eight = _has_eight_experts(model)
    for tensor, count, layer, depth, gqa in _tensors(model):
        each = _format(rules, tensor, layer, depth, gqa, eight).bits_per_weight
        bits, weights = bits + count * each, weights + count
    bits += (everything - weights) * 32.0  # norms, routers and biases stay in fp32
    return Format(
        f"{name} of {model.name}", name, "GGUF mixture", block_weights=10**9,
        code_bits=round(1e9 * bits / everything), compute_type="fp16",
        source="llama.cpp src/llama-quant.cpp, llama_tensor_get_type",
    )  # fmt: skip


def _has_eight_experts(model: ModelSpec) -> bool:
    """Tell whether experts are eight, as in Mixtral, whose small attention gets more bits."""
    found = (item for _, item in model.walk() if isinstance(item, MixtureOfExperts))
    return any(np.all(item.experts == 8.0) for item in found)


def _format(
    rules: dict[str, str], tensor: str, layer: float, depth: float, gqa: float, eight: bool
) -> Format:
    chosen = rules["default"]
    for rule in rules.get(tensor, "").split("|"):
        condition, _, name = rule.rpartition(":")
        if name and (not condition or _holds(condition, layer, depth, gqa, eight)):
            chosen = name
            break
    # models of 80 layers get more bits for values, but not in the branch of the smallest types
    small = rules["default"].startswith(("iq1", "iq2"))
    if tensor == "value" and depth == 80 and chosen in ("q3_k", "q4_k") and not small:
        chosen = "q5_k"
    return formats[chosen]


def _holds(condition: str, layer: float, depth: float, gqa: float, eight: bool) -> bool:
    eighth = depth // 8
    more = layer < eighth or layer >= 7 * depth // 8 or (layer - eighth) % 3 == 2
    return {
        "gqa4": gqa >= 4.0,
        "moe8": eight,
        "more": more,
        "middle": eighth <= layer < 7 * depth // 8,
        "first16": layer < depth // 16,
        "first8": layer < eighth,
        "first4": layer < 4.0,
        "first2": layer < 2.0,
    }[condition]


Tensor = tuple[str, float, float, float, float]


def _tensors(model: ModelSpec) -> Iterator[Tensor]:
    """Yield ``(kind, weights, layer, layers, query heads a key head)`` of quantized matrices."""
    width, depth = float(model.width), float(model.depth)
    tied = any(isinstance(item, Head) and item.tied for item in model.head)
    for item in model.embedding:
        if isinstance(item, Table):
            yield "head" if tied else "embedding", float(item.rows) * width, 0.0, depth, 1.0
    layer = 0.0
    for group in model.layers:
        for _ in range(int(np.max(group.count))):
            for item in group.blocks:
                for kind, count, gqa in _of_block(item, width):
                    yield kind, count, layer, depth, gqa
            layer += 1.0
    for item in model.head:
        if isinstance(item, Head) and not item.tied:
            yield "head", float(item.vocabulary) * width, 0.0, depth, 1.0


def _of_block(item: Any, width: float) -> Iterator[tuple[str, float, float]]:
    if isinstance(item, GroupedAttention):
        heads, kv, head = float(item.heads), float(item.kv_heads), float(item.head_width)
        for kind, count in (("query", heads), ("key_rows", kv), ("value", kv), ("output", heads)):
            yield kind, width * count * head, heads / kv
    elif isinstance(item, MLP):
        inner = float(item.inner)
        yield "gate_up", width * inner * (2.0 if item.gated else 1.0), 1.0
        yield "down", width * inner, 1.0
    elif isinstance(item, MixtureOfExperts):
        inner = float(item.inner) * float(item.experts)
        yield "gate_up", width * inner * (2.0 if item.gated else 1.0), 1.0
        yield "down", width * inner, 1.0
