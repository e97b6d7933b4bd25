"""Sweeps in files: what a kill or a full disk leaves is readable, and the rest is added to it."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

import paramscale as ps
from paramscale.analysis.sweep import files
from paramscale.errors import SpecError, SweepFileError

SCENARIO = ps.Scenario(
    model="llama-3.1-8b", serving=ps.ServingSpec(schedule="continuous"),
    training=ps.TrainingSpec(tokens=1e12),
)  # fmt: skip
OVER: dict[str, Any] = {
    "model.parameters": np.geomspace(1e9, 1e11, 6),
    "hardware": ["h100-sxm", "b200"],
    "serving.batch": np.arange(1, 8),
    "training.tokens": [1e12, 2e12],
}
QUANTITIES = ("tpot_s", "weight_bytes", "loss_nats", "ttft_s")
KINDS = ("zarr", "parquet", "csv")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make tiles and regions small, so that these sweeps have many."""
    monkeypatch.setattr("paramscale.analysis.sweep.TILE_POINTS", 4)
    monkeypatch.setattr("paramscale.analysis.sweep.REGION_POINTS", 7)


def swept(**more: Any) -> ps.Sweep:
    """Return the sweep of these tests."""
    return ps.sweep(SCENARIO, OVER, quantities=QUANTITIES, **more)


def rows(path: Path) -> list[tuple[Any, ...]]:
    """Return the rows of a table, sorted: the coordinates and the quantities."""
    names = [*OVER, *QUANTITIES]
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as stream:
            found = [tuple(row[name] for name in names) for row in csv.DictReader(stream)]
        return sorted(tuple(x if i == 1 else float(x) for i, x in enumerate(row)) for row in found)
    import pandas as pd

    table = pd.read_parquet(path)
    return sorted(table.astype({"hardware": str})[names].itertuples(index=False, name=None))


def expected_rows() -> list[tuple[Any, ...]]:
    """Return the rows of the same sweep in memory."""
    names = [*OVER, *QUANTITIES]
    return sorted(swept().to_pandas()[names].itertuples(index=False, name=None))


def test_a_store_holds_what_the_memory_would(tmp_path: Path) -> None:
    """Every column, over the axes along which it varies, with coordinates and units."""
    xr = pytest.importorskip("xarray")
    here, there = swept(), swept(out=tmp_path / "a.zarr")
    with xr.open_zarr(tmp_path / "a.zarr") as stored:
        for name in QUANTITIES:
            assert np.array_equal(there[name].value, here[name].value)
            assert stored[name].dims == here[name].dims
            assert stored[name].attrs["units"] == here[name].unit
            assert np.array_equal(stored[name].values, here.to_xarray()[name].values)
        assert list(stored["hardware"].values) == OVER["hardware"]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_tables_hold_a_row_a_point(tmp_path: Path, kind: str) -> None:
    """Coordinates and quantities of every point, once."""
    path = tmp_path / f"a.{kind}"
    swept(out=path)
    assert rows(path) == expected_rows()


