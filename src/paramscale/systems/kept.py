"""Bytes that one operation keeps for the backward pass, on one rank of tensor parallelism.

A matrix keeps its input, a norm its input and statistics, an activation function its inputs, and
attention its queries, keys and values; see `Operation`. What is kept beside that depends on how the
work is written (`Kernels`): fused, or as in the reference code, where every element-wise step keeps
tensors of its own and eager attention keeps the attention matrix (Korthikanti et al. 2022,
arXiv:2205.05198, section 4.1, count the same for one layer).
"""

from __future__ import annotations

import attrs
import numpy as np

from paramscale.catalogue.reference_code import ReferenceCode
from paramscale.specs.block import NOTHING, Operation
from paramscale.typing import Floats

__all__ = ["Kernels", "kept_bytes"]

_FP32 = 4.0


@attrs.frozen(eq=False)
class Kernels:
    """How the forward pass is written, as far as it decides what is kept.

    Parameters
    ----------
    element_bytes : float
        Bytes of an activation.
    input_bytes : float
        Bytes of the input that a matrix keeps (one less in fp8).
    attention : str
        ``"flash"``, ``"eager"`` or ``"math"`` (PyTorch's fallback: everything in fp32).
    fused : bool
        Whether element-wise work is fused.
    recomputes_scores : bool
        Whether attention matrices are computed again instead of kept (selective recomputation).
    dropout, attention_dropout : bool
        Whether residual branches and embeddings, and attention matrices, are dropped out.
    mask_bytes : float
        Bytes of one element of a dropout mask.
    frozen : str
        Which matrices keep their inputs: ``""`` all, ``"query_value"`` or ``"attention"`` only
        those that an adapter stands beside, ``"all"`` all though they are frozen.
    single : bool
        Whether there is one sequence, of which a matrix product needs no copy of a view.
    code : ReferenceCode
        Habits of the reference code, used where `fused` is False or attention eager.
    tensor : Floats
        Ranks of tensor parallelism.
    sequence : Floats
        Ranks over which sequence parallelism divides what tensor parallelism leaves whole.
    """

    element_bytes: float
    input_bytes: float
    attention: str
    fused: bool
    recomputes_scores: bool
    dropout: bool
    attention_dropout: bool
    mask_bytes: float
    frozen: str
    single: bool
    code: ReferenceCode
    tensor: Floats
    sequence: Floats


def kept_bytes(op: Operation, how: Kernels) -> Floats:
    """Return the bytes that an operation keeps on one tensor-parallel rank."""
    if op.kind == "attention":
        return _attention(op, how) / how.tensor
    if op.kind == "matmul":
        return _matmul(op, how) + _mask(op, how)
    total = _elementwise(op, how)
    ranks = how.sequence if op.split == "none" or op.kind == "lookup" else how.tensor
    return total / ranks + _mask(op, how)


def _elementwise(op: Operation, how: Kernels) -> Floats:
    fixed = op.kept_fp32 * _FP32
    if how.fused:
        return op.kept * how.element_bytes + fixed
    if op.kept_fp32 is NOTHING or op.kind != "elementwise":  # no norm
        return (op.kept + op.apart) * how.element_bytes + op.apart_fp32 * _FP32 + fixed
    # a norm: an RMS norm keeps its input in fp32, and its normalised rows for the scale's gradient
    rms = op.apart_fp32 is not NOTHING
    rows, rows_fp32 = how.code.norm_tensors, how.code.norm_fp32_tensors
    if np.isnan(rows):
        rows, rows_fp32 = 1.0, 1.0 if rms else 0.0
    if how.frozen and rms:  # nobody asks for the gradient of a frozen scale
        rows, rows_fp32 = 0.0, 1.0
    return op.kept * (rows * how.element_bytes + rows_fp32 * _FP32) + fixed


def _matmul(op: Operation, how: Kernels) -> Floats:
    """Return the bytes of a matrix' input, and of what the activation function after it keeps."""
    entering = np.minimum(op.kept, op.moved_in)
    rest = op.kept - entering
    if how.frozen and how.frozen != "all" and not _adapted(op, how.frozen):
        entering = NOTHING
    total = op.kept_fp32 * _FP32 + rest * how.element_bytes
    if not how.fused:
        apart = op.apart
        if op.name == "up" and how.code.activation_tensors:
            inner = op.moved_out if op.apart is NOTHING else op.apart
            apart = apart + how.code.activation_tensors * inner
        total = total + apart * how.element_bytes + op.apart_fp32 * _FP32
    # the input of a matrix divided by columns is whole on every rank, that of rows is divided
    whole = op.split in ("column", "vocabulary", "none")
    return entering * how.input_bytes / (how.sequence if whole else how.tensor) + total / how.tensor


def _adapted(op: Operation, frozen: str) -> bool:
    """Return whether an adapter stands beside a frozen matrix, and keeps its input."""
    if op.part != "attention" or op.kind != "matmul":
        return False
    return frozen == "attention" or op.name not in ("output", "gate")


def _attention(op: Operation, how: Kernels) -> Floats:
    each = how.element_bytes
    if how.attention == "flash" or how.recomputes_scores:
        kept = op.kept * each + op.kept_fp32 * _FP32
        if _output_forgets(how):  # then the kernel itself keeps its result
            kept = kept + op.moved_out * each
        return kept if how.fused else kept + _beside_flash(op, how) * each
    if how.attention == "math":
        matrices = 3.0 if how.attention_dropout else 1.0
        return (op.kept + op.repeated + matrices * op.scores) * _FP32
    # one matrix is what softmax gave, and the same or its copy is multiplied with the values
    upcast = each < _FP32 and how.code.score_fp32_tensors > 0.0
    matrices = how.code.score_tensors * each
    if upcast:
        matrices = matrices + how.code.score_fp32_tensors * _FP32
    if how.attention_dropout:  # then what is multiplied is what was not dropped
        matrices = matrices + how.mask_bytes + (0.0 if upcast else each)
    kept = op.kept + op.repeated
    if how.single and how.code.fused_projection and not how.fused:
        kept = kept + 0.5 * (op.kept + op.moved_in)  # values are a view of the joint projection
    return kept * each + op.scores * matrices


def _beside_flash(op: Operation, how: Kernels) -> Floats:
    """Return further elements that the reference code keeps around a fused attention kernel."""
    more = op.apart
    if how.code.fused_projection:  # its queries and keys, which rotation copied
        more = more + 0.5 * (op.kept + op.moved_in)
    if how.code.copied_result and not _output_forgets(how):
        more = more + op.moved_out
    return more


def _output_forgets(how: Kernels) -> bool:
    """Return whether the projection of the attention's result is frozen and keeps no input."""
    return how.frozen == "query_value"


def _mask(op: Operation, how: Kernels) -> Floats:
    """Return the bytes of the mask of a residual branch or of the token embedding."""
    if not how.dropout or not (op.split == "row" or op.part == "token_embedding"):
        return NOTHING
    return op.moved_out * how.mask_bytes / how.sequence
