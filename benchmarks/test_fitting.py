"""How long a fit and its bootstrap take, beside a plain loop over SciPy's L-BFGS.

    python -m pytest benchmarks/test_fitting.py --benchmark-only

The runs are made up: 240, as many as Epoch read off figure 4 of Hoffmann et al.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.fitting.synthetic import runs

from paramscale.fitting import audit, fit_law

Array = npt.NDArray[np.float64]

RUNS = runs(0, count=240)
STARTS = 20  # the published scripts take 4,500


def plain(sizes: Array, tokens: Array, loss: Array, starts: int) -> float:
    """Return the least objective of a SciPy loop over random starts."""
    from scipy.optimize import minimize

    size, data, target = np.log(sizes / 1e9), np.log(tokens / 2e10), np.log(loss)

    def objective(theta: Array) -> float:
        e, a, alpha, b, beta = theta
        law = np.logaddexp(e, np.logaddexp(a - alpha * size, b - beta * data))
        miss = np.abs(law - target)
        return float(np.where(miss < 1e-3, 0.5 * miss**2, 1e-3 * (miss - 5e-4)).sum())

    rng = np.random.default_rng(0)
    low, high = (0.0, -3.0, 0.1, -3.0, 0.1), (1.0, 0.0, 1.0, 0.0, 1.0)
    return min(
        minimize(objective, rng.uniform(low, high), method="L-BFGS-B").fun for _ in range(starts)
    )


@pytest.mark.benchmark(group="one fit of 240 runs")
def test_fit(benchmark: Any) -> None:
    """Level: at most 10 ms."""
    fit = benchmark(lambda: fit_law(*RUNS))
    assert fit.objective <= plain(*RUNS, starts=3) * (1 + 1e-9)


@pytest.mark.benchmark(group="one fit of 240 runs")
def test_fit_with_scipy(benchmark: Any) -> None:
    """Twenty starts."""
    benchmark.pedantic(plain, args=(*RUNS, STARTS), rounds=2)


@pytest.mark.benchmark(group="4,000 bootstraps of 240 runs")
def test_bootstraps(benchmark: Any) -> None:
    """Level: at most 1 s."""
    fit = benchmark.pedantic(lambda: fit_law(*RUNS, draws=4000), rounds=3)
    assert fit.draws.shape == (4000, 5)


@pytest.mark.benchmark(group="4,000 bootstraps of 240 runs")
def test_forty_bootstraps_with_scipy(benchmark: Any) -> None:
    """A hundredth of them, one start each."""

    def some() -> None:
        rng = np.random.default_rng(0)
        for _ in range(40):
            chosen = rng.integers(240, size=240)
            plain(*(each[chosen] for each in RUNS), starts=1)

    benchmark.pedantic(some, rounds=1)


@pytest.mark.benchmark(group="audit of 240 runs")
def test_audit(benchmark: Any) -> None:
    """Eight cuts with 100 bootstraps each."""
    benchmark.pedantic(lambda: audit(*RUNS), rounds=3)
