"""Peaks of memory that other teams measured, which no constant was fitted to."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from paramscale.validation.row import Comparison
from paramscale.validation.score import PACKAGED
from paramscale.validation.tables.training_memory import peak_memory_of_other_teams

#: Median error of each team, and the share of its rows in the interval, at least.
LEVELS = {
    "torchtitan": (0.10, 0.85), "trainy": (0.10, 0.85), "torchtune-flags": (0.10, 0.75),
    "torchtune": (0.15, 0.85), "qwen": (0.10, 0.65),
}  # fmt: skip


@pytest.fixture(scope="module")
def teams() -> dict[str, list[Comparison]]:
    """The comparisons of each team."""
    found: dict[str, list[Comparison]] = defaultdict(list)
    for row in peak_memory_of_other_teams(PACKAGED):
        found[row.group].append(row)
    return found


@pytest.mark.parametrize("team", LEVELS)
def test_peaks_of_other_teams(teams: dict[str, list[Comparison]], team: str) -> None:
    """The median error of a team is small, and its interval holds most of the rows."""
    rows = teams[team]
    assert not [row.refused for row in rows if row.refused]
    errors = [abs(row.predicted / row.truth - 1.0) for row in rows]
    inside = [row.low <= row.truth <= row.high for row in rows]
    median, covered = LEVELS[team]
    assert np.median(errors) <= median
    assert np.mean(inside) >= covered
