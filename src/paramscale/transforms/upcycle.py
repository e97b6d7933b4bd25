"""Dense feed-forward blocks copied to experts (sparse upcycling, arXiv:2212.05055)."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from paramscale.architecture.experts import MixtureOfExperts
from paramscale.architecture.mlp import MLP
from paramscale.errors import SpecError
from paramscale.specs.block import Block
from paramscale.specs.changes import SHAPES, Upcycling
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
from paramscale.typing import Floats, FloatsLike

__all__ = ["as_experts", "upcycle"]


@singledispatch
def as_experts(item: Any, experts: Floats, chosen: Floats, pieces: Floats) -> Block:
    """Return a feed-forward block as experts; other blocks are returned as they are.

    Another kind of feed-forward block joins with ``@as_experts.register``.
    """
    found: Block = item
    return found


@as_experts.register
def _(item: MLP, experts: Floats, chosen: Floats, pieces: Floats) -> Block:
    inner = item.inner / pieces
    if np.ndim(inner) == 0 and inner != np.rint(inner):
        raise SpecError(
            f"upcycle(pieces={pieces:g}) does not divide {item.inner:.0f} inner channels; choose a"
            " divisor"
        )
    return MixtureOfExperts(
        experts=experts,
        chosen=chosen,
        inner=np.rint(inner),
        gated=item.gated,
        bias_in=item.bias_in,
        bias_out=item.bias_out,
    )


@transform("upcycle")
def upcycle(
    model: ModelSpec | str,
    experts: FloatsLike = 8.0,
    chosen: FloatsLike = 2.0,
    *,
    pieces: FloatsLike = 1.0,
    recovery_tokens: FloatsLike = 0.0,
) -> ModelSpec:
    """Return the model with every feed-forward block copied to experts, some for each token.

    Parameters
    ----------
    model : ModelSpec or str
        A dense model, or the name of a published one.
    experts, chosen : FloatsLike
        Routed experts of a layer, and how many of them a token passes.
    pieces : FloatsLike
        Into how many experts one feed-forward block is cut (fine-grained experts): each has
        inner / pieces channels.
    recovery_tokens : FloatsLike
        Tokens of training afterwards.

    Raises
    ------
    SpecError
        If no feed-forward block is dense, or weights are rounded or zero already.

    Examples
    --------
    Mixtral-8x7B has the shapes of Mistral-7B, eight times its feed-forward blocks:

    >>> import paramscale as ps
    >>> experts = ps.upcycle("mistral-7b-v0.1", experts=8, chosen=2)
    >>> ps.estimate(model=experts).parameters.value
    np.float64(46702792704.0)
    """
    model = model_of(model)
    in_order(model, "upcycle(...)", SHAPES)
    record = Upcycling(
        experts=to_floats(experts, "experts"),
        chosen=to_floats(chosen, "chosen"),
        parameters_before=parameters_of(model),
        recovery_tokens=to_floats(recovery_tokens, "recovery_tokens"),
    )
    cut = to_floats(pieces, "pieces")
    fields = each_block(model, lambda item: as_experts(item, record.experts, record.chosen, cut))
    if all(
        new is old
        for after, before in zip(fields["layers"], model.layers, strict=True)
        for new, old in zip(after.blocks, before.blocks, strict=True)
    ):
        raise SpecError(
            f"upcycle(...): {model.name!r} has no dense feed-forward blocks to copy; give the dense"
            " model"
        )
    return changed(model, record, "upcycled", **fields)
