"""``paramscale impact``: the table, the JSON, the options and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import paramscale as ps
from paramscale.cli.progress import bar, progress
from tests.cli.conftest import Run

Paths = dict[str, Path]


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(run: Run, columns: int) -> None:
    """At any width every size and every line stands there, and columns stay aligned."""
    ran = run("impact", "--hardware", "h100-sxm", columns=columns)
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= min(columns, 120)
    found = ps.impact(hardware="h100-sxm")
    heads = [line for line in ran.out.splitlines() if line.startswith("What it learns")]
    shown = " ".join(heads)
    assert all(label in shown for label in found.labels)
    assert shown.count("*") == 1
    losses = [line.split()[2:] for line in ran.out.splitlines() if line.startswith("  Loss, nats")]
    assert sum(map(len, losses)) == len(found.labels)
    for line in found.lines:
        assert ran.out.count(f"\n  {line.label} ") >= len(heads)


def test_the_balanced_size_and_its_reason(run: Run) -> None:
    ran = run("impact", "--hardware", "h100-sxm", "--budget", "tpot_s<=0.01")
    flat = " ".join(ran.out.split())
    assert "* Balanced size:" in flat
    assert "But tpot_s ≤ 10 ms rules that out" in flat


def test_defaults_are_stated(run: Run) -> None:
    flat = " ".join(run("impact", "--hardware", "h100-sxm").out.split())
    for text in (
        "models like llama-3.1-8b", "15 T tokens at every size", "1,024 × NVIDIA H100 80GB SXM",
        "32 sequences at once, 2,048 tokens read and 256 written", "on the fewest devices",
        "as many tokens as it is trained on",
    ):  # fmt: skip
        assert text in flat


def test_without_hardware_it_says_what_is_missing(run: Run) -> None:
    ran = run("impact")
    assert ran.code == 0
    assert "without hardware no time, energy or money" in " ".join(ran.out.split())
    assert "Each token (TPOT)" not in ran.out


def test_sizes_models_and_paths(run: Run, configs: Paths) -> None:
    ran = run("impact", "1B", "8e9", "--hardware", "h100-sxm", "--tokens", "20x")
    assert "20 tokens for each parameter" in ran.out
    assert "1 B" in ran.out
    named = run("impact", "gpt2", configs["llama-3.1-8b"], "--hardware", "h100-sxm")
    assert named.code == 0
    assert "published models" in named.out


def test_json_schema(run: Run) -> None:
    """Strict JSON: rows with as many values as sizes, ordered ends, NaN as null."""
    ran = run("impact", "--hardware", "h100-sxm", "--json")
    found = json.loads(ran.out, parse_constant=lambda name: pytest.fail(name))
    assert set(found) == {"question", "sizes", "rows", "balanced", "notes", "missing"}
    count = len(found["sizes"])
    assert found["balanced"]["label"] in [size["label"] for size in found["sizes"]]
    assert found["balanced"]["low"] <= found["balanced"]["parameters"] <= found["balanced"]["high"]
    for name, row in found["rows"].items():
        assert set(row) >= {"unit", "meaning", "values", "low", "high", "inside", "source"}, name
        assert [len(row[key]) for key in ("values", "low", "high", "inside")] == 4 * [count]
        for low, value, high in zip(row["low"], row["values"], row["high"], strict=True):
            assert low is None or low <= value <= high


def test_bands(run: Run) -> None:
    ran = run("impact", "8B", "--hardware", "h100-sxm", "--bands")
    lines = ran.out.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("  Each token (TPOT)"))
    assert lines[place + 1].split()[0] == "from"
    assert lines[place + 2].split()[0] == "to"


@pytest.mark.parametrize(("words", "text"), [
    (("impact", "--hardware", "h100-sxn"), "did you mean 'h100-sxm'"),
    (("impact", "8X"), "no model is called '8X'"),
    (("impact", "-5", "--hardware", "h100-sxm"), r"sizes must be positive and finite, not -5"),
    (("impact", "0", "--hardware", "h100-sxm"), "sizes must be positive and finite, not 0"),
    (("impact", "--budget", "fast"), "'fast' is no limit; write tpot_s=0.03"),
    (("impact", "1B", "--budget", "loss_nats=low"), "the limit on loss_nats is '<= low'"),
    (("impact", "--tokens", "20x", "--training-flops", "1e22"), "not both"),
])  # fmt: skip
def test_what_is_refused(run: Run, words: tuple[str, ...], text: str) -> None:
    ran = run(*words)
    assert ran.code == 2
    assert ran.out == ""
    assert text in ran.err


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("sizes") as tell:
        assert tell is None
    assert capsys.readouterr().err == ""


def test_progress_bar_is_drawn_late_and_wiped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal the bar appears after a second and leaves nothing behind."""
    clock = iter([0.0, 0.5, 1.5, 1.55, 2.0])
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("paramscale.cli.progress.time.monotonic", lambda: next(clock))
    with progress("sizes") as tell:
        assert tell is not None
        for done in range(1, 5):
            tell(done, 4)
    err = capsys.readouterr().err
    assert "1 of 4" not in err
    assert bar(2, 4, "sizes") in err
    assert "3 of 4" not in err
    assert bar(4, 4, "sizes") in err
    assert err.endswith("\r")


def test_html_is_written_and_nothing_is_printed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "impact.html"
    ran = run("impact", "--hardware", "h100-sxm", "--html", file)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_html_that_cannot_be_written_is_refused(run: Run, tmp_path: Path) -> None:
    ran = run("impact", "1B", "--html", tmp_path / "nowhere" / "impact.html")
    assert ran.code == 2
    assert "No such file or directory" in ran.err


def test_one_size_alone_is_not_called_a_balance(run: Run) -> None:
    """There is nothing to be balanced against; what compression does is named in full."""
    flat = " ".join(run("impact", "8B", "--hardware", "h100-sxm").out.split())
    assert "8 B is the only size here; name more to have them balanced." in flat
    assert "2:4: two of each four weights cut by SparseGPT" in flat


def test_tokens_a_parameter_are_written_with_their_sign() -> None:
    """A text without the sign could mean either; it is refused."""
    for text in ("20", "20x2", "manyx", "x"):
        with pytest.raises(ps.errors.SpecError, match="or '20x' for 20 a parameter"):
            ps.impact(sizes=[8e9], tokens=text)
    with pytest.raises(ps.errors.SpecError, match="worth must be positive and finite, not 0"):
        ps.impact(sizes=[8e9], worth=0.0)


def test_a_bound_says_so(run: Run) -> None:
    """Where a time is a bound by choice, the table marks it and tells what the mark means."""
    words = ("impact", "8B", "--hardware", "h100-sxm", "--use", "tpot_s=decode_roofline")
    out = run(*words).out
    assert "≥ is a bound: no machine is faster" in out
    line = next(line for line in out.splitlines() if line.startswith("  Each token (TPOT)"))
    assert "≥" in line
    assert "One size: 8 B" in out
    assert "≥" not in run("impact", "8B", "--hardware", "h100-sxm").out
