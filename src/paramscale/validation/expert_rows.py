"""Runs with experts beside dense ones of the same study: the dense size of equal loss."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from paramscale.validation.row import count_of

__all__ = ["ExpertRun", "expert_runs"]

#: Fewest dense sizes from which a curve is drawn.
FEWEST = 3


class ExpertRun(NamedTuple):
    """A mixture of experts, and the dense size that reached its loss.

    Attributes
    ----------
    name, study, metric : str
        Of the row.
    total, active : float
        Parameters; of several chosen experts each is counted.
    dense : float
        Parameters of the dense model of equal loss, by a power law through those of the study;
        NaN where there are too few.
    base : float
        Active parameters as the table names them: runs of one base are left out together.
    router : str
        How tokens find experts.
    """

    name: str
    study: str
    metric: str
    total: float
    active: float
    dense: float
    base: float
    router: str


def _active(row: dict[str, str]) -> float:
    """Return the parameters that a token touches; the table counts one expert of several."""
    total, active = count_of(row, "params_total"), count_of(row, "params_active")
    experts, chosen = (re.search(rf"\b{key}=(\d+)", row["variant"]) for key in ("E", "k"))
    if experts and chosen and int(experts[1]) > 1 and int(chosen[1]) > 1:
        each = (total - active) / (int(experts[1]) - 1)
        active = active + (int(chosen[1]) - 1) * each
    return active


def _is_loss(row: dict[str, str]) -> bool:
    return "loss" in row["metric"] and np.isfinite(count_of(row, "value"))


def expert_runs(
    rows: Iterable[dict[str, str]], more_dense: Iterable[dict[str, str]] = ()
) -> Iterator[ExpertRun]:
    """Yield the runs with experts, with the dense size of equal loss where a curve is known.

    Parameters
    ----------
    rows : iterable of dict
        Of ``capability/architectures.csv``.
    more_dense : iterable of dict
        Further rows, of which the dense ones are used where a study is the same.
    """
    losses = [row for row in rows if _is_loss(row)]
    pool = [row for row in (*losses, *more_dense) if _is_loss(row)]
    for row in losses:
        if "moe" not in row["architecture"].lower():
            continue
        total, active = count_of(row, "params_total"), _active(row)
        if not (np.isfinite(total) and np.isfinite(active)):
            continue
        curve = _dense_curve(pool, row["study"], row["metric"])
        dense = np.nan
        if curve is not None:
            dense = float(np.exp((np.log(count_of(row, "value")) - curve[1]) / curve[0]))
        router = row["architecture"].partition(" ")[2] or row["architecture"]
        base = count_of(row, "params_active")
        yield ExpertRun(
            row["variant"], row["study"], row["metric"], total, active, dense, base, router
        )


def _dense_curve(pool: list[dict[str, str]], study: str, metric: str) -> Any:
    """Return slope and level of ln loss in ln N of the dense runs of a study; None if too few."""
    runs = {
        (count_of(row, "params_total"), count_of(row, "value"))
        for row in pool
        if row["study"] == study and row["metric"] == metric and row["architecture"] == "dense"
    }
    points = np.log(np.array([run for run in runs if np.isfinite(run[0])]).reshape(-1, 2))
    if len(np.unique(points[:, 0])) < FEWEST:
        return None
    return np.polyfit(points[:, 0], points[:, 1], 1)
