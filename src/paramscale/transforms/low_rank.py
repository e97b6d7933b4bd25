"""Matrices replaced by products of two thinner ones."""

from __future__ import annotations

import numpy as np

from paramscale.architecture.factored import Factored
from paramscale.errors import SpecError
from paramscale.specs.changes import FACTORS, LowRank
from paramscale.specs.fields import to_floats
from paramscale.specs.model import ModelSpec
from paramscale.transforms.chain import (
    changed,
    each_block,
    in_order,
    model_of,
    parameters_of,
    transform,
)
from paramscale.transforms.matrices import has_matrices, layer_matrices
from paramscale.typing import Floats, FloatsLike

__all__ = ["low_rank"]


@transform("low_rank")
def low_rank(
    model: ModelSpec | str,
    rank: FloatsLike | None = None,
    *,
    share: FloatsLike | None = None,
    method: str = "svd",
    recovery_tokens: FloatsLike = 0.0,
) -> ModelSpec:
    """Return the model with the matrices of its layers as products of two, W ~ B A.

    A rank r takes r (inputs + outputs) weights and 2 r (inputs + outputs) FLOPs a token. Matrices
    for which that is more than they are stay whole; head, tables and routers do anyway.

    Parameters
    ----------
    model : ModelSpec or str
        A model, or the name of a published one.
    rank : FloatsLike, optional
        Channels between the two matrices, of every matrix; or give `share`.
    share : FloatsLike, optional
        Parameters that are left of each matrix, from which its rank follows.
    method : str
        How the two are found: ``"svd"``, ``"svd-llm"``, ``"asvd"``, ...
    recovery_tokens : FloatsLike
        Tokens of training afterwards.

    Raises
    ------
    SpecError
        If not exactly one of rank and share is given, the rank saves nothing, or weights of the
        model are rounded or zero already.

    Examples
    --------
    >>> import paramscale as ps
    >>> thin = ps.low_rank("llama-3.1-8b", rank=1024)
    >>> ps.estimate(model=thin).parameters.value
    np.float64(3668185088.0)
    """
    model = model_of(model)
    in_order(model, "low_rank(...)", FACTORS)
    if (rank is None) == (share is None):
        raise SpecError("low_rank(...) needs a rank or a share of the parameters, one of the two")
    record = LowRank(
        method=method,
        rank=to_floats(np.nan if rank is None else rank, "low_rank(rank)"),
        share=to_floats(1.0 if share is None else share, "low_rank(share)"),
        parameters_before=parameters_of(model),
        recovery_tokens=to_floats(recovery_tokens, "recovery_tokens"),
    )
    given = None if rank is None else record.rank
    _saves(model, given)
    return changed(
        model,
        record,
        "low rank",
        **each_block(
            model,
            lambda item: (
                Factored(item, rank=given, share=record.share)
                if has_matrices(item, model.width)
                else item
            ),
        ),
    )


def _saves(model: ModelSpec, rank: Floats | None) -> None:
    """Refuse a rank at which no matrix gets smaller."""
    if rank is None:
        return
    most = [m.inputs * m.outputs / (m.inputs + m.outputs) for _, _, m in layer_matrices(model)]
    if not most:
        raise SpecError(f"low_rank(...): {model.name!r} has no matrices whose shapes are known")
    largest = np.max([np.max(each) for each in most])
    if np.any(rank >= largest):
        raise SpecError(
            f"low_rank(rank={np.max(rank):.0f}) saves nothing: a rank r takes r (inputs + outputs)"
            f" weights, for every matrix of {model.name!r} at least as many as it has; write a rank"
            f" below {largest:.0f}"
        )
