"""Low-rank adapters beside frozen weights: LoRA (arXiv:2106.09685), QLoRA (arXiv:2305.14314)."""

from __future__ import annotations

import attrs
import numpy as np

from paramscale.architecture.adapted import Adapted, stands_beside
from paramscale.errors import SpecError
from paramscale.specs.block import NOTHING
from paramscale.specs.changes import ADAPTED, Adaptation
from paramscale.specs.fields import to_floats
from paramscale.specs.model import ModelSpec
from paramscale.transforms.chain import changed, each_block, in_order, model_of, transform
from paramscale.transforms.matrices import has_matrices, layer_matrices
from paramscale.transforms.quantize import quantize
from paramscale.typing import Floats, FloatsLike

__all__ = ["adapt"]


@transform("adapt")
def adapt(
    model: ModelSpec | str,
    rank: FloatsLike = 16.0,
    *,
    beside: str = "all",
    merged: bool = False,
    frozen: str | None = None,
    tokens: FloatsLike = 0.0,
) -> ModelSpec:
    """Return the model with adapters of a rank beside its matrices (LoRA; QLoRA with `frozen`).

    Beside a matrix from m to n channels stand r (m + n) weights (arXiv:2106.09685, equation 3).
    A :class:`~paramscale.specs.training.TrainingSpec` that does not say what is trained then trains
    the adapters alone.

    Parameters
    ----------
    model : ModelSpec or str
        A model, or the name of a published one.
    rank : FloatsLike
        Channels between the two matrices of an adapter.
    beside : str
        Which matrices have one: ``"all"``, those of ``"attention"``, or ``"query_value"``.
    merged : bool
        Whether the adapters are added to the weights afterwards: nothing is left of them then.
    frozen : str, optional
        Format of the frozen matrices: ``"nf4"`` is QLoRA.
    tokens : FloatsLike
        Tokens on which they are trained.

    Raises
    ------
    SpecError
        If the model has adapters already, or weights that are rounded would take them in.

    Examples
    --------
    >>> import paramscale as ps
    >>> tuned = ps.adapt("llama-3.1-8b", rank=16)
    >>> tuned.changes[-1].parameters
    np.float64(41943040.0)
    """
    model = model_of(model)
    in_order(model, "adapt(...)", ADAPTED)
    if frozen is not None:
        model = quantize(model, frozen)
    if merged and any(record.kind == "quantization" for record in model.changes):
        raise SpecError(
            "adapt(merged=True): rounded weights cannot take adapters in; merge them into the"
            " original model and quantize that, or write merged=False"
        )
    record = Adaptation(
        method="lora" if frozen is None else "qlora",
        rank=to_floats(rank, "adapt(rank)"),
        beside=beside,
        merged=merged,
        frozen_format=frozen or "",
        tokens=to_floats(tokens, "tokens"),
    )
    record = attrs.evolve(record, parameters=_parameters(model, record))
    if merged:
        return changed(model, record, f"merged {record.method}")
    return changed(
        model,
        record,
        record.method,
        **each_block(
            model,
            lambda item: (
                Adapted(item, rank=record.rank, beside=beside)
                if has_matrices(item, model.width)
                else item
            ),
        ),
    )


def _parameters(model: ModelSpec, record: Adaptation) -> Floats:
    """Return the parameters of all adapters."""
    Adapted(model.layers[0].blocks[0], rank=record.rank, beside=record.beside)  # checks the word
    found: Floats = NOTHING
    for count, op, each in layer_matrices(model):
        if stands_beside(each.name, op, record.beside):
            found = found + count * each.copies * record.rank * (each.inputs + each.outputs)
    if not np.any(found > 0.0):
        raise SpecError(
            f"adapt(beside={record.beside!r}): {model.name!r} has no such matrices; write"
            " beside='all'"
        )
    return found
