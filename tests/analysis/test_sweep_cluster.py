"""Sweeps on a real cluster of worker processes, of which one may be killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import paramscale as ps
from paramscale.errors import SpecError

distributed = pytest.importorskip("distributed")

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


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make tiles and regions small, so that these sweeps have many."""
    monkeypatch.setattr("paramscale.analysis.sweep.TILE_POINTS", 4)
    monkeypatch.setattr("paramscale.analysis.sweep.REGION_POINTS", 7)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two worker processes of one thread each, on this machine."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def swept(**more: Any) -> ps.Sweep:
    """Return the sweep of these tests."""
    return ps.sweep(SCENARIO, OVER, quantities=QUANTITIES, **more)


def assert_same(found: ps.Sweep) -> None:
    """Compare with the sweep of this process."""
    here = swept()
    for name in QUANTITIES:
        np.testing.assert_allclose(found[name].value, here[name].value, rtol=1e-12)
    assert found.refused == here.refused


def test_a_cluster_gives_the_same(client: Any) -> None:
    """Whoever computes the regions."""
    assert_same(swept(client=client))


@pytest.mark.parametrize("kind", ["zarr", "csv"])
def test_workers_write_to_files(client: Any, kind: str, tmp_path: Path) -> None:
    """Each region by the worker that computed it, or by the client where there is one file."""
    found = swept(client=client, out=tmp_path / f"a.{kind}")
    if kind == "zarr":
        assert_same(found)
    else:
        lines = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
        assert len(set(lines)) == len(lines) == 1 + found.size


def test_reductions_happen_on_the_workers(client: Any) -> None:
    """Only candidates and counts come back; the answers are those of this process."""
    there, here = swept(client=client, lazy=True), swept()
    for ask in (
        lambda sweep: sweep.best(minimize="tpot_s", count=3).places,
        lambda sweep: sweep.pareto(minimize=["loss_nats", "ttft_s"]).places,
        lambda sweep: sweep.quantiles("ttft_s").tolist(),
    ):
        assert ask(there) == ask(here)
    assert not there.holds("tpot_s")


def test_what_is_refused_comes_back(client: Any) -> None:
    """The reasons are told by the workers."""
    over = {"parallel": [ps.ParallelSpec(), ps.ParallelSpec(tensor=3)], "hardware": ["b200"]}
    found = ps.sweep(SCENARIO, over, quantities="tpot_s", client=client)
    assert np.isnan(found["tpot_s"].value).ravel().tolist() == [False, True]
    assert len(found.refused) == 1


def test_a_worker_may_be_killed(client: Any, tmp_path: Path) -> None:
    """Its regions are computed again by others, and the result is complete and right."""
    batches = np.arange(1, 1201)
    over = {**OVER, "serving.batch": batches}
    victims = list(client.run(os.getpid).values())
    killed = threading.Event()

    def kill() -> None:
        log = tmp_path / "a.zarr" / "sweep.done"
        while not (log.exists() and log.read_bytes().count(b"\n") >= 3):
            time.sleep(0.005)
        os.kill(victims[0], signal.SIGKILL)
        killed.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("paramscale.analysis.sweep.TILE_POINTS", 150)
        patch.setattr("paramscale.analysis.sweep.REGION_POINTS", 150)
        thread = threading.Thread(target=kill)
        thread.start()
        found = ps.sweep(
            SCENARIO, over, quantities=QUANTITIES, client=client, out=tmp_path / "a.zarr"
        )
        thread.join()
    assert killed.is_set()
    assert (tmp_path / "a.zarr" / "sweep.done").read_bytes().count(b"\n") == len(
        set((tmp_path / "a.zarr" / "sweep.done").read_text().splitlines())
    )
    here = ps.sweep(SCENARIO, over, quantities=QUANTITIES)
    for name in QUANTITIES:
        np.testing.assert_allclose(found[name].value, here[name].value, rtol=1e-12)


def test_a_cluster_without_workers_is_refused() -> None:
    """Nothing would ever happen."""
    with (
        distributed.LocalCluster(n_workers=0, processes=True, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
        pytest.raises(SpecError, match="the client has no workers; add some to the cluster"),
    ):
        swept(client=client)
