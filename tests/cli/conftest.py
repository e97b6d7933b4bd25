"""Running the command in this process, on configurations written to a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from paramscale.cli import main
from tests.estimators.configs import CONFIGS


class Ran(NamedTuple):
    """What a run of the command left."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``paramscale`` with some words, in a terminal of 80 columns unless said."""

    def ran(*words: object, columns: int = 80) -> Ran:
        monkeypatch.setenv("COLUMNS", str(columns))
        try:
            code = main([str(word) for word in words])
        except SystemExit as stopped:  # argparse leaves so
            code = int(stopped.code or 0)
        return Ran(code, *capsys.readouterr())

    return ran


@pytest.fixture
def configs(tmp_path: Path) -> dict[str, Path]:
    """Return the files of published configurations, by name."""
    paths = {}
    for name, config in CONFIGS.items():
        paths[name] = tmp_path / f"{name}.json"
        paths[name].write_text(json.dumps(config), encoding="utf-8")
    return paths
