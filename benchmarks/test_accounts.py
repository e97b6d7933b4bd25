"""How long accounts of carbon, water and money take, beside the same sums in NumPy.

python -m pytest benchmarks --benchmark-only
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import paramscale as ps

POINTS = 1_000_000
QUANTITIES = ("energy_per_token_j", "carbon_per_token_kgco2e", "water_per_token_l")


@pytest.fixture
def joules() -> Any:
    """Energy of an output token at a million points."""
    return np.geomspace(0.01, 10.0, POINTS)


@pytest.mark.benchmark(group="accounts of a million points")
def test_a_million_accounts(benchmark: Any, joules: Any) -> None:
    """Three quantities, each with both ends of its interval."""
    found = benchmark(
        lambda: ps.estimate(chip_energy_per_token_j=joules, site="FR", quantities=QUANTITIES)
    )
    assert found["water_per_token_l"].high.shape == (POINTS,)


@pytest.mark.benchmark(group="accounts of a million points")
def test_a_million_accounts_in_bare_numpy(benchmark: Any, joules: Any) -> None:
    """Nine products of the same size, and nothing else."""
    factors = np.linspace(1.0, 2.0, 9)
    benchmark(lambda: [joules * each for each in factors])


@pytest.mark.benchmark(group="one account")
def test_one_account(benchmark: Any) -> None:
    """The carbon of a run whose energy is known, new at each call."""
    energy = iter(np.linspace(1e9, 1e13, 1_000_000))
    name = "training_carbon_kgco2e"
    found = benchmark(
        lambda: ps.estimate(training_chip_energy_j=next(energy), site="FR", quantities=name)
    )
    assert found[name].value > 0


@pytest.mark.benchmark(group="one account")
def test_places(benchmark: Any) -> None:
    """Looking a place up by name and year."""
    assert benchmark(lambda: ps.sites["gcp:us-central1@2021"]).pue > 1.0
