"""Published runs for the tests and tools; they are read from shared/data, never shipped."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from paramscale.fitting import best_of_each

Array = npt.NDArray[np.float64]

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RUNS = DATA / "laws" / "runs"
ABSENT = "shared/data is not beside this checkout; its runs have no licence to be shipped"

_PORIAN = ("dataset", "hparams", "warmup", "decay", "param_count", "val")


class Measured(NamedTuple):
    """Size, tokens and loss [nats per token] of one data set."""

    parameters: Array
    tokens: Array
    loss: Array


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def known(name: str) -> tuple[float, float]:
    """Return a known answer and its relative tolerance."""
    for row in rows(DATA / "laws" / "known.csv"):
        if row["id"] == name:
            return float(row["expected"]), float(row["rel_tol"])
    raise KeyError(name)


def _columns(found: list[list[float]]) -> Measured:
    table = np.array(found)
    return Measured(*table[np.isfinite(table).all(axis=1)].T[:3])


def _tuned(runs: Measured) -> Measured:
    mask = best_of_each(*runs)
    return Measured(*(each[mask] for each in runs))


def chinchilla() -> Measured:
    """The 240 runs that Epoch read off figure 4 of Hoffmann et al. and fitted."""
    names = ("params", "tokens", "loss_nats_per_token")
    table = rows(RUNS / "chinchilla_epoch.csv")
    return _columns(
        [[float(row[n]) for n in names] for row in table if row["used_in_published_fit"] == "1"]
    )


def porian(variant: str) -> tuple[Measured, Array]:
    """The runs of one variant, and their compute budgets."""
    names = ("params", "tokens", "loss_nats_per_token", "flops")
    table = [
        [float(row[n]) for n in names]
        for row in rows(RUNS / "porian_isoflop.csv")
        if "/".join(row[n] for n in _PORIAN) == variant
    ]
    kept = np.array(table)
    kept = kept[np.isfinite(kept).all(axis=1)]
    return Measured(*kept.T[:3]), kept[:, 3]


def step_law(kind: str) -> Measured:
    """The tuned run of each size and amount of data, dense or experts (active parameters)."""
    size = "params" if kind == "dense" else "params_active"
    names = (size, "tokens", "loss_nats_per_token")
    return _tuned(
        _columns([[float(row[n]) for n in names] for row in rows(RUNS / f"steplaw_{kind}.csv")])
    )


def single_epoch() -> Measured:
    """Runs of Muennighoff et al. that saw each token once."""
    names = ("params", "training_tokens", "val_loss_nats_per_token")
    table = rows(DATA / "capability" / "datablations_losses.csv")
    return _tuned(
        _columns([[float(row[n]) for n in names] for row in table if float(row["epochs"]) <= 1.01])
    )


def opt() -> Measured:
    """Trajectories of OPT, log perplexity; checkpoints before the end are not annealed."""
    sizes = {"125m": 125e6, "1.3b": 1.3e9, "6.7b": 6.7e9, "13b": 13e9, "30b": 30e9, "175b": 175e9}
    return _columns(
        [
            [sizes[row["model_size"]], 10 ** float(row["num_token"]), np.log(float(row["ppl"]))]
            for row in rows(RUNS / "colpret_opt_trajectories.csv")
        ]
    )


def vocabulary(size: str) -> Measured:
    """Runs of Tao et al. with one vocabulary; the loss lacks its unigram entropy: 7.3 is added.

    Tokens are characters over 4.2. Both numbers are guesses: the set is a trial, not a calibration.
    """
    return _columns(
        [
            [
                float(row["params_non_vocab"]) + float(row["params_vocab"]),
                float(row["characters"]) / 4.2,
                float(row["loss_unigram_normalised"]) + 7.3,
            ]
            for row in rows(RUNS / "tao_vocab.csv")
            if row["vocab_size"] == size
        ]
    )


def comparable() -> dict[str, Measured]:
    """Data sets whose runs share a recipe and a loss in nats, by name."""
    return {
        "chinchilla_epoch": chinchilla(),
        "porian, RefinedWeb, base": porian("rw/base/short/chinchilla/standard/val")[0],
        "porian, RefinedWeb, tuned": porian("rw/tuned/short/const/standard/val")[0],
        "porian, OpenWebText2, base": porian("owt2/base/short/chinchilla/standard/val")[0],
        "porian, OpenWebText2, tuned": porian("owt2/tuned/short/const/standard/val")[0],
        "steplaw_dense": step_law("dense"),
        "steplaw_moe": step_law("moe"),
        "datablations, one epoch": single_epoch(),
        "colpret, OPT": opt(),
    }
