"""A smaller model that learns from the outputs of a larger one."""

from __future__ import annotations

import numpy as np

from paramscale.errors import SpecError
from paramscale.specs.bill import total
from paramscale.specs.changes import ROUNDED, Distillation
from paramscale.specs.fields import to_floats
from paramscale.specs.model import ModelSpec
from paramscale.specs.passes import Pass
from paramscale.transforms.chain import changed, in_order, model_of, parameters_of, transform
from paramscale.typing import Floats, FloatsLike

__all__ = ["distil"]


@transform("distil")
def distil(
    student: ModelSpec | str,
    teacher: ModelSpec | str,
    tokens: FloatsLike,
    *,
    teacher_tokens: FloatsLike = np.nan,
    method: str = "logits",
    sequence_length: FloatsLike = 4096.0,
) -> ModelSpec:
    """Return the student, with a record of what it learned from the teacher.

    Its shapes do not change. What training costs beside its own FLOPs, the forward passes of the
    teacher, is the quantity ``teacher_flops``.

    Parameters
    ----------
    student, teacher : ModelSpec or str
        Two models, or names of published ones; the student is the smaller one.
    tokens : FloatsLike
        Tokens on which the student learns from the teacher.
    teacher_tokens : FloatsLike
        Tokens on which the teacher was trained, where they are known.
    method : str
        What is learned from: ``"logits"``, ``"text"``, ``"hidden"``, ...
    sequence_length : FloatsLike
        Tokens of a sequence, which the teacher's attention depends on.

    Raises
    ------
    SpecError
        If the student is larger than the teacher, or its weights are rounded.

    Examples
    --------
    >>> import paramscale as ps
    >>> half = ps.prune("llama-3.1-8b", "depth", layers=16)
    >>> taught = ps.distil(half, "llama-3.1-8b", tokens=94e9)
    >>> [type(record).__name__ for record in taught.changes]
    ['Pruning', 'Distillation']
    """
    student, teacher = model_of(student), model_of(teacher)
    in_order(student, "distil(...)", ROUNDED - 1, twice=True)
    sizes = parameters_of(student), parameters_of(teacher)
    if np.any(sizes[0] > sizes[1]):
        raise SpecError(
            f"distil(...): the student {student.name!r} has {_billions(sizes[0])}, more than the"
            f" teacher {teacher.name!r} with {_billions(sizes[1])}; write distil(student, teacher)"
            " with the smaller model first"
        )
    work = teacher.operations(Pass(1.0, sequence_length))
    record = Distillation(
        method=method,
        teacher=teacher.name,
        teacher_parameters=sizes[1],
        teacher_tokens=to_floats(teacher_tokens, "teacher_tokens"),
        tokens=to_floats(tokens, "tokens"),
        teacher_flops_per_token=total(work, lambda op: op.flops) / to_floats(sequence_length),
    )
    return changed(student, record, f"taught by {teacher.name}")


def _billions(parameters: Floats) -> str:
    return f"{np.max(parameters) / 1e9:.3g} billion parameters"
