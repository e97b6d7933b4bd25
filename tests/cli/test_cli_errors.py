"""Exit codes, one clear line on stderr, and no traceback for what a user may get wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import paramscale as ps
from paramscale.cli.commands import report
from paramscale.errors import UnknownNameError
from tests.cli.conftest import Run
from tests.estimators.configs import LLAMA_3_1_8B

Paths = dict[str, Path]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--hardware", "h100-sxn"], "no hardware is called 'h100-sxn'; did you mean 'h100-sxm'"),
        (["--batch", "0"], "ServingSpec.batch must be a whole number greater than 0, not 0"),
        (["--batch", "nan"], "ServingSpec.batch must be a whole number"),
        (["--prompt-tokens", "1.5"], "ServingSpec.prompt_tokens must be a whole number"),
        (["--tokens=-1T"], "TrainingSpec.tokens must be a number greater than 0"),
        (["--batch-tokens", "4M"], "--batch-tokens describes a training run; give its tokens too"),
        (["--weight-format", "fp99"], "no format is called 'fp99'"),
        (["--quantities", "loss_nat"], "no quantity is called 'loss_nat'; did you mean"),
        (["--quantities", "loss_nats"], "On the command line: --tokens"),
        (["--explain", "ttft_s"], "On the command line: --hardware"),
        (["--use", "loss_nats=besiroglu"], "did you mean 'besiroglu2024'"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    run: Run, configs: Paths, words: list[str], text: str
) -> None:
    """Exit code 2, nothing on stdout, one line on stderr."""
    ran = run("report", configs["llama-3.1-8b"], *words)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("paramscale: error: ")
    assert ran.err.count("\n") == 1
    assert text in ran.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--batch", "many"], "'many' is not a number; write 15e12, 15T, 4M, 128k or 2048"),
        (["--use", "loss_nats"], "is not quantity=estimator"),
        (["--quantities", ","], "names nothing"),
        (["--unknown-fields", "guess"], "invalid choice"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_words_that_do_not_parse(run: Run, configs: Paths, words: list[str], text: str) -> None:
    """The parser's own refusals have the same exit code."""
    ran = run("report", configs["llama-3.1-8b"], *words)
    assert ran.code == 2
    assert text in ran.err


