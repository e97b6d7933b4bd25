"""Models and machines of measured training runs, from the names and shapes that tables state."""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from paramscale.architecture.embedding import Table
from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.architecture.head import Head
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.catalogue.tables import read_table
from paramscale.errors import UnknownNameError
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.model import Layer, ModelSpec
from paramscale.specs.passes import Pass
from paramscale.validation.names import machine_named, model_named
from paramscale.validation.row import Cells, count_of

__all__ = ["machine_of", "model_of"]

#: Spellings of model names that only these tables use.
_NAMES = {
    "llama-7b": "llama-1-7b", "llama-13b": "llama-1-13b", "llama-33b": "llama-1-30b",
    "llama-30b": "llama-1-30b", "llama-65b": "llama-1-65b", "llama 2 34b": "codellama-34b",
    "llama 4 maverick": "llama-4-maverick-17b-128e", "llama 4 scout": "llama-4-scout-17b-16e",
    "nemotron_3_nano": "nemotron-3-nano-30b-a3b", "nemotron_3_super": "nemotron-3-super-120b-a12b",
    "starcoderbase-15.5b": "starcoder-15b", "bloom-176b": "bloom-176b", "olmo 3 7b": "olmo-3-7b",
    "nemotron-15b": "nemotron-4-15b", "nemotron-340b": "nemotron-4-340b",
    "nemotron-8b": "nemotron-3-8b",
}  # fmt: skip

#: Spellings of machines that these tables use; a class of cards stands for its usual member.
_MACHINES = {
    "nvidia a100 80gb": "a100-sxm-80gb", "nvidia a100": "a100-sxm-80gb", "a100": "a100-sxm-80gb",
    "nvidia a100 sxm4 40 gb": "a100-sxm-40gb", "nvidia a100 sxm4 80 gb": "a100-sxm-80gb",
    "nvidia h100": "h100-sxm", "nvidia h800 sxm5": "h800-sxm", "h800": "h800-sxm",
    "nvidia h100 sxm5 80gb": "h100-sxm", "nvidia tesla v100 dgxs 32 gb": "v100-sxm-32gb",
    "nvidia tesla v100 dgxs 16 gb": "v100-sxm-16gb", "nvidia v100": "v100-sxm-32gb",
    "nvidia v100 32gb": "v100-sxm-32gb",
    "tpuv3": "tpu-v3", "tpuv4": "tpu-v4", "tpuv5e": "tpu-v5e", "tpuv5p": "tpu-v5p",
}  # fmt: skip


@cache
def machine_of(text: str) -> HardwareSpec:
    """Return the machine that a row means.

    Raises
    ------
    UnknownNameError
        If the catalogue does not have it.
    """
    name = _MACHINES.get(text.strip().lower(), text)
    try:
        return machine_named(name).spec
    except UnknownNameError:
        bare = re.sub(r"\b\d+\s?Gi?B\b", "", name).strip()  # a variant with other memory
        if not bare or bare == name:
            raise
        return machine_named(_MACHINES.get(bare.lower(), bare)).spec


def _named(text: str) -> ModelSpec | None:
    name = re.sub(r"^\[.*?\]|\s*\(.*?\)", "", text).strip()
    if name.lower() in _shapes():
        return _shapes()[name.lower()]
    for each in (_NAMES.get(name.lower(), name), name.replace("_", "-")):
        try:
            return model_named(each)
        except UnknownNameError:
            continue
    return None


def _size(model: ModelSpec) -> float:
    return float(sum(n * op.weights for n, op in model.operations(Pass(1.0, 1.0))))


def _dense(name: str, sizes: list[float], kv_heads: float, gated: bool, tied: bool) -> ModelSpec:
    layers, width, heads, inner, rows = sizes
    attend = GroupedAttention(heads, kv_heads, np.floor(width / heads))
    blocks = [Norm("rms"), attend, Norm("rms"), MLP(inner, gated=gated)]
    return ModelSpec(
        width=width, embedding=Table(rows), layers=[Layer(blocks, layers)],
        head=[Norm("rms"), Head(rows, tied=tied)], name=name,
    )  # fmt: skip


_SHAPE = ("n_layers", "d_model", "n_heads", "d_ff", "vocab_size")


def _shaped(row: Cells) -> ModelSpec | None:
    """Return a dense model of the shape that a row states.

    Whether its feed-forward block is gated and its head tied is read from the stated size: of the
    four the nearest is taken. Without a stated size nothing is inferred.
    """
    sizes = [count_of(row, name) for name in _SHAPE]
    total = count_of(row, "params_total")
    if np.isnan([*sizes, total]).any() or count_of(row, "params_active", total) != total:
        return None
    kv_heads = count_of(row, "n_kv_heads", sizes[2])
    made = [
        _dense(row["model"], sizes, kv_heads, gated, tied)
        for gated in (False, True) for tied in (False, True)
    ]  # fmt: skip
    best = min(made, key=lambda model: abs(np.log(_size(model) / total)))
    return best if abs(_size(best) / total - 1.0) < 0.1 else None


@cache
def _shapes() -> dict[str, ModelSpec]:
    """Return the models of ``data/training_shapes.csv``, which no published file describes."""
    return {
        row.text("model").lower(): _dense(
            row.text("model"), [row.number(name) for name in _SHAPE], row.number("n_kv_heads"),
            row.yes("gated"), row.yes("tied"),
        )
        for row in read_table("training_shapes.csv", "paramscale.validation")
    }  # fmt: skip


def model_of(row: Cells, millions: float = np.nan) -> tuple[ModelSpec, str]:
    """Return the model of a row, and why it is only one of about that size.

    Raises
    ------
    UnknownNameError
        If neither shape nor name nor size tell what it is.
    """
    if found := _shaped(row) or _named(row["model"]):
        return found, ""
    size = count_of(row, "params_active", count_of(row, "params_total", millions))
    if np.isnan(size) and (said := re.search(r"(\d+(?:\.\d+)?)\s*([bBmM])\b", row["model"])):
        size = float(said[1]) * (1e9 if said[2] in "bB" else 1e6)
    if np.isnan(size):
        model_named(row["model"])  # raises, and says what is near
    return ModelSpec.of_size(
        size
    ), "the model is unknown: a dense one of its active size stands for it"
