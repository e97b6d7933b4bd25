"""``paramscale validate``: the packaged tables, a folder, and what is wrong with a folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from paramscale.validation.score import PACKAGED
from tests.cli.conftest import Run


def test_the_packaged_tables(run: Run) -> None:
    """Without a folder the library's own tables are scored, every row with an error or a reason."""
    ran = run("validate", "--json")
    assert ran.code == 0
    told = json.loads(ran.out)
    assert {line["table"] for line in told} >= {"systems/inference", "systems/training"}
    assert all(line["rows"] + line["refused"] > 0 for line in told)
    flops = next(line for line in told if line["table"] == "systems/flops_per_token")
    assert flops["median_ape"] < 0.01


def test_rows_without_a_licence_are_not_packaged() -> None:
    """Tables name their sources, and those that may not be copied are not among them."""
    for path in (PACKAGED / "systems").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as stream:
            groups = {(row["source_group"], bool(row["source"])) for row in csv.DictReader(stream)}
        assert groups
        assert all(sourced for _, sourced in groups)
        assert not {name for name, _ in groups} & {"xiongjiedai-llamacpp", "ml-energy-v3"}


def test_a_folder_and_its_rows(run: Run, tmp_path: Path) -> None:
    """What is absent from a folder is skipped; every row can be written to a file."""
    (tmp_path / "systems").mkdir()
    table = "systems/flops_per_token.csv"
    (tmp_path / table).write_bytes((PACKAGED / table).read_bytes())
    ran = run("validate", "--data", tmp_path, "--rows", tmp_path / "rows.csv")
    assert ran.code == 0
    assert "step_flops" in ran.out
    assert "tpot_s" not in ran.out
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 86
    assert {"truth", "predicted", "low", "high", "refused"} <= rows[0].keys()


def test_a_folder_without_tables(run: Run, tmp_path: Path) -> None:
    """A folder that is missing, or holds nothing to score, is named."""
    ran = run("validate", "--data", tmp_path)
    assert ran.code == 2
    assert "holds none of the tables" in ran.err
    assert "systems/inference.csv" in ran.err
    assert "does not exist" in run("validate", "--data", tmp_path / "no").err
