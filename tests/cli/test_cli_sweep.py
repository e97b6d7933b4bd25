"""``paramscale sweep``: axes as words, tables that fit, files, and mistakes told in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import paramscale as ps
from tests.cli.conftest import Run

AXES = ("serving.batch=1,8", "hardware=h100-sxm,b200")


def test_every_point_is_a_row(run: Run) -> None:
    """Coordinates, then quantities with their units."""
    ran = run("sweep", "llama-3.1-8b", *AXES, "--quantities", "tpot_s,parameters")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "4 points"
    assert lines[2:4] == ["serving.", "batch     hardware  tpot_s   parameters"]
    assert len(lines) == 8
    assert "8.03 B" in lines[4]


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_tables_fit_the_terminal(run: Run, columns: int) -> None:
    """Columns that do not fit come in further blocks, with the coordinates again."""
    for words in ((), ("--rows", "3"), ("--minimize", "tpot_s")):
        ran = run("sweep", "llama-3.1-8b", *AXES, *words, columns=columns)
        assert ran.code == 0
        assert max(map(len, ran.out.splitlines())) <= columns


def test_ranges_of_many_points(run: Run) -> None:
    """More points than rows are told by their ranges."""
    sizes = "model.parameters=1e9:1e11:50log"
    ran = run("sweep", "llama-3.1-8b", sizes, "--hardware", "b200", "--quantities", "tpot_s")
    assert "50 points; --rows N shows up to N of them, --out FILE writes all" in ran.out
    assert "along model.parameters" in ran.out


def test_json_holds_the_values(run: Run) -> None:
    """Axes, and each quantity over only the axes that it varies along."""
    ran = run("sweep", "llama-3.1-8b", *AXES, "--quantities", "tpot_s,parameters", "--json")
    found = json.loads(ran.out)
    expected = ps.sweep(
        {"model": "llama-3.1-8b"}, {"serving.batch": [1, 8], "hardware": ["h100-sxm", "b200"]},
        quantities=["tpot_s", "parameters"],
    )  # fmt: skip
    assert found["axes"]["hardware"]["values"] == ["h100-sxm", "b200"]
    assert found["quantities"]["tpot_s"]["values"] == expected["tpot_s"].value.tolist()
    assert found["quantities"]["tpot_s"]["along"] == ["serving.batch", "hardware"]
    assert found["quantities"]["parameters"]["values"] == 8030261248.0


def test_the_best_points_with_limits(run: Run) -> None:
    """Best first; limits as ``optimize`` takes them."""
    words = ("--maximize", "throughput_tokens_per_s", "--subject-to", "tpot_s <= 30 ms")
    ran = run(
        "sweep", "llama-3.1-8b", "serving.batch=1:512:512", "--hardware", "b200", *words,
        "--rows", "2", "--json",
    )  # fmt: skip
    first, second = json.loads(ran.out)["points"]
    assert first["throughput_tokens_per_s"] > second["throughput_tokens_per_s"]
    assert first["tpot_s"] <= 0.03
    none = run("sweep", "llama-3.1-8b", "serving.batch=1", "--hardware", "b200", "--minimize",
               "tpot_s", "--subject-to", "tpot_s <= 1 ns")  # fmt: skip
    assert "no point meets the limits" in none.out


def test_axes_may_be_paired(run: Run) -> None:
    """Then they are one."""
    axes = ("serving.batch=1,8", "serving.prompt_tokens=128,1024")
    ran = run("sweep", "llama-3.1-8b", *axes, "--paired", "serving.batch,serving.prompt_tokens",
              "--quantities", "kv_cache_bytes")  # fmt: skip
    assert ran.out.startswith("2 points")


def test_all_points_go_to_a_file(run: Run, tmp_path: Path) -> None:
    """And the page says so."""
    path = tmp_path / "a.csv"
    ran = run("sweep", "llama-3.1-8b", *AXES, "--quantities", "tpot_s", "--out", path)
    assert ran.out.endswith("a.csv\n")
    assert len(path.read_text(encoding="utf-8").splitlines()) == 5


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("serving.bacth=1",), "no field is called 'serving.bacth'; did you mean 'serving.batch'"),
        (("serving.batch",), "'serving.batch' is no axis; write PATH=VALUE,VALUE"),
        (("serving.batch=1:2:x",), "'serving.batch=1:2:x' is no axis"),
        (("serving.batch=0:2:3log",), "the ends of equal ratios positive"),
        (("serving.batch=1", "serving.batch=2"), "the axis serving.batch is given twice"),
        (("serving.batch=1", "--subject-to", "tpot_s<=1"), "needs --minimize QUANTITY or"),
        (
            ("serving.batch=1", "--minimize", "tpot_s", "--maximize", "ttft_s"),
            "give --minimize or --maximize, not both",
        ),
        (("serving.batch=1", "--out", "a.xlsx"), "end it with .zarr, .parquet, .csv"),
    ],
)
def test_mistakes_are_told(run: Run, words: tuple[str, ...], text: str) -> None:
    """In one line, with the exit code of a user's error."""
    ran = run("sweep", "llama-3.1-8b", *words)
    assert ran.code == 2
    assert text in " ".join(ran.err.split())
