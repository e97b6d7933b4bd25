"""What a teacher costs while a student learns from it."""

from __future__ import annotations

from paramscale import quantities as q
from paramscale.core.estimator import estimator
from paramscale.specs.block import NOTHING
from paramscale.specs.changes import Distillation
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats

__all__ = ["teacher"]


@estimator(gives=q.TEACHER_FLOPS, source="2 FLOPs a multiply-add, forward only, by the records")
def teacher(model: ModelSpec) -> Floats:
    """FLOPs of the forward passes of all teachers; 0 for a model that had none.

    They come beside ``training_flops`` of the student, forward and backward.
    """
    spent: Floats = NOTHING
    for record in model.changes:
        if isinstance(record, Distillation):
            spent = spent + record.teacher_flops_per_token * record.tokens
    return spent
