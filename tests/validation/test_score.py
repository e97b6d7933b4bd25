"""The scorer counts what it should, and reads folders of measurements with care."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from paramscale.cli import main
from paramscale.errors import FileFormatError
from paramscale.validation.row import Comparison, read_rows
from paramscale.validation.score import compare_folder, score


def rows(*pairs: tuple[float, float]) -> list[Comparison]:
    return [
        Comparison("ttft_s", "t", str(i), truth=truth, predicted=predicted)
        for i, (truth, predicted) in enumerate(pairs)
    ]


def test_errors_are_fractions_of_the_truth() -> None:
    """Median and mean of the absolute error, the signed mean, and the median factor."""
    line = score(rows((1.0, 1.1), (2.0, 1.0), (4.0, 4.0)))[0]
    assert (line.rows, line.refused) == (3, 0)
    assert line.median_ape == pytest.approx(0.1)
    assert line.mean_ape == pytest.approx(0.2)
    assert line.bias == pytest.approx((0.1 - 0.5) / 3)
    assert line.median_factor == pytest.approx(1.1)
    assert np.isnan(line.coverage)


def test_refused_and_unknown_rows_are_counted_apart() -> None:
    """A refusal is no error of zero, and no answer."""
    found = [*rows((1.0, np.nan)), Comparison("ttft_s", "t", "x", truth=1.0, refused="no layout")]
    assert (score(found)[0].rows, score(found)[0].refused) == (0, 2)


def test_coverage_counts_rows_with_an_interval() -> None:
    """Rows without one say nothing about intervals."""
    inside = Comparison("q_s", "t", "1", 1.0, 1.0, 0.9, 1.1)
    outside = Comparison("q_s", "t", "2", 2.0, 1.0, 0.9, 1.1)
    assert score([inside, outside, Comparison("q_s", "t", "3", 1.0, 1.0)])[0].coverage == 0.5


def test_groups_are_lines_of_their_own() -> None:
    """A group of a table is scored by itself."""
    found = [row._replace(group=str(i)) for i, row in enumerate(rows((1.0, 1.0), (1.0, 2.0)))]
    assert [line.group for line in score(found)] == ["0", "1"]


def test_zero_against_zero_is_a_hit() -> None:
    """A count of nothing is right when nothing is predicted."""
    assert score(rows((0.0, 0.0)))[0].median_ape == 0.0
    assert score(rows((0.0, 1.0)))[0].median_ape == np.inf


def test_rows_of_low_quality_are_left_out(tmp_path: Path) -> None:
    """What the table itself doubts is not scored."""
    path = tmp_path / "t.csv"
    path.write_text("value,quality\n1,\n2,suspect: cold start\n3,good\n", encoding="utf-8")
    assert [row["value"] for row in read_rows(path)] == ["1", "3"]


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    """The error names what could be scored."""
    with pytest.raises(FileFormatError, match=r"holds none of the tables.*oracle/truth"):
        compare_folder(tmp_path)
    with pytest.raises(FileFormatError, match="does not exist"):
        compare_folder(tmp_path / "absent")


def record(**changes: object) -> str:
    config = {
        "model_type": "llama", "hidden_size": 8, "num_hidden_layers": 1, "vocab_size": 10,
        "num_attention_heads": 2, "intermediate_size": 16, "tie_word_embeddings": True,
    }  # fmt: skip
    counts = dict.fromkeys(("total_params", "active_params", "active_params_matmul"), 744)
    tables = dict.fromkeys(("position_embedding_params", "other_embedding_params"), 0)
    return json.dumps(
        {"ok": True, "name": "small", "model_type": "llama", "config": config, **counts, **tables,
         "untied_total_params": 824, "token_embedding_params": 80, **changes}
    )  # fmt: skip


def test_the_command_scores_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Scores as JSON, and every row in a file."""
    (tmp_path / "oracle").mkdir()
    (tmp_path / "oracle/stress.jsonl").write_text(record() + "\n", encoding="utf-8")
    every = tmp_path / "rows.csv"
    assert main(["validate", "--data", str(tmp_path), "--json", "--rows", str(every)]) == 0
    lines = json.loads(capsys.readouterr().out)
    assert {line["quantity"] for line in lines} >= {"parameters", "active_parameters"}
    assert all(line["median_ape"] == 0 for line in lines)
    assert every.read_text(encoding="utf-8").startswith("quantity,table,row,truth,predicted")


def test_a_row_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Cells that are no numbers, and lines that are no JSON, stop nothing behind them."""
    (tmp_path / "oracle").mkdir()
    lines = ["{no JSON", json.dumps({"ok": True}), record()]
    (tmp_path / "oracle/stress.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "capability").mkdir()
    (tmp_path / "capability/datablations_losses.csv").write_text(
        "run,params,training_tokens,unique_tokens,epochs,val_loss_nats_per_token\n"
        "a,many,1e9,1e9,1,3.5\nb,1e8,,1e9,1,3.5\nc,1e8,2e9,2e9,1,3.5\n",
        encoding="utf-8",
    )
    found = compare_folder(tmp_path)
    bad = [row.refused for row in found if row.row.startswith("row ")]
    assert len(bad) == 4
    assert all(text.startswith("the row cannot be read: ") for text in bad)
    assert sum(not row.refused for row in found if row.quantity == "parameters") == 2
    assert [row.row for row in found if row.quantity == "loss_nats" and not row.refused] == ["c"]


def test_a_table_that_cannot_be_read_on_stops_no_other(tmp_path: Path) -> None:
    """Runs that must be seen together, in a file without their columns, are refused as a whole."""
    (tmp_path / "capability").mkdir()
    (tmp_path / "capability/architectures.csv").write_text("study,value\na,1\n", encoding="utf-8")
    (tmp_path / "oracle").mkdir()
    (tmp_path / "oracle/stress.jsonl").write_text(record() + "\n", encoding="utf-8")
    found = compare_folder(tmp_path)
    bad = [row for row in found if row.quantity == "unreadable"]
    assert [row.table for row in bad] == ["capability/architectures"]
    assert bad[0].refused.startswith("the table cannot be read on: KeyError")
    assert any(row.quantity == "parameters" and not row.refused for row in found)
