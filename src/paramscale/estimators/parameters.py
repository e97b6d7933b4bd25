"""How many parameters a model has, and how many of them one token touches."""

from __future__ import annotations

from paramscale import quantities as q
from paramscale.core.estimator import estimator
from paramscale.specs.bill import Bill, by_part, total
from paramscale.specs.block import NOTHING, Operation
from paramscale.specs.model import ModelSpec
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = [
    "active",
    "active_fraction",
    "embedding",
    "matmul",
    "nonzero",
    "tied",
    "untied",
    "with_draft",
]

_SHAPES = "sum of tensor shapes; verified against transformers 5.23.0 on the meta device"


def _held(op: Operation) -> Floats:
    return op.weights


def _named(op: Operation) -> Floats:
    return op.weights + op.borrowed


def _touched(op: Operation) -> Floats:
    return op.active_weights


def _held_parts(token_work: Bill) -> dict[str, Floats]:
    return by_part(token_work, _held)


@estimator(gives=q.PARAMETERS, source=_SHAPES, parts=_held_parts)
def tied(token_work: Bill) -> Floats:
    """Number of learned numbers, tensors that are tied or shared counted once.

    Buffers (router-bias corrections) and multi-token-prediction layers are not among them.
    """
    return total(token_work, _held)


def _not_zero(op: Operation) -> Floats:
    return op.weights if op.sparse is None else op.weights * op.sparse.density


@estimator(gives=q.NONZERO_PARAMETERS, source="weights x (1 - sparsity), a pruned matrix each")
def nonzero(token_work: Bill) -> Floats:
    """Number of parameters that are not zero; pruned ones keep their place and count above."""
    return total(token_work, _not_zero)


@estimator(
    gives=q.PARAMETERS,
    source=_SHAPES,
    rank=1,
    parts=lambda token_work: by_part(token_work, _named),
)
def untied(token_work: Bill) -> Floats:
    """Number of learned numbers, a tensor counted as often as a name refers to it."""
    return total(token_work, _named)


@estimator(gives=q.PARAMETERS, source=_SHAPES, rank=2)
def with_draft(token_work: Bill, model: ModelSpec) -> Floats:
    """Number of learned numbers with the multi-token-prediction layers of the checkpoint."""
    return total(token_work, _held) + total(model.draft_operations(Pass(1.0, 1.0)), _held)


def _active_parts(token_work: Bill) -> dict[str, Floats]:
    return by_part(token_work, _touched)


@estimator(gives=q.ACTIVE_PARAMETERS, source=_SHAPES, parts=_active_parts)
def active(token_work: Bill) -> Floats:
    """Parameters that one token touches: all but the routed experts that it does not choose.

    Tables count whole, as in published figures of this kind.
    """
    return total(token_work, _touched)


@estimator(gives=q.ACTIVE_FRACTION, source="active_parameters / parameters")
def active_fraction(active_parameters: Floats, parameters: Floats) -> Floats:
    """Share of the parameters that one token touches; 1 for dense models."""
    return active_parameters / parameters


def _multiplied(op: Operation) -> Floats:
    if op.kind == "lookup":
        return NOTHING
    # a tied head holds no matrix of its own, and multiplies by it all the same
    return op.active_weights + op.borrowed if op.part == "head" else op.active_weights


@estimator(
    gives=q.MATMUL_PARAMETERS,
    source=_SHAPES,
    parts=lambda token_work: by_part(token_work, _multiplied),
)
def matmul(token_work: Bill) -> Floats:
    """Active parameters without tables, with the head whether tied or not.

    2 x this x tokens is the usual estimate of the FLOPs of a forward pass without attention.
    """
    return total(token_work, _multiplied)


def _tabled(op: Operation) -> Floats:
    return op.weights if op.kind == "lookup" else NOTHING


@estimator(
    gives=q.EMBEDDING_PARAMETERS,
    source=_SHAPES,
    parts=lambda token_work: by_part(token_work, _tabled),
)
def embedding(token_work: Bill) -> Floats:
    """Parameters of all tables: tokens, positions, types, and per-layer embeddings."""
    return total(token_work, _tabled)
