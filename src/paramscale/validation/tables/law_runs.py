"""Laws fitted on the smaller runs of a data set, and asked about 10 to 20 times the compute.

Each set of comparable runs (one recipe, one loss) is cut at several computes; a law is fitted to
the runs below a cut and predicts those beyond it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from paramscale.errors import FitError
from paramscale.fitting import audit, best_of_each
from paramscale.validation.row import Comparison, count_of, read_rows, table

__all__ = ["chinchilla_runs", "porian_runs", "step_law_dense", "step_law_experts"]

_FAR = (10.0, 20.0)
_PORIAN = ("dataset", "hparams", "warmup", "decay", "param_count", "val")

Columns = npt.NDArray[np.float64]


def _columns(
    rows: Iterable[dict[str, str]], names: tuple[str, str, str], keep: Callable[..., bool]
) -> Columns:
    """Return size, tokens and loss of the rows to keep that state all three."""
    found = [[count_of(row, name) for name in names] for row in rows if keep(row)]
    table = np.array(found, dtype=np.float64).reshape(-1, 3)
    return table[np.isfinite(table).all(axis=1)].T


def _compare(columns: Columns, name: str, group: str) -> Iterator[Comparison]:
    """Yield the far predictions of one set, or one refusal."""
    tuned = columns[:, best_of_each(*columns)] if columns.shape[1] else columns
    try:
        far = audit(*tuned, cuts=10).between(*_FAR)
    except FitError as error:
        yield Comparison("loss_nats", name, group, np.nan, group=group, refused=str(error))
        return
    for i, truth in enumerate(far.loss):
        row = f"{group} N={far.parameters[i]:.3g} D={far.tokens[i]:.3g} cut={far.cut[i]:.2g}"
        ends = float(far.low[i]), float(far.high[i])
        predicted = float(far.predicted[i])
        yield Comparison("loss_nats", name, row, float(truth), predicted, *ends, group)


@table("laws/runs/chinchilla_epoch.csv")
def chinchilla_runs(folder: Path) -> Iterable[Comparison]:
    """Compare the runs read off figure 4 of Hoffmann et al. 2022."""
    name = "laws/runs/chinchilla_epoch"
    columns = _columns(
        read_rows(folder / f"{name}.csv"),
        ("params", "tokens", "loss_nats_per_token"),
        lambda row: row.get("used_in_published_fit") == "1",
    )
    return _compare(columns, name, "")


def _variant(row: dict[str, str]) -> str:
    return "/".join(row.get(each) or "" for each in _PORIAN)


@table("laws/runs/porian_isoflop.csv")
def porian_runs(folder: Path) -> Iterator[Comparison]:
    """Compare the sweeps of Porian et al. 2024, each variant of recipe by itself."""
    name = "laws/runs/porian_isoflop"
    rows = list(read_rows(folder / f"{name}.csv"))
    variants = dict.fromkeys(map(_variant, rows))
    for variant in variants:
        columns = _columns(
            rows,
            ("params", "tokens", "loss_nats_per_token"),
            lambda row, variant=variant: (
                "/".join(row.get(each) or "" for each in _PORIAN) == variant
            ),
        )
        yield from _compare(columns, name, variant)


@table("laws/runs/steplaw_dense.csv")
def step_law_dense(folder: Path) -> Iterable[Comparison]:
    """Compare the tuned dense runs of Li et al. 2025 (Step Law)."""
    name = "laws/runs/steplaw_dense"
    sizes = ("params", "tokens", "loss_nats_per_token")
    return _compare(_columns(read_rows(folder / f"{name}.csv"), sizes, bool), name, "")


@table("laws/runs/steplaw_moe.csv")
def step_law_experts(folder: Path) -> Iterable[Comparison]:
    """Compare the tuned runs with experts of the same study, by active parameters."""
    name = "laws/runs/steplaw_moe"
    sizes = ("params_active", "tokens", "loss_nats_per_token")
    return _compare(_columns(read_rows(folder / f"{name}.csv"), sizes, bool), name, "")
