"""Errors of energy where a family, or a machine, is left out of the fits of times *and* of power.

    python tools/power_left_out.py FOLDER

``calibrate_power.py --left-out`` leaves groups out of the fit of power alone, while the times were
fitted on some of the same rows. Here both are fitted without them, so that nothing of a group is
known when its energy is predicted. It takes some minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import serving_fit
from calibrate_power import line
from paramscale.systems.coefficients import Coefficients
from power_fit import FACTORS, Case, Fit, cases, fit_engine, fit_stalls, throughput, times


def coefficients(fit: Any, x: Any, memory: str, engine: str) -> Coefficients:
    """Return the coefficients of a fit of serving, for a class of memory and an engine."""
    made: dict[str, float] = {}
    for prior, value in zip(fit.priors, np.exp(x), strict=True):
        if prior.memory in ("", memory) and not prior.engine:
            made[prior.operation] = value
        elif prior.engine and prior.engine == engine:
            made[prior.operation] *= value
    return Coefficients(**made)


class Times:
    """Expected throughput by a fit of times that does not know some rows."""

    def __init__(self, fit: Any, x: Any, known: list[Case]) -> None:
        self.base = {name: coefficients(fit, x, "HBM", name) for name in ("", "vllm")}
        stalls, _, _ = fit_stalls(known, self.plain)
        self.base = {name: c._replace(**stalls) for name, c in self.base.items()}
        old = any(case.what.serving.engine == "vllm-2024" for case in known)
        none = dict.fromkeys(FACTORS["vllm-2024"], 1.0)
        self.factors = fit_engine(known, "vllm-2024", self.plain)[0] if old else none

    def plain(self, case: Case) -> Coefficients:
        """Return the coefficients of a case, without the factors of the old engine."""
        return self.base["vllm" if case.what.serving.engine == "vllm" else ""]

    def throughput(self, case: Case) -> float:
        """Return the expected output tokens a second."""
        c = self.plain(case)
        if case.what.serving.engine == "vllm-2024":
            c = c._replace(**{name: getattr(c, name) * x for name, x in self.factors.items()})
        return throughput(case, times(case, c))


def report(folder: Path, label: str, group: Callable[[Any], str]) -> None:
    """Print the errors with each group left out of both fits."""
    found = [case for case in cases(folder) if case.what.group == "in_scope"]
    timed = [case for case in serving_fit.cases(folder) if case.regime == "continuous"]
    power, serving = Fit(found), serving_fit.Fit("continuous", timed)
    start = serving.fit(np.full(len(timed), True))
    mine, theirs = (np.array([group(case.what) for case in rows]) for rows in (found, timed))
    ratio = np.empty(len(found))
    for each in dict.fromkeys(mine):
        test = mine == each
        known = theirs != each
        x = start if known.all() else serving.fit(known, start)
        model = Times(serving, x, [c for c, out in zip(found, test, strict=True) if not out])
        rate = power.rate.copy()
        for i in np.flatnonzero(test):
            rate[i] = model.throughput(found[i])
        share, _ = power.shares(power.fit(~test), rate)
        ratio[test] = (share / power.truth * power.rate / rate)[test]
        print(line(ratio[test], f"  {each}"))
    print(line(ratio, f"energy, {label} left out of times and power"))


if __name__ == "__main__":
    report(Path(sys.argv[1]), "family", lambda what: str(what.model.family))
    report(Path(sys.argv[1]), "machine", lambda what: str(what.hardware.name))
