"""Fit the dense size that experts equal, and write ``laws/data/experts.csv``.

Run ``python tools/fit_experts.py`` in the repository (seconds); ``--left-out`` writes nothing and
prints the errors with each size left out, beside those of the root rule. It needs
``../shared/data``.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np

from paramscale.core.interval import Z90
from paramscale.laws.dense_equivalent import DenseEquivalent, root_rule
from paramscale.validation.expert_rows import ExpertRun, expert_runs

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "capability" / "architectures.csv"
OUT = ROOT / "src" / "paramscale" / "laws" / "data" / "experts.csv"
SOURCE = (
    "tools/fit_experts.py on Clark et al. 2022 (google-deepmind/scaling_laws_for_routing@42da0c3),"
    " capability/architectures.csv"
)
#: Belief in the slope of the gain in size before: none, give or take; and noise of ln N_eff.
SIZE_PRIOR, NOISE = 0.02, 0.12
#: Fine-grained experts with shared ones of about the loss of a dense model: total, active, dense
#: (DeepSeekMoE, arXiv:2401.06066: table 9, dense x16; table 3, DeepSeek 7B).
FINE = ((2.0e9, 0.3e9, 2.0e9), (16.4e9, 2.8e9, 6.9e9))


def fit(runs: list[ExpertRun]) -> DenseEquivalent:
    """Return the law of some runs."""
    from scipy.optimize import least_squares

    total, active, dense = (np.array([getattr(r, k) for r in runs]) for k in ("total", "active", "dense"))  # fmt: skip  # noqa: E501

    def law(p: Any) -> DenseEquivalent:
        return DenseEquivalent(*p[:2], float(np.exp(p[2])), 0.0, 0.0, 0.0, (0.0, 0.0), (0.0, 0.0))

    def miss(p: Any) -> Any:
        inner = (law(p)(total, active) - np.log(dense)) / NOISE
        return np.append(inner, p[1] / SIZE_PRIOR)

    return law(least_squares(miss, [0.6, 0.0, 4.0], loss="soft_l1").x)


def left_out(runs: list[ExpertRun], key: str) -> Any:
    """Return ln(predicted / measured), everything of one size (or router) left out in turn."""
    keys = np.array([getattr(run, key) for run in runs])
    miss = np.empty(len(runs))
    for each in np.unique(keys):
        law = fit([run for run, out in zip(runs, keys == each, strict=True) if not out])
        for i in np.flatnonzero(keys == each):
            miss[i] = law(runs[i].total, runs[i].active) - np.log(runs[i].dense)
    return miss


def main() -> None:
    """Fit, report, write."""
    with DATA.open(encoding="utf-8", newline="") as stream:
        runs = [run for run in expert_runs(csv.DictReader(stream)) if np.isfinite(run.dense)]
    runs = [run for run in runs if run.study == "Clark2022"]
    miss = left_out(runs, "base")
    root = np.array([np.log(root_rule(run.total, run.active) / run.dense) for run in runs])
    base = np.array([run.base for run in runs])
    print(f"all {len(runs)}: law {_factor(miss):.3f}, routers out "
          f"{_factor(left_out(runs, 'router')):.3f}, root rule {_factor(root):.3f}")  # fmt: skip
    for what, key, off in (
        ("bases", "base", miss),
        ("routers", "router", left_out(runs, "router")),
    ):
        print(f"inside intervals as wide as other {what} say: {_inside(runs, key, off)}")
    for size in np.unique(base):
        here = base == size
        print(f"{size:.3g}: law {_factor(miss[here]):.3f} ({np.median(miss[here]):+.2f}),"
              f" root rule {_factor(root[here]):.3f}")  # fmt: skip
    law = fit(runs)
    values = law._asdict() | {"scatter": float(np.quantile(np.abs(miss), 0.9)) / Z90}
    values["size_scatter"] = size_scatter(base, miss)
    beaten = [np.log(dense) - law(total, active) for total, active, dense in FINE]
    values |= {"fine": float(np.mean(beaten)), "fine_scatter": float(np.ptp(beaten)) / 2.0}
    logs = np.log([run.active for run in runs]), np.log([run.total / run.active for run in runs])
    for name, log in zip(("sizes", "ratios"), logs, strict=True):
        values.pop(name)
        values |= {f"{name}_low": float(log.min()), f"{name}_high": float(log.max())}
    print(values)
    if "--left-out" in sys.argv:
        return
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("coefficient", "value", "fitted_on"))
        writer.writerows((name, f"{value:.6g}", SOURCE) for name, value in values.items())


def _inside(runs: list[ExpertRun], key: str, miss: Any) -> str:
    """Return the share of runs inside 90 % intervals, each group by the misses of the others."""
    keys = np.array([getattr(run, key) for run in runs])
    inside = np.zeros(len(runs), dtype=bool)
    for each in np.unique(keys):
        width = np.quantile(np.abs(miss[keys != each]), 0.9)
        inside[keys == each] = np.abs(miss[keys == each]) <= width
    shares = ", ".join(f"{each} {inside[keys == each].mean():.0%}" for each in np.unique(keys))
    return f"{inside.mean():.0%} ({shares})"


def size_scatter(base: Any, miss: Any) -> float:
    """Return by how much a unit of ln(size) beyond the others widens the misses of the largest."""
    sizes = np.unique(base)
    far = base == sizes[-1]
    largest, others = (np.quantile(np.abs(miss[use]), 0.9) / Z90 for use in (far, ~far))
    return float(np.sqrt(max(largest**2 - others**2, 0.0)) / np.log(sizes[-1] / sizes[-2]))


def _factor(miss: Any) -> float:
    return float(np.exp(np.median(np.abs(miss))))


if __name__ == "__main__":
    main()
