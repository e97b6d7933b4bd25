"""Experts beside dense models of the same study: the dense size of equal loss."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from paramscale.analysis.estimate import estimate
from paramscale.errors import ParamscaleError
from paramscale.specs.model import ModelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.validation.expert_rows import ExpertRun, expert_runs
from paramscale.validation.row import Comparison, read_rows, table
from paramscale.validation.score import PACKAGED

__all__ = ["experts"]

_NAME = "capability/architectures"
_QUANTITY = "effective_parameters"
_FINE = ("fine-grained", "deepseekmoe")


@table(f"{_NAME}.csv")
def experts(folder: Path) -> Iterable[Comparison]:
    """Compare dense sizes of equal loss, those of the largest base apart.

    Where a table has too few dense runs of a study, those that come with the library help.
    """
    path, own = folder / f"{_NAME}.csv", PACKAGED / f"{_NAME}.csv"
    more = list(read_rows(own)) if own.exists() and own != path else []
    runs = [run for run in expert_runs(list(read_rows(path)), more) if np.isfinite(run.dense)]
    largest = {study: max(r.base for r in runs if r.study == study) for study in {r.study for r in runs}}  # fmt: skip  # noqa: E501
    for run in runs:
        group = "largest base" if run.base == largest[run.study] else "smaller bases"
        for how in ("dense_size", "root_rule"):
            yield _compare(run, how, group)


def _compare(run: ExpertRun, how: str, group: str) -> Comparison:
    if any(word in f"{run.name} {run.router}".lower() for word in _FINE):
        group, how = "fine-grained", "fine_grained_experts" if how == "dense_size" else how
    group = f"{group}, root rule" if how == "root_rule" else group
    name = f"{run.study} {run.name} {run.metric}"
    try:
        found = estimate(
            model=ModelSpec(width=1, layers=(), name=run.name), parameters=run.total,
            active_parameters=run.active, training=TrainingSpec(tokens=1e11),
            quantities=[_QUANTITY], use={_QUANTITY: how},
        )[_QUANTITY]  # fmt: skip
    except ParamscaleError as error:
        return Comparison(_QUANTITY, _NAME, name, run.dense, group=group, refused=str(error))
    ends = (float(found.low), float(found.high)) if found.has_interval else (np.nan, np.nan)
    return Comparison(_QUANTITY, _NAME, name, run.dense, float(found.value), *ends, group)
