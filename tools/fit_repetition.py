"""Make ``laws/data/repetition.csv``: fit the law of repetition, and say how well it predicts.

    python tools/fit_repetition.py STUDY/capability/datablations_losses.csv [--compare]

Robust least squares on distinct runs (the median of seeds). Where a run on fresh data has the same
size and tokens, the excess over it is a second residual, so that a level common to both does not
hide what repetition costs. Whole groups are left out for the errors and the intervals.
``--compare`` does the same with every form of ``repetition_forms.py`` and writes nothing.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import least_squares, minimize

from paramscale.laws.repetition import RepetitionLaw
from repetition_forms import TRIALS, Trial, law_of

TARGET = Path(__file__).parent.parent / "src/paramscale/laws/data/repetition.csv"
#: Its name says 12e9 unique tokens, its row 2.2e9, and its loss agrees with the name.
MISLABELLED = {"4b284b12bc4opt2"}
#: Residuals beyond this many nats count linearly.
ROBUST = 0.05
#: Weight of a paired excess; above this excess its relative error counts.
PAIRED = 0.1
#: Draws of the bootstrap over cells of size and unique tokens.
DRAWS = 100

NAMES = {
    "floor": "loss at infinite size and data [nats]",
    "A": "size term at 1e9 parameters [nats]",
    "alpha": "its exponent",
    "B": "data term at 1e10 tokens [nats]",
    "beta": "its exponent",
    "fade": "exponent of epochs in the worth of repeated tokens",
    "steps": "start-up of large models per (N / 1e9) / (D / 1e10)",
    "start_tokens": "start-up of small models at 1e9 parameters [tokens]",
    "start_alpha": "its exponent in N / 1e9",
    "room": "tokens of 3 nats that a parameter can replace by noise",
    "kappa": "exponent of the room",
    "half_repeats": "repeats that fill half of the room",
    "half_tokens": "tokens that fill half of the room",
}


class Runs(NamedTuple):
    """Distinct runs."""

    N: Any
    D: Any
    U: Any
    loss: Any

    def take(self, chosen: Any) -> Runs:
        return Runs(*(column[chosen] for column in self))


def read(path: Path) -> Runs:
    columns = ("params", "training_tokens", "unique_tokens")
    seeds = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["run"] not in MISLABELLED:
                key = tuple(float(row[column]) for column in columns)
                seeds[key].append(float(row["val_loss_nats_per_token"]))
    N, D, U = np.array(sorted(seeds)).T
    return Runs(N, D, U, np.array([np.median(seeds[key]) for key in sorted(seeds)]))


def pairs(runs: Runs) -> tuple[Any, Any]:
    """Return the places of repeated runs, and of the fresh runs of equal size and tokens."""
    fresh = {(n, d): i for i, (n, d, u, _) in enumerate(zip(*runs, strict=True)) if u == d}
    found = [
        (i, fresh[n, d])
        for i, (n, d, u, _) in enumerate(zip(*runs, strict=True))
        if u < d and (n, d) in fresh
    ]
    repeated, same = np.array(found).reshape(-1, 2).T.astype(int)
    return repeated, same


def fit(trial: Trial, runs: Runs, starts: int, first: Any = None) -> Any:
    """Return the constants of least robust error over some starts; the random ones are fixed."""
    repeated, same = pairs(runs)
    excess = runs.loss[repeated] - runs.loss[same]
    weight = 1.0 / np.maximum(1.0, excess / PAIRED)

    def residuals(constants: Any) -> Any:
        with np.errstate(all="ignore"):
            loss = trial.loss(constants, runs.N, runs.D, runs.U)
        more = (loss[repeated] - loss[same] - excess) * weight
        every = np.concatenate([loss - runs.loss, more])
        return np.where(np.isfinite(every), np.clip(every, -50.0, 50.0), 50.0)

    rng = np.random.default_rng(0)
    points = [np.array(trial.start)] if first is None else [first, np.array(trial.start)]
    points += [
        trial.start + rng.normal(size=len(trial.start)) * trial.spread
        for _ in range(starts - len(points))
    ]
    solved = [
        least_squares(
            residuals, point, loss="soft_l1", f_scale=ROBUST, x_scale=trial.spread, max_nfev=400
        )
        for point in points
    ]
    return min(solved, key=lambda each: each.cost).x


def groups(runs: Runs) -> dict[str, Any]:
    """Return ways to leave out: whole ranges of unique tokens, whole sizes, cells, runs."""
    unique = np.digitize(runs.U, [2e8, 1e9, 2e9, 1e10, 2.5e10])
    _, sizes = np.unique(runs.N, return_inverse=True)
    _, cells = np.unique(np.stack([runs.N, runs.U]), axis=1, return_inverse=True)
    rng = np.random.default_rng(1)
    return {
        "U": unique,
        "N": sizes,
        "cell": rng.permutation(cells.max() + 1)[cells] % 8,
        "run": rng.permutation(len(runs.N)) % 8,
    }


def left_out(trial: Trial, runs: Runs, labels: Any, first: Any) -> tuple[Any, Any]:
    """Return the losses predicted by fits that did not see the group, and those fits' excess."""
    loss, excess = np.empty(len(runs.N)), np.empty(len(runs.N))
    for label in np.unique(labels):
        out = labels == label
        constants = fit(trial, runs.take(~out), 3, first)
        N, D, U, _ = runs.take(out)
        loss[out] = trial.loss(constants, N, D, U)
        excess[out] = loss[out] - trial.loss(constants, N, D, D)
    return loss, excess