def test_wrong_model_names(run: Run, configs: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proposal from the catalogue for a name, and from the folder for a path."""
    folder = configs["llama-3.1-8b"].parent
    monkeypatch.chdir(folder)
    assert "did you mean 'llama-3.1-8b'" in run("report", "lama-3.1-8b").err
    assert "did you mean 'gemma-2-9b.json'" in run("report", "gema-2-9b.json").err
    near = run("report", folder / "mixtral-8x7.json").err
    assert "there is no file or folder" in near
    assert "mixtral-8x7b.json" in near
    assert "nor a folder" in run("report", folder / "nowhere" / "config.json").err


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "not valid JSON"),
        ('{"model_type": "llama"', "not valid JSON"),
        ("[1, 2]", "object"),
        ('{"model_type": "moonbeam"}', "the model type 'moonbeam' is not modelled"),
        ("{}", "the field 'model_type' is missing"),
        (json.dumps({**LLAMA_3_1_8B, "hidden_size": -1}), "hidden_size"),
        (json.dumps({**LLAMA_3_1_8B, "num_attention_heads": 33}), "33"),
        (json.dumps({**LLAMA_3_1_8B, "vocab_size": "many"}), "vocab_size"),
    ],
)
def test_files_that_cannot_be_read(run: Run, tmp_path: Path, content: str, text: str) -> None:
    """A bad file is refused with what is wrong in it, in one line."""
    path = tmp_path / "config.json"
    path.write_text(content, encoding="utf-8")
    ran = run("report", path)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert text in ran.err


def test_a_link_to_itself(run: Run, tmp_path: Path) -> None:
    """A loop of links ends, with an error."""
    loop = tmp_path / "config.json"
    loop.symlink_to(loop)
    ran = run("report", loop)
    assert ran.code == 2
    assert ran.err.count("\n") == 1


def test_debug_shows_the_traceback(run: Run) -> None:
    """With --debug, before or after the command, the error comes through as it is."""
    for words in (("--debug", "report", "nonsense"), ("report", "nonsense", "--debug")):
        with pytest.raises(UnknownNameError):
            run(*words)


def test_unexpected_errors_keep_their_traceback(
    run: Run, configs: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that is not of paramscale is a bug, and hides nothing."""

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(report, "scenario_of", broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        run("report", configs["llama-3.1-8b"])


def process(*words: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "paramscale", *words],
        capture_output=True, text=True, encoding="utf-8", check=False, **settings,
    )  # fmt: skip


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    """A closed pipe is quiet."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "paramscale", "list", "formats"],
        stdout=writing, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 141


def test_a_terminal_without_the_letters() -> None:
    """An encoding that lacks a sign shows a question mark and does not fail."""
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = process("list", "formats", "--search", "nvfp4", env=env)
    assert done.returncode == 0, done.stderr


def test_help_imports_nothing_heavy() -> None:
    """Help comes without NumPy: neither it nor the catalogue is imported."""
    code = (
        "import sys; sys.argv = ['paramscale', 'report', '--help']\n"
        "from paramscale.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = [name for name in ('numpy', 'scipy', 'attrs', 'csv') if name in sys.modules]\n"
        "print('HEAVY', heavy)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "MODEL|PATH" in done.stdout
    assert "HEAVY []" in done.stdout


@pytest.mark.parametrize("words", [["--help"], ["report", "--help"], ["list", "--help"]])
def test_help(run: Run, words: list[str]) -> None:
    """Help is there and fits 80 columns."""
    ran = run(*words)
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80


def test_version(run: Run) -> None:
    """The version of the package."""
    assert run("--version").out == f"paramscale {ps.__version__}\n"


def test_nothing_asked(run: Run) -> None:
    """Without a command the command tells what there is, and what to write first."""
    ran = run()
    assert ran.code == 0
    assert "paramscale impact --hardware h100-sxm" in ran.out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["impcat"], "invalid choice: 'impcat'; did you mean 'impact'? Allowed: compare, fit"),
        (["list", "model"], "did you mean 'models'? Allowed: models, hardware"),
        (["report", "x", "--quantites", "a"], "did you mean '--quantities'? See"),
        (["report"], "are required: MODEL|PATH. See 'paramscale report --help'"),
        (["impact", "--tokens", "-1T"], "tokens must be positive and finite, not -1,000,000,"),
        (["impact", "-5B"], "sizes must be positive and finite, not -5,000,000,000"),
        (["impact", "8B", "--worth", "-1"], "worth must be positive and finite, not -1"),
        (["sweep", "llama-3.1-8b", "serving.batch=1", "--quantities", "tpot_s"],
         "1 input is missing: hardware: the spec is not given"),
    ],
)  # fmt: skip
def test_slips_of_the_hand_are_told_in_one_line(run: Run, words: list[str], text: str) -> None:
    """No page of usage: what is wrong, and what is near to it."""
    ran = run(*words)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert text in ran.err


def test_a_table_of_runs_that_is_not_there(run: Run, tmp_path: Path) -> None:
    """The path once, and why."""
    ran = run("fit", tmp_path / "nope.csv")
    assert ran.code == 2
    assert ran.err.count("nope.csv") == 1
    assert "No such file or directory" in ran.err


def test_half_a_word_is_not_proposed() -> None:
    """Short names are near to anything; they are no help."""
    assert ps.errors.did_you_mean("Mars", ["RS", "MS", "MR"]) == ""
    assert ps.errors.did_you_mean("fp", ["fp8"]) == "; did you mean 'fp8'?"
