"""``paramscale optimize``, ``compare``, ``sensitivity`` and ``fit``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import paramscale as ps
from paramscale.laws import laws
from tests.cli.conftest import Run

CARD = (
    "optimize", "llama-3.1-8b", "--hardware", "rtx-4090", "--over", "model.parameters=1B:100B",
    "--over", "serving.weight_format=bf16,q4_k", "--maximize", "parameters",
    "--subject-to", "missing_memory_bytes <= 0",
)  # fmt: skip


def test_optimize_says_what_python_says(run: Run) -> None:
    """Text and JSON of the same point."""
    ran = run(*CARD, "--subject-to", "tpot_s <= 30 ms", "--json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    best = ps.optimize(
        model="llama-3.1-8b", hardware="rtx-4090", maximize="parameters",
        over={"model.parameters": (1e9, 1e11), "serving.weight_format": ["bf16", "q4_k"]},
        subject_to=["missing_memory_bytes <= 0", "tpot_s <= 30 ms"],
    )  # fmt: skip
    assert found["value"] == best.value
    assert found["at"] == best.at
    assert [each["limit"] for each in found["limits"]] == [str(x.limit) for x in best.limits]
    text = run(*CARD).out
    assert text.startswith("Optimum: most parameters = ")
    assert max(map(len, text.splitlines())) <= 80


def test_a_front_as_json(run: Run) -> None:
    """Every point with its fields and goals, and the knee."""
    ran = run(
        "optimize", "llama-3.1-8b", "--over", "hardware=h100-sxm,b200", "--over",
        "serving.batch=1,8,64", "--pareto", "tpot_s,throughput_tokens_per_s", "--json",
    )  # fmt: skip
    found = json.loads(ran.out)
    assert found["goals"]["throughput_tokens_per_s"] == "maximize"
    assert set(found["points"][found["knee"]]) == {
        "hardware", "serving.batch", "tpot_s", "throughput_tokens_per_s",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--subject-to", "tpot_s <= 1 ms"), "no point holds tpot_s <= 1 ms: the least is"),
        (("--subject-to", "tpot <= 1 ms"), "did you mean 'tpot_s'"),
        (("--over", "serving.bacth=1:8"), "did you mean 'serving.batch'"),
        (("--over", "serving.batch"), "write model.parameters=1B:100B"),
    ],
)
def test_optimize_refuses_in_one_line(run: Run, words: tuple[str, ...], text: str) -> None:
    """The exit code is 2, and the text that of the library."""
    ran = run(*CARD, *words)
    assert ran.code == 2
    assert text in " ".join(ran.err.split())


def test_a_missing_input_names_its_option(run: Run) -> None:
    """What is missing can be given by an option."""
    ran = run("optimize", "llama-3.1-8b", "--over", "serving.batch=1:8", "--minimize", "tpot_s")
    assert ran.code == 2
    assert "On the command line: --hardware" in ran.err


def test_compare(run: Run) -> None:
    """Models by machines, as text and as JSON."""
    words = ("compare", "llama-3.1-8b", "llama-3.1-70b", "--quantities", "parameters,tpot_s")
    ran = run(*words, "--machines", "h100-sxm,b200", "--json")
    found = json.loads(ran.out)
    assert found["names"][1] == "llama-3.1-8b on b200"
    assert {each["name"] for each in found["quantities"]} == {"parameters", "tpot_s"}
    assert "llama-3.1-70b" in run(*words, "--hardware", "h100-sxm").out
    assert run("compare", "llama-3.1-8b").code == 2


def test_sensitivity(run: Run) -> None:
    """The table and the JSON."""
    words = (
        "sensitivity", "llama-3.1-8b", "--hardware", "h100-sxm", "--quantities", "tpot_s",
        "--over", "serving.batch=1:64", "--over", "hardware.memory_bandwidth_bytes_per_s=x1.2",
        "--samples", "16",
    )  # fmt: skip
    assert run(*words).out.startswith("Sensitivity of tpot_s = ")
    found = json.loads(run(*words, "--json").out)
    assert set(found["elasticities"]["tpot_s"]) == {
        "serving.batch", "hardware.memory_bandwidth_bytes_per_s",
    }  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a file of runs made by a law, with scatter."""
    rng = np.random.default_rng(0)
    sizes, tokens = np.meshgrid(np.geomspace(1e8, 1e10, 6), np.geomspace(2e9, 2e11, 6))
    loss = laws["besiroglu2024"](sizes, tokens) * np.exp(0.002 * rng.standard_normal((6, 6)))
    path = tmp_path / "runs.csv"
    lines = ["name,parameters,tokens,loss"]
    columns = zip(sizes.ravel(), tokens.ravel(), np.ravel(loss), strict=True)
    lines += [f"r,{n:.6e},{d:.6e},{each:.6f}" for n, d, each in columns]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_fit_finds_the_law_that_made_the_runs(run: Run, table: Path) -> None:
    """Every coefficient lies in its interval, or near it; predictions carry theirs."""
    ran = run("fit", table, "--at", "70B,1.4T", "--draws", 100, "--json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    truth = laws["besiroglu2024"]
    assert found["runs"] == 36
    for name, each in found["coefficients"].items():
        assert abs(each["value"] - truth.coefficients[name]) < 4.0 * each["standard_error"]
        assert each["low"] <= each["value"] <= each["high"]
    (beyond,) = found["predictions"]
    assert beyond["low"] < float(truth(7e10, 1.4e12)) < beyond["high"]
    assert not beyond["inside"]


def test_fit_as_text(run: Run, table: Path) -> None:
    """A line a coefficient, within the width; other forms; fewer draws have no interval."""
    ran = run("fit", table, "--draws", 50, "--at", "1B,20B")
    assert ran.code == 0
    assert "alpha" in ran.out
    assert "inside of the domain" in " ".join(ran.out.split())
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "kaplan_joint" in run("fit", table, "--form", "kaplan_joint", "--draws", 0).out


@pytest.mark.parametrize(
    ("text", "words", "error"),
    [
        ("parameters,token,loss\n1,2,3\n", (), "has no column 'tokens'; did you mean 'token'?"),
        ("", (), "has no column 'parameters'. Wanted are the columns"),
        ("parameters,tokens,loss\n1e9,2e9,abc\n", (), "line 2, loss: 'abc' is not a number"),
        ("parameters,tokens,loss\n1e9,2e9,-1\n", (), "loss[0] is -1.0"),
        ("parameters,tokens,loss\n1e9,2e9,3\n", (), "runs"),
        ("parameters,tokens,loss\n1e9,2e9,3\n", ("--form", "chinchila"), "chinchilla"),
        ("parameters,tokens,loss\n1e9,2e9,3\n", ("--at", "1B"), "write 70B,1.4T"),
    ],
)
def test_fit_refuses_in_one_line(
    run: Run, tmp_path: Path, text: str, words: tuple[str, ...], error: str
) -> None:
    """A table that cannot be fitted says where and why."""
    path = tmp_path / "runs.csv"
    path.write_text(text, encoding="utf-8")
    ran = run("fit", path, *words)
    assert ran.code == 2
    assert error in " ".join(ran.err.split())
    assert run("fit", tmp_path / "none.csv").code == 2


def test_a_sensitivity_fits_narrow_terminals(run: Run) -> None:
    """No row wraps: what does not fit beside follows in a block with the inputs again."""
    words = (
        "sensitivity", "llama-3.1-8b", "--hardware", "h100-sxm", "--quantities", "tpot_s",
        "--over", "serving.batch=1:64", "--over", "serving.prompt_tokens=x2", "--samples", "64",
    )  # fmt: skip
    for columns in (60, 80, 120):
        lines = run(*words, columns=columns).out.splitlines()
        assert max(map(len, lines)) <= columns
        heads = [line for line in lines if line.startswith("  input")]
        assert (len(heads) == 1) == (columns == 120)
        assert all(line.startswith(("  input", "  serving.", "Sens")) for line in lines if line)