def show(name: str, trial: Trial, runs: Runs) -> tuple[Any, dict[str, tuple[Any, Any]]]:
    """Print the errors of a form, in sample and left out; return its constants and predictions."""
    constants = fit(trial, runs, 16)
    error = np.abs(trial.loss(constants, runs.N, runs.D, runs.U) - runs.loss)
    predicted = {
        way: left_out(trial, runs, labels, constants) for way, labels in groups(runs).items()
    }
    texts = [f"{np.mean(error):.3f}/{np.median(error):.3f}"]
    for loss, _ in predicted.values():
        error = np.abs(loss - runs.loss)
        texts.append(f"{np.mean(error):.3f}/{np.median(error):.3f}")
    print(f"| {name} | {len(trial.start)} | {' | '.join(texts)} |", flush=True)
    return constants, predicted


def calibrate(law: RepetitionLaw, runs: Runs, predicted: dict[str, Any]) -> dict[str, float]:
    """Return the constants of the intervals, from whole groups left out."""
    parts = law.parts(runs.N, runs.D, runs.U)
    causes = np.stack([np.ones(len(runs.N)), parts.start_up, parts.faded + parts.memorised], 1)
    ways = [predicted[way] for way in ("U", "N", "cell")]
    errors = np.concatenate([np.abs(loss - runs.loss) for loss, _ in ways])

    def pinball(scales: Any) -> float:
        beyond = errors - np.tile(causes @ np.exp(scales), len(ways))
        return float(np.mean(np.where(beyond > 0, 0.9, -0.1) * beyond))

    best = min(
        (
            minimize(pinball, start, method="Nelder-Mead", options={"maxiter": 5000, "xatol": 1e-5})
            for start in ([-2.5, -3.0, -2.0], [-2.0, -2.0, -3.0], [-2.5, -1.0, -1.0])
        ),
        key=lambda each: each.fun,
    )
    half = causes @ np.exp(best.x)
    for way, (loss, _) in predicted.items():
        print(f"coverage, {way} left out: {np.mean(np.abs(loss - runs.loss) <= half):.3f}")
    repeated, same = pairs(runs)
    measured = runs.loss[repeated] - runs.loss[same]
    known = measured > 0.02
    ratios = [
        np.abs(np.log(np.maximum(excess[repeated][known], 1e-4) / measured[known]))
        for _, excess in ways
    ]
    scale = float(np.quantile(np.concatenate(ratios), 0.9) / np.log(19.0))
    names = ("scatter", "scatter_start_up", "scatter_excess")
    return dict(zip(names, map(float, np.exp(best.x)), strict=True)) | {"excess_scale": scale}


def bootstrap(trial: Trial, runs: Runs, first: Any) -> Any:
    """Return standard errors of the law's constants: cells of size and unique tokens redrawn."""
    _, cells = np.unique(np.stack([runs.N, runs.U]), axis=1, return_inverse=True)
    rng, draws = np.random.default_rng(2), []
    for _ in range(DRAWS):
        chosen = rng.integers(cells.max() + 1, size=cells.max() + 1)
        rows = np.concatenate([np.flatnonzero(cells == cell) for cell in chosen])
        law = law_of(fit(trial, runs.take(rows), 1, first))
        draws.append([getattr(law, name) for name in NAMES])
    low, high = np.quantile(draws, [0.16, 0.84], axis=0)
    return (high - low) / 2.0


def audit(trial: Trial, runs: Runs, first: Any) -> None:
    """Print how fits without the largest sizes predict them: the domain rests on this."""
    for limit in (1.2e9, 2.5e9):
        out = np.greater(runs.N, limit)
        constants = fit(trial, runs.take(~out), 4, first)
        N, D, U, loss = runs.take(out)
        error = trial.loss(constants, N, D, U) - loss
        bias, mean, median = np.mean(error), np.mean(np.abs(error)), np.median(np.abs(error))
        print(f"sizes above {limit:.1e} left out: mean {mean:.3f} median {median:.3f} {bias=:+.3f}")


def write(law: RepetitionLaw, errors: Any, scatter: dict[str, float]) -> None:
    source = "tools/fit_repetition.py on huggingface/datablations@1370131 "
    source += "utils/parametric_fit.ipynb cell 1 NAMES_TO_VAL_LOSSES (172 distinct runs)"
    rows = [
        [name, f"{getattr(law, name):.7g}", f"{error:.2g}", meaning, source]
        for (name, meaning), error in zip(NAMES.items(), errors, strict=True)
    ]
    meanings = {
        "scatter": "half a 90 % interval [nats]",
        "scatter_start_up": "the same per nat of start-up",
        "scatter_excess": "the same per nat of excess",
        "excess_scale": "scale of the logistic scatter of ln(excess)",
    }
    rows += [
        [name, f"{value:.4g}", "", meanings[name], f"{source}, groups left out"]
        for name, value in scatter.items()
    ]
    with TARGET.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["coefficient", "value", "standard_error", "meaning", "source"])
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--compare", action="store_true")
    given = parser.parse_args()
    runs = read(given.table)
    print("| form | constants | in sample | U | N | cell | run |\n|---|---|---|---|---|---|---|")
    if given.compare:
        for name, trial in TRIALS.items():
            show(name, trial, runs)
        return
    name, trial = list(TRIALS.items())[-1]
    constants, predicted = show(name, trial, runs)
    law = law_of(constants)
    scatter = calibrate(law, runs, predicted)
    audit(trial, runs, constants)
    write(law, bootstrap(trial, runs, constants), scatter)


if __name__ == "__main__":
    main()
