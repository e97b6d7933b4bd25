"""Fewer bits for weights, activations and caches."""

from __future__ import annotations

from typing import Any

import numpy as np

from paramscale.catalogue.file_types import file_type, is_file_type, usually_weighted
from paramscale.catalogue.formats import Format, as_format
from paramscale.catalogue.mixtures import AnyFormat, Mixture, plain_format
from paramscale.catalogue.rounding import usual_method
from paramscale.catalogue.served_formats import find_format
from paramscale.errors import SpecError
from paramscale.specs.changes import ROUNDED, Quantization
from paramscale.specs.fields import to_floats
from paramscale.specs.model import ModelSpec
from paramscale.transforms.chain import changed, in_order, model_of, transform
from paramscale.transforms.matrices import layer_matrices
from paramscale.typing import FloatsLike

__all__ = ["quantize"]

#: Layouts whose blocks lie along the rows, and so must divide them.
_IN_ROWS = ("GGUF block", "integer group", "microscaling", "additive codebook", "lattice codebook")


@transform("quantize")
def quantize(
    model: ModelSpec | str,
    weights: str | Format | Mixture | None = None,
    *,
    kv: str | Format | None = None,
    activations: str | Format | None = None,
    method: str | None = None,
    importance_matrix: bool | None = None,
    recovery_tokens: FloatsLike = 0.0,
) -> ModelSpec:
    """Return the model with weights, cache or activations in other number formats.

    Shapes do not change; the format travels with the model, and a
    :class:`~paramscale.specs.serving.ServingSpec` that leaves its formats open is served in it.

    Parameters
    ----------
    model : ModelSpec or str
        A model, or the name of a published one.
    weights : str, Format or Mixture, optional
        Format of the matrices (``"awq-int4-g128"``; head, router and tables stay in 16 bits), or a
        file type of llama.cpp (``"q4_k_m"``), which has a format for every tensor.
    kv, activations : str or Format, optional
        Formats of cached keys and values, and of the inputs of matrices. Unless said, inputs are
        what the method takes them to be: what fp8 costs was measured with inputs in fp8.
    method : str, optional
        How weights are rounded; unless said, as the format's name tells (``"gptq"``, ``"awq"``,
        ``"gguf"``, ``"codebook"``, ``"nf4"``, ``"fp8"``, ``"fp4"``, ``"int8"``), else ``"rtn"``;
        with `recovery_tokens` it is ``"qat"``.
    importance_matrix : bool, optional
        Whether activations weighted the errors (GGUF); unless said, as such files usually are.
    recovery_tokens : FloatsLike
        Tokens of training with rounded weights.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    SpecError
        If the model was quantized before, nothing is to be quantized, or the format's blocks do not
        divide the rows of a matrix.

    Examples
    --------
    >>> import paramscale as ps
    >>> small = ps.quantize("llama-3.1-8b", "q4_k_m", kv="fp8")
    >>> e = ps.estimate(model=small, quantities=["weight_bytes", "kv_cache_bytes"])
    >>> round(e.weight_bytes.value / 2**30, 2), round(e.kv_cache_bytes.value / 2**20)
    (np.float64(4.58), 144)
    """
    model = model_of(model)
    in_order(model, "quantize(...)", ROUNDED)
    given = next((each for each in (weights, kv, activations) if each is not None), None)
    if given is None:
        raise SpecError("quantize(...) needs a format: of weights, kv or activations")
    stored = _stored(weights, model, importance_matrix)
    most = plain_format(stored)
    if weights is not None and not isinstance(stored, Mixture):
        _fits(model, most)
    name = weights if isinstance(weights, str) else getattr(weights, "name", "")
    group = np.float64(most.block_weights)
    trained = method is None and np.any(np.asarray(recovery_tokens) > 0.0)
    return changed(
        model,
        Quantization(
            method="qat" if trained else method or usual_method(most, name),
            weight_bits=most.code_bits / most.block_weights,
            bits_per_weight=stored.bits_per_weight,
            group=group if most.overhead_bits and group > 1.0 else None,
            activation_bits=16.0 if activations is None else as_format(activations).bits_per_weight,
            kv_bits=16.0 if kv is None else as_format(kv).bits_per_weight,
            importance_matrix=_weighted(name, importance_matrix),
            recovery_tokens=to_floats(recovery_tokens, "recovery_tokens"),
            weight_format="" if weights is None else weights,
            kv_format="" if kv is None else kv,
            activation_format="" if activations is None else activations,
        ),
        _called(weights, kv, activations),
    )


def _called(weights: Any, kv: Any, activations: Any) -> str:
    named = (("", weights), ("kv ", kv), ("activations ", activations))
    given = [f"{what}{getattr(each, 'name', each)}" for what, each in named if each is not None]
    return ", ".join(given)


def _stored(given: Any, model: ModelSpec, weighted: bool | None) -> AnyFormat:
    if isinstance(given, Mixture):
        return given
    if isinstance(given, str):
        find_format(given)  # refuses what is neither a format nor a file type
    if isinstance(given, str) and is_file_type(given):
        return file_type(given, model, importance_matrix=weighted)
    return as_format(given)


def _weighted(name: str, importance_matrix: bool | None) -> bool:
    return usually_weighted(name) if importance_matrix is None else importance_matrix


def _fits(model: ModelSpec, form: Format) -> None:
    """Refuse a format whose blocks do not divide the rows of a matrix, or that is a pattern."""
    if form.family == "sparsity":
        raise SpecError(
            f"quantize(...): {form.name!r} is a pattern of zeros in a number format; write"
            " prune(model, '2:4') first, and quantize to the format then"
        )
    if form.family not in _IN_ROWS:
        return
    block = float(form.block_weights)
    for _, op, matrix in layer_matrices(model):
        rows = matrix.inputs  # shapes of a grid are rounded anyhow, and pass
        if np.ndim(rows) == 0 and rows % block:
            raise SpecError(_divides(form, f"{op.part}.{matrix.name}", rows))


def _divides(form: Format, matrix: str, rows: Any) -> str:
    least = next(each for each in (256, 128, 64, 32, 16, 8, 4, 2, 1) if rows % each == 0)
    other = "a file type such as 'q4_k_m', which falls back for such rows, or "
    return (
        f"quantize(...): blocks of {form.block_weights} weights ({form.name}) do not divide the"
        f" rows of {matrix}, {rows:.0f} weights; write"
        f" {other if form.family == 'GGUF block' else ''}a format of groups of {least}"
    )
