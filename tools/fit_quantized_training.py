"""Fit the law of training under rounding and write ``laws/data/quantized_training.csv``.

Run ``python tools/fit_quantized_training.py`` in the repository; ``--left-out`` writes nothing and
prints the errors of each size from the smaller ones. It needs ``../shared/data``.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

from paramscale.core.interval import Z90
from paramscale.laws.quantized_training import fit_quantized_training
from paramscale.validation.tables.qat import PLAIN, columns_of

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "capability" / "qat_quest_runs.csv"
OUT = ROOT / "src" / "paramscale" / "laws" / "data" / "quantized_training.csv"
SOURCE = (
    "tools/fit_quantized_training.py on IST-DASLab/QuEST@c295afd for_plots/runs_for_scaling.json"
)


def main() -> None:
    """Fit, report, write."""
    with DATA.open(encoding="utf-8", newline="") as stream:
        size, tokens, loss, quantizers = columns_of(list(csv.DictReader(stream)))
    one_bit = np.array(["Clip" in each for each in quantizers])
    misses, ones = [], []
    off: dict[float, np.ndarray] = {}
    for least in np.unique(size)[2:]:
        small, large = size < least, size >= least
        law = fit_quantized_training(
            size[small], tokens[small], loss[small],
            [q for q, use in zip(quantizers, small, strict=True) if use], plain=PLAIN,
        )  # fmt: skip
        known = large & np.array([q in law.factors for q in quantizers])
        factor = np.array([law.factors.get(q, np.nan) for q in quantizers])
        miss = np.abs(law(size, tokens, factor) / loss - 1.0)
        print(f"{least:.3g} and larger from smaller: median {np.median(miss[known]):.2%},"
              f" worst {miss[known & ~one_bit].max():.2%}, of one bit"
              f" {miss[known & one_bit].max():.2%}; beta {law.beta:.3f}")  # fmt: skip
        off[float(least)] = miss[known & ~one_bit]
        misses.append(float(np.quantile(miss[known & ~one_bit], 0.9)))
        ones.append(float(miss[known & one_bit].max()))
    for least, miss in off.items():
        width = max(float(np.quantile(each, 0.9)) for other, each in off.items() if other != least)
        print(f"{least:.3g} and larger: {np.mean(miss <= width):.0%} of {len(miss)} inside the"
              " interval that the other cuts say")  # fmt: skip
    law = fit_quantized_training(size, tokens, loss, quantizers, plain=PLAIN)
    print(law)
    if "--left-out" in sys.argv:
        return
    values = {key: getattr(law, key) for key in ("size", "alpha", "data", "beta")}
    values |= {"scatter": max(misses) / Z90, "one_bit_scatter": max(ones) / Z90}
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("quantizer", "coefficient", "value", "fitted_on"))
        writer.writerows(("", name, f"{value:.6g}", SOURCE) for name, value in values.items())
        rows = ((name, "factor", f"{e:.6g}", SOURCE) for name, e in law.factors.items())
        writer.writerows(rows)


if __name__ == "__main__":
    main()
