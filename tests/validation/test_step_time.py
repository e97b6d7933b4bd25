"""Steps that other teams measured, which no coefficient was fitted to."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from paramscale.validation.row import Comparison, read_rows
from paramscale.validation.score import PACKAGED
from paramscale.validation.tables.training import steps_of_other_teams
from paramscale.validation.training_scenarios import run_of

#: Median error of each team, and the share of its rows in the interval: at most, and at least.
LEVELS = {
    "torchtitan": (0.09, 0.85), "trainy": (0.09, 0.85), "torchtitan-a100": (0.12, 0.85),
    "dgxc-nemo": (0.09, 0.80), "ibm-fms": (0.12, 0.85), "flagperf": (0.18, 0.85),
    "dgxc-paxml": (0.18, 0.85), "nemo-long": (0.25, 0.85), "google-maxtext": (0.20, 0.85),
    "dgxc-maxtext": (0.35, 0.85),
}  # fmt: skip


@pytest.fixture(scope="module")
def teams() -> dict[str, list[Comparison]]:
    """The comparisons of each team."""
    found: dict[str, list[Comparison]] = defaultdict(list)
    for row in steps_of_other_teams(PACKAGED):
        found[row.group].append(row)
    return found


def _errors(rows: list[Comparison]) -> list[float]:
    return [abs(row.predicted / row.truth - 1.0) for row in rows]


def _inside(rows: list[Comparison]) -> list[bool]:
    return [row.low <= row.truth <= row.high for row in rows]


@pytest.mark.parametrize("team", LEVELS)
def test_steps_of_a_team(teams: dict[str, list[Comparison]], team: str) -> None:
    """The median error of a team is that of its framework, and its interval holds the rows."""
    rows = teams[team]
    assert not [row.refused for row in rows if row.refused]
    median, covered = LEVELS[team]
    assert np.median(_errors(rows)) <= median
    assert np.mean(_inside(rows)) >= covered


def test_steps_of_all_teams(teams: dict[str, list[Comparison]]) -> None:
    """All together, and teams counted alike, are within the levels the library promises."""
    assert set(teams) == set(LEVELS)
    rows = [row for team in teams.values() for row in team]
    assert np.median(_errors(rows)) <= 0.12
    assert np.median([np.median(_errors(team)) for team in teams.values()]) <= 0.18
    assert 0.85 <= np.mean(_inside(rows)) <= 0.97


def test_kernels_apart_explain_what_a_compiler_gains() -> None:
    """Rows with and without torch.compile are off by the same, within a few percent."""
    rows = {row["row_id"]: row for row in read_rows(PACKAGED / "systems/step_time.csv")}
    found = [row for row in steps_of_other_teams(PACKAGED) if row.group == "torchtitan"]
    sixteen = [row for row in found if rows[row.row]["precision"] == "bf16"]
    off: dict[bool, list[float]] = {True: [], False: []}
    for row in sixteen:
        off[run_of(rows[row.row]).fused].append(np.log(row.predicted / row.truth))
    assert len(off[True]) == len(off[False]) == 2
    assert np.mean(off[True]) == pytest.approx(np.mean(off[False]), abs=0.05)