def done(path: Path) -> list[int]:
    """Return the numbers in the log of a file, in its order."""
    names = {".zarr": path / "sweep.done", ".parquet": path / "_sweep.done"}
    log = names.get(path.suffix, path.with_name(f".{path.name}.sweep.done"))
    return [int(line.split()[0]) for line in log.read_text(encoding="ascii").splitlines()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_loses_nothing_that_is_complete(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says how much is complete; the same call adds the rest, and only that."""
    path, calls = tmp_path / f"a.{kind}", []
    cls = files._KINDS[path.suffix]
    write, room = cls.__call__, 5

    def until_full(self: Any, part: Any) -> Any:
        calls.append(part.region.number)
        if len(calls) > room:
            raise OSError(28, "No space left on device")
        return write(self, part)

    monkeypatch.setattr(cls, "__call__", until_full)
    text = r"No space left on device\); 5 of its 12 regions are complete and stay readable; run"
    with pytest.raises(SweepFileError, match=text):
        swept(out=path, threads=1)
    assert sorted(done(path)) == [0, 1, 2, 3, 4]
    calls.clear()
    room = 100
    swept(out=path, threads=1)
    assert sorted(calls) == list(range(5, 12))
    assert sorted(done(path)) == list(range(12))
    calls.clear()
    again = swept(out=path)
    assert not calls
    if kind == "zarr":
        assert np.array_equal(again["tpot_s"].value, swept()["tpot_s"].value)
    else:
        assert rows(path) == expected_rows()


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_that_was_cut_off_does_not_count(tmp_path: Path, kind: str) -> None:
    """As a loss of power may leave it: its region is written again, and no other."""
    path = tmp_path / f"a.{kind}"
    swept(out=path, threads=1)
    names = {"zarr": path / "sweep.done", "parquet": path / "_sweep.done"}
    log = names.get(kind, path.with_name(f".{path.name}.sweep.done"))
    log.write_bytes(log.read_bytes()[:-2])
    assert len(done(path)) == 12
    swept(out=path, threads=1)
    assert sorted(done(path)) == list(range(12))
    if kind != "zarr":
        assert rows(path) == expected_rows()


_KILLED = """
import sys, time
import tests.analysis.test_sweep_files as t
import paramscale.analysis.sweep as s
from paramscale.analysis.sweep.files import _KINDS
s.TILE_POINTS, s.REGION_POINTS = 4, 7
cls = _KINDS[sys.argv[1]]
write = cls.__call__
def slow(self, part):
    time.sleep(0.05)
    return write(self, part)
cls.__call__ = slow
t.swept(out=sys.argv[2])
"""


@pytest.mark.parametrize("kind", ["zarr", "parquet"])
def test_a_killed_sweep_goes_on(tmp_path: Path, kind: str) -> None:
    """A process that is killed in the middle leaves whole regions; the next one adds the others."""
    path = tmp_path / f"a.{kind}"
    log = path / ("sweep.done" if kind == "zarr" else "_sweep.done")
    words = [sys.executable, "-c", _KILLED, path.suffix, str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(words, env=environment) as process:
        while not (log.exists() and log.read_bytes().count(b"\n") >= 3):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    before = done(path)
    assert 3 <= len(before) < 12
    found = swept(out=path)
    after = done(path)
    assert after[: len(before)] == before
    assert sorted(after) == list(range(12))
    if kind == "zarr":
        assert np.array_equal(found["ttft_s"].value, swept()["ttft_s"].value)
    else:
        assert rows(path) == expected_rows()


@pytest.mark.parametrize("kind", KINDS)
def test_another_sweep_is_refused(tmp_path: Path, kind: str) -> None:
    """What differs is named, and the file stays as it is."""
    path = tmp_path / f"a.{kind}"
    swept(out=path)
    with pytest.raises(SpecError, match="holds another sweep: the axes, division differ"):
        ps.sweep(SCENARIO, {**OVER, "serving.batch": [1]}, quantities=QUANTITIES, out=path)
    other = attrs.evolve(SCENARIO, training=ps.TrainingSpec(tokens=1e12, sequence_length=64))
    with pytest.raises(SpecError, match="holds another sweep: the scenario differ"):
        ps.sweep(other, OVER, quantities=QUANTITIES, out=path)
    with pytest.raises(SpecError, match="the quantities differ"):
        ps.sweep(SCENARIO, OVER, quantities=QUANTITIES[:-1], out=path)


def test_other_things_are_not_overwritten(tmp_path: Path) -> None:
    """A file of somebody else, and endings that tell no kind."""
    path = tmp_path / "a.csv"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(SpecError, match=r"a.csv exists and is no sweep; give out= another name"):
        swept(out=path)
    assert path.read_text(encoding="utf-8") == "mine"
    with pytest.raises(SpecError, match=r"end it with .zarr, .parquet, .csv"):
        swept(out=tmp_path / "a.xlsx")


@pytest.mark.parametrize(("kind", "package"), [("zarr", "zarr"), ("parquet", "pyarrow")])
def test_missing_packages_are_named(
    tmp_path: Path, kind: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the extra that brings them."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"needs {package}.*paramscale\[{kind}\]"):
        swept(out=tmp_path / f"a.{kind}")


def test_refused_choices_are_nan_in_a_store(tmp_path: Path) -> None:
    """And the reason is told."""
    over = {"parallel": [ps.ParallelSpec(), ps.ParallelSpec(tensor=3)], "hardware": ["b200"]}
    found = ps.sweep(SCENARIO, over, quantities="tpot_s", out=tmp_path / "a.zarr")
    assert np.isnan(found["tpot_s"].value).ravel().tolist() == [False, True]
    assert len(found.refused) == 1


def test_draws_and_intervals_go_to_files(tmp_path: Path) -> None:
    """Each draw is a column of a table, and a dimension of a store."""
    asked: dict[str, Any] = {"quantities": "mmlu_fraction", "draws": 3}
    over = {"model.parameters": [1e9, 2e9, 4e9]}
    here = ps.sweep(SCENARIO, over, **asked)
    there = ps.sweep(SCENARIO, over, out=tmp_path / "a.zarr", **asked)
    assert np.array_equal(there["mmlu_fraction"].draws, here["mmlu_fraction"].draws)
    assert np.array_equal(there["mmlu_fraction"].low, here["mmlu_fraction"].low)
    ps.sweep(SCENARIO, over, out=tmp_path / "a.csv", **asked)
    header = (tmp_path / "a.csv").read_text(encoding="utf-8").split("\n")[0].split(",")
    assert header[2:5] == [f"mmlu_fraction_draws_{i}" for i in range(3)]


def test_progress_is_shown_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """One bar, on stderr."""
    swept(progress=True)
    assert "100 %  24 of 24 regions, 0:00 left" in capsys.readouterr().err
    swept()
    assert capsys.readouterr().err == ""
