"""``reference_code``: what the modelling code of a model type keeps for the backward pass.

How a norm or an activation function is written is no property of the architecture, yet it decides
what automatic differentiation keeps. Each row tells what the modelling code of one model type does
otherwise than the usual code (that of Llama), which the row ``default`` describes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from paramscale.catalogue.tables import Catalogue, Row, read_table

__all__ = ["ReferenceCode", "reference_code", "reference_of"]


@attrs.frozen
class ReferenceCode:
    """What one modelling code keeps, in tensors beside those of a fused implementation.

    Parameters
    ----------
    name : str
        Model type.
    norm_tensors, norm_fp32_tensors : float
        Tensors of the norm's width that a norm keeps, in the activations' format and in fp32.
        NaN: the usual ones, that is, its input for a layer norm, and for an RMS norm its input in
        fp32 and the normalised rows. An RMS norm that multiplies its scale before it casts back
        keeps both in fp32.
    activation_tensors : float
        Further tensors of the intermediate width that the activation function keeps: 3 of a GELU
        written out in Python, -1 of a ReLU, whose result is the next matrix' input.
    score_tensors, score_fp32_tensors : float
        Attention matrices that eager attention keeps, in the activations' format and in fp32.
    fused_projection : bool
        Whether values are a view of the joint projection, which rotary queries and keys do not
        use, so that all of it is kept.
    copied_result : bool
        Whether the result of attention is copied before it is projected, since queries were put
        together of rotated and other channels.
    shared_norm_input : bool
        Whether both norms of a layer read the same input (parallel residual).
    residual_in_fp32 : bool
        Whether the residual stream is fp32 whatever the format.
    source : str
        Where it was read.
    """

    name: str
    norm_tensors: float = np.nan
    norm_fp32_tensors: float = np.nan
    activation_tensors: float = 0.0
    score_tensors: float = 1.0
    score_fp32_tensors: float = 1.0
    fused_projection: bool = False
    copied_result: bool = False
    shared_norm_input: bool = False
    residual_in_fp32: bool = False
    source: str = ""


_NUMBERS = (
    "norm_tensors", "norm_fp32_tensors", "activation_tensors", "score_tensors",
    "score_fp32_tensors",
)  # fmt: skip
_FLAGS = ("fused_projection", "copied_result", "shared_norm_input", "residual_in_fp32")


def _code(row: Row) -> ReferenceCode:
    habits: dict[str, Any] = {column: row.number(column) for column in _NUMBERS}
    habits |= {column: row.yes(column) for column in _FLAGS}
    return ReferenceCode(row.text("key"), source=row.text("source"), **habits)


def _rows() -> Iterator[tuple[str, tuple[str, ...], ReferenceCode]]:
    for row in read_table("reference_code.csv"):
        yield row.text("key"), row.names("aliases"), _code(row)


#: Habits of modelling code, by model type.
reference_code: Catalogue[ReferenceCode] = Catalogue("reference code", ReferenceCode, _rows)


def reference_of(family: str) -> ReferenceCode:
    """Return the habits of a family's modelling code, or the usual ones where none are recorded.

    Examples
    --------
    >>> reference_of("gpt2").activation_tensors, reference_of("my-model").activation_tensors
    (3.0, 0.0)
    """
    name = family if family in reference_code else "default"
    return reference_code[name]
