"""FLOPs of a training token by published tables, each in its own convention."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from paramscale.analysis.estimate import estimate
from paramscale.errors import ParamscaleError
from paramscale.specs.model import ModelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.validation.row import Cells, Comparison, compare_each, count_of, read_rows, table
from paramscale.validation.training_models import model_of

__all__ = ["flops_per_token"]

NAME = "systems/flops_per_token"

#: Sources whose convention is known where the row leaves it open.
_FULL_SOURCES = ("nemo-2407", "nemo2407", "megatron-2021", "llm-foundry")


@table(f"{NAME}.csv")
def flops_per_token(folder: Path) -> Iterator[Comparison]:
    """Compare ``step_flops`` of a step of one token, in the convention that the row names."""
    return compare_each(read_rows(folder / f"{NAME}.csv"), _compare, "step_flops", NAME)


def _compare(row: Cells) -> Iterator[Comparison]:
    group = "in_scope" if row["phase"] == "pretrain" else "out_of_scope"
    place = ("step_flops", NAME, row["flop_id"], count_of(row, "flop_per_token"))
    try:
        model, guessed = model_of(row)
        if guessed:
            raise ParamscaleError(f"{row['model']!r} is not known; {guessed}")
        if "lora" in row["phase"] or "adapter" in row["phase"]:
            raise ParamscaleError("step_flops count a step in which all weights are trained")
        value = _flops(model, row)
    except ParamscaleError as error:
        yield Comparison(*place, group=group, refused=str(error))
    else:
        yield Comparison(*place, value, group=group)


def _flops(model: ModelSpec, row: Cells) -> float:
    length = count_of(row, "seq_len_tokens")
    if np.isnan(length):
        raise ParamscaleError("the row states no sequence length")
    training = TrainingSpec(tokens=length, batch_tokens=length, sequence_length=length)
    use = {"step_flops": "full_attention" if is_full(row) else "causal_attention"}
    found = estimate(model=model, training=training, quantities="step_flops", use=use)
    return float(found["step_flops"].value) / length


def is_full(row: Cells) -> bool:
    """Tell whether a row counts full squares of attention.

    Examples
    --------
    >>> is_full({"attention_convention": "causal (halved)", "source_group": "x"})
    False
    """
    said = row["attention_convention"].lower()
    if "depends" in said:
        return any(name in row["source_group"].lower() for name in _FULL_SOURCES)
    if "full" in said or "non-causal" in said:
        return True
    return not ("causal" in said or "halv" in said or "half" in said)
