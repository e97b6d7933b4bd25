"""Runs on repeated data: size, unique tokens and epochs against the loss that was reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from paramscale.analysis.estimate import estimate
from paramscale.errors import ParamscaleError
from paramscale.specs.training import TrainingSpec
from paramscale.validation.row import Cells, Comparison, compare_each, read_rows, table

__all__ = ["repeated_data"]

_TABLE = "capability/datablations_losses"


@table(f"{_TABLE}.csv")
def repeated_data(folder: Path) -> Iterable[Comparison]:
    """Compare the loss of each run; runs of one epoch and of more are groups."""
    return compare_each(read_rows(folder / f"{_TABLE}.csv"), _compare, "loss_nats", _TABLE)


def _compare(row: Cells) -> Iterator[Comparison]:
    name, truth = row["run"], float(row["val_loss_nats_per_token"])
    group = "one epoch" if float(row["epochs"]) <= 1.0 else "repeated"
    try:
        training = TrainingSpec(
            tokens=float(row["training_tokens"]), unique_tokens=float(row["unique_tokens"])
        )
        found = estimate(
            parameters=float(row["params"]),
            active_parameters=float(row["params"]),
            training=training,
            quantities=["loss_nats"],
        )["loss_nats"]
    except ParamscaleError as error:
        yield Comparison("loss_nats", _TABLE, name, truth, group=group, refused=str(error))
        return
    ends = float(found.low), float(found.high)
    yield Comparison("loss_nats", _TABLE, name, truth, float(found.value), *ends, group)
