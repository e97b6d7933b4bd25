"""File types of llama.cpp, such as ``Q4_K_M``: which tensor of a model has which block format.

A type names a default format and exceptions by tensor and layer: values and down projections get
more bits in some layers, head and embedding formats of their own. The rules are rows of
``data/file_types.csv``: ``more:q6_k`` means that format where the condition holds, ``|`` gives what
else, ``+`` joins two conditions. The mean bits therefore depend on the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

import attrs
import numpy as np

from paramscale.architecture.parts import matrices_of
from paramscale.catalogue.formats import formats
from paramscale.catalogue.mixtures import Mixture
from paramscale.catalogue.tables import read_table
from paramscale.errors import UnknownNameError
from paramscale.specs.bill import total
from paramscale.specs.block import NOTHING, Operation
from paramscale.specs.model import ModelSpec
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["file_type", "file_types", "is_file_type", "needs_importance_matrix", "usually_weighted"]

#: What a name may end in, to say that the file type is meant and not the block format.
SUFFIX = ".gguf"

#: Bits of what llama.cpp does not quantize: norms, routers, convolutions, positions, biases.
_WHOLE = 32.0

#: Families whose queries, keys and values are one tensor in files of llama.cpp.
_FUSED = frozenset(
    {
        "bloom", "chatglm", "dbrx", "falcon", "gpt2", "gpt_bigcode", "gpt_neox", "mpt", "persimmon",
        "phi", "phi3",
    }
)  # fmt: skip

#: Kind of tensor, as the columns of the table name it, by operation or matrix.
_KINDS = {
    "query": "query", "key": "key_rows", "value": "value", "key_up": "value", "value_up": "value",
    "output": "output", "gate": "gate_up", "up": "gate_up", "down": "down",
}  # fmt: skip

_FEED_FORWARD = ("mlp", "experts", "shared_experts")


@cache
def file_types() -> dict[str, dict[str, str]]:
    """Return the rules of each type by the kind of tensor."""
    return {row.text("key"): dict(row.cells) for row in read_table("file_types.csv")}


@lru_cache(maxsize=256)
def is_file_type(name: str) -> bool:
    """Tell whether a name means a file type.

    Names such as ``"q6_k"`` are block formats, too, and mean those unless they end in ``.gguf``.

    Examples
    --------
    >>> is_file_type("q4_k_m"), is_file_type("q6_k"), is_file_type("q6_k.gguf")
    (True, False, True)
    """
    folded = name.lower()
    if folded.endswith(SUFFIX):
        return folded.removesuffix(SUFFIX) in file_types()
    return folded in file_types() and folded not in formats


def file_type(name: str, model: ModelSpec, *, importance_matrix: bool | None = None) -> Mixture:
    """Return the formats that a file of some type holds of a model.

    Parameters
    ----------
    name : str
        The type, ``"Q4_K_M"``, also with ``.gguf`` behind it.
    model : ModelSpec
        The model; numbers of it may be arrays, and then bits are.
    importance_matrix : bool, optional
        Whether activations weighted the errors, which changes some rules; unless said, for the
        types whose name begins with IQ, which are seldom made without, and those that need it.

    Raises
    ------
    UnknownNameError
        If there is no such type.

    Examples
    --------
    >>> from paramscale.catalogue.models import models
    >>> round(float(file_type("Q4_K_M", models["llama-3-8b"]).bits_per_weight), 2)
    4.89
    """
    key = name.lower().removesuffix(SUFFIX)
    if key not in file_types():
        raise UnknownNameError("file type", name, file_types())
    if importance_matrix is None:
        importance_matrix = usually_weighted(key)
    return _file_type(key, model, importance_matrix)


#: Block formats of layers that llama.cpp does not make without an importance matrix.
_WEIGHTED = ("iq1_s", "iq1_m", "iq2_xxs", "iq2_xs", "iq2_s", "iq3_xxs")


def needs_importance_matrix(name: str) -> bool:
    """Tell whether files of a type are made with an importance matrix only.

    Examples
    --------
    >>> [name for name in ("q2_k_s", "iq3_xs", "iq4_xs", "q4_k_m") if needs_importance_matrix(name)]
    ['q2_k_s', 'iq3_xs']
    """
    key = name.lower().removesuffix(SUFFIX)
    rules = file_types().get(key)
    if rules is None:
        return False
    layers = [rules[column] for column in ("default", *dict.fromkeys(_KINDS.values()))]
    used = {each.rpartition(":")[2] for cell in layers for each in cell.split("|")}
    return key == "q2_k_s" or not used.isdisjoint(_WEIGHTED)


def usually_weighted(name: str) -> bool:
    """Tell whether files of a type are usually made with an importance matrix."""
    return name.lower().startswith("iq") or needs_importance_matrix(name)


@lru_cache(maxsize=64)
def _file_type(key: str, model: ModelSpec, weighted: bool) -> Mixture:
    rules = _Rules(file_types()[key], model, weighted)
    bits: dict[str, Floats] = {}
    weights: dict[str, Floats] = {}
    for each in _tensors(model):
        mean = rules.bits(each)
        bits[each.place] = bits.get(each.place, NOTHING) + mean * each.weights
        weights[each.place] = weights.get(each.place, NOTHING) + each.weights
    everything = total(model.operations(Pass(1.0, 1.0)), lambda op: op.weights)
    overrides = {place: bits[place] / weights[place] for place in bits}
    if "token_embedding.lookup" in overrides:  # a tied head reads the table
        overrides.setdefault("head.logits", overrides["token_embedding.lookup"])
    return Mixture(
        name=key.upper(), default=formats[file_types()[key]["default"]], overrides=overrides,
        mean_bits=sum(bits.values(), NOTHING) / everything,
    )  # fmt: skip


class _Tensor(NamedTuple):
    """A tensor of some equal layers, and where it stands.

    Attributes
    ----------
    kind, place : str
        Column of the rules; component and operation it belongs to.
    weights, inputs : Floats
        Elements of all layers together; channels of a row.
    first, layers : Floats
        Number of the first of the layers, and how many they are.
    """

    kind: str
    place: str
    weights: Floats
    inputs: Floats
    first: Floats
    layers: Floats


def _tensors(model: ModelSpec) -> Iterator[_Tensor]:
    """Yield what a file stores of a model."""
    step, width = Pass(1.0, 1.0), model.width
    tied = not any(np.any(op.weights > 0.0) for item in model.head for op in
                   item.operations(width, step) if op.kind == "matmul")  # fmt: skip
    for item in (*model.embedding, *model.head):
        for op in item.operations(width, step):
            yield from _around(op, width, tied)
    first: Floats = NOTHING
    for layer in model.layers:
        for item in layer.blocks:
            for op in item.operations(width, step):
                for each in _of_layer(op, model.family in _FUSED):
                    yield each._replace(
                        weights=each.weights * layer.count, first=first, layers=layer.count
                    )
        first = first + layer.count


def _around(op: Operation, width: Floats, tied: bool) -> Iterator[_Tensor]:
    """Yield what stands around the layers; a tied table is stored as a head."""
    kind = "whole"
    if op.kind == "lookup" and op.part != "position_embedding":
        kind = "head" if tied and op.part == "token_embedding" else "embedding"
    elif op.kind == "matmul":
        kind = "head" if op.part == "head" else "default"
    if np.any(op.weights > 0.0):
        inputs = matrices_of(op)[0].inputs if kind == "default" and matrices_of(op) else width
        yield _Tensor(kind, f"{op.part}.{op.name}", op.weights, inputs, NOTHING, NOTHING)


def _of_layer(op: Operation, fused: bool) -> Iterator[_Tensor]:
    place = f"{op.part}.{op.name}"
    found = matrices_of(op)
    if not np.any(op.weights > 0.0):
        return
    if not found or op.part == "router" or op.name == "switch":
        kind = "default" if op.kind == "matmul" and op.part != "router" else "whole"
        yield _Tensor(kind, place, op.weights, np.float64(1024.0), NOTHING, NOTHING)
        return
    together = sum((each.outputs for each in found), NOTHING)
    for each in found:
        kind = _KINDS.get(each.name, "default")
        if op.part not in _FEED_FORWARD and kind in ("gate_up", "down"):
            kind = "default"
        if op.part != "attention" and kind not in ("gate_up", "down"):
            kind = "default"
        kind = "fused" if fused and op.name == "query_key_value" else kind
        weights = op.weights * each.outputs / together
        yield _Tensor(kind, place, weights, each.inputs, NOTHING, NOTHING)


#: Stand-ins where a row is no multiple of a block of 256 weights.
_FALLBACK = {
    "q2_k": "q4_0", "q3_k": "q4_0", "q4_k": "q5_0", "q5_k": "q5_1", "q6_k": "q8_0", "tq1_0": "q4_0",
    "tq2_0": "q4_0",
}  # fmt: skip


@attrs.frozen(eq=False)
class _Rules:
    """The rules of a type for one model."""

    rules: dict[str, str]
    model: ModelSpec
    weighted: bool

    def bits(self, tensor: _Tensor) -> Floats:
        """Return the mean bits a weight of a tensor over its layers."""
        if tensor.kind == "whole":
            return np.float64(_WHOLE)
        chain = [each for each in self.rules.get(tensor.kind, "").split("|") if each]
        bits: Floats = NOTHING
        given: Floats = NOTHING  # conditions of a chain are each part of the next
        for condition, _, name in (each.rpartition(":") for each in (*chain, self._default)):
            share = np.maximum(self._share(condition, tensor), given)
            if np.any(share > given):
                bits = bits + (share - given) * self._bits(name, tensor)
            given = share
        return bits

    @property
    def _default(self) -> str:
        return self.rules["default"]

    def _bits(self, name: str, tensor: _Tensor) -> Floats:
        gqa, depth = self._facts["gqa"], self.model.depth
        seventy = (depth == 80.0) & (gqa > 1.0) & (tensor.kind == "value")
        small = self._default.startswith(("iq1", "iq2"))
        bits: Floats = np.float64(formats[name].bits_per_weight)
        if name in ("q3_k", "q4_k") and not small:  # models of 80 layers get more for values
            bits = np.where(seventy, formats["q5_k"].bits_per_weight, bits)[()]
        if formats[name].block_weights == 256:
            other = "q8_0" if tensor.kind == "head" else _FALLBACK.get(name, "iq4_nl")
            whole = np.remainder(tensor.inputs, 256.0) == 0.0
            bits = np.where(whole, bits, formats[other].bits_per_weight)[()]
        return bits

    def _share(self, condition: str, tensor: _Tensor) -> Floats:
        """Return the share of the layers of a tensor in which a condition holds."""
        share: Floats = np.float64(1.0)
        for each in condition.split("+") if condition else ():
            share = share * self._holds(each, tensor)
        return share

    def _holds(self, condition: str, tensor: _Tensor) -> Floats:
        if condition in _LAYERS:
            depth = self.model.depth
            last = tensor.first + tensor.layers
            count = _LAYERS[condition]
            found: Floats = (count(last, depth) - count(tensor.first, depth)) / tensor.layers
            return found
        facts = self._facts
        holds: Any = {
            "gqa4": facts["gqa"] >= 4.0,
            "moe4": facts["experts"] >= 4.0,
            "moe8": facts["experts"] == 8.0,
            "experts": tensor.place.startswith("experts."),
            "falcon": self.model.family == "falcon",
            "imatrix": self.weighted,
            "noimatrix": not self.weighted,
        }[condition]
        return np.where(holds, 1.0, 0.0)[()]

    @property
    def _facts(self) -> dict[str, Floats]:
        return _facts(self.model)


@lru_cache(maxsize=64)
def _facts(model: ModelSpec) -> dict[str, Floats]:
    """Return the query heads a key head, and the experts, of a model."""
    gqa: Floats = np.float64(1.0)
    experts: Floats = NOTHING
    for _, op in model.operations(Pass(1.0, 1.0)):
        outputs = dict(op.fused)
        if "query" in outputs and "key" in outputs:
            gqa = np.maximum(gqa, outputs["query"] / outputs["key"])
        if op.split == "experts" and (found := matrices_of(op)):
            experts = np.maximum(experts, found[0].copies)
    return {"gqa": gqa, "experts": experts}


def _more(before: Floats, depth: Floats) -> Floats:
    """Return how many layers before one are among the outer quarter or every third between."""
    eighth, late = depth // 8, 7 * depth // 8
    between: Floats = np.maximum(np.minimum(before, late) - eighth, 0.0) // 3
    return np.minimum(before, eighth) + np.maximum(before - late, 0.0) + between


def _middle(before: Floats, depth: Floats) -> Floats:
    found: Floats = np.maximum(np.minimum(before, 7 * depth // 8) - depth // 8, 0.0)
    return found


#: Of the first so many layers, in how many a condition holds.
_LAYERS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "more": _more,
    "middle": _middle,
    "first16": lambda before, depth: np.minimum(before, depth // 16),
    "first8": lambda before, depth: np.minimum(before, depth // 8),
    "first4": lambda before, depth: np.minimum(before, 4.0),
    "first2": lambda before, depth: np.minimum(before, 2.0),
}
