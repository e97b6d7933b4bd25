"""How long a sweep takes a point, beside the plain NumPy expression of its last step alone.

    python -m pytest benchmarks/test_sweep.py --benchmark-only

Levels are ratios within one run, or points a second on two cores: at least 1e7 for times, memory,
energy and loss of served models, at most 4 x the plain expression; 1e8 points streamed within
500 MB; linear in points, flat in axes that do not matter; two Dask workers 1.7 x one. The machine
must be otherwise idle: threads share its cores with everything else.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import paramscale as ps

QUANTITIES = (
    "ttft_s", "tpot_s", "throughput_tokens_per_s", "serving_memory_bytes", "missing_memory_bytes",
    "energy_per_token_j", "loss_nats",
)  # fmt: skip
SCENARIO = ps.Scenario(
    model="llama-3.1-8b",
    hardware="h100-sxm",
    serving=ps.ServingSpec(engine="vllm", schedule="continuous"),
    training=ps.TrainingSpec(tokens=15e12),
)


def axes(sizes: int = 100) -> dict[str, Any]:
    """Return axes of 20,000 points a size, all of which matter to times."""
    return {
        "model.parameters": np.geomspace(1e9, 1e11, sizes),
        "serving.output_tokens": [64, 128, 256, 512, 1024],
        "serving.prompt_tokens": np.arange(1, 21) * 256,
        "serving.batch": np.arange(1, 201),
    }


def swept(over: dict[str, Any], **more: Any) -> ps.Sweep:
    """Return the sweep that is timed."""
    return ps.sweep(SCENARIO, over, quantities=QUANTITIES, **more)


def combined(shape: tuple[int, ...]) -> Any:
    """Return the seven quantities from parts that are known already, on the full grid.

    The formulas of the library with everything precomputed that depends on fewer axes: smooth
    maxima of the step, the queue before the first token, Little's law, the pages, the power.
    """
    sizes, outputs, prompts, batches = np.meshgrid(*map(np.arange, shape), sparse=True)
    n, out, prompt, batch = (x + 1.0 for x in (sizes, outputs, prompts, batches))
    weights, arithmetic, host = n * 1e-3, n * batch * 1e-6, n * 1e-5
    state, prompt_s, places = (
        n * batch * (prompt + out) * 1e-9,
        n * prompt * 1e-5,
        1e3 / (n * prompt),
    )
    cache = n * batch * (prompt + out) * 1e3
    running = np.minimum(batch, places)
    share = running / batch
    device = (weights**4.2 + (arithmetic * share) ** 4.2) ** (1 / 4.2) + state * share
    step = (device**1.25 + host**1.25) ** (1 / 1.25) + 1e-5 * running
    tpot = step + prompt_s / out * running
    lone = prompt_s + weights + host
    cycle = lone + out * tpot
    busy = np.minimum(running * prompt_s / cycle, 0.95)
    queue = (0.1 * (running - 1.0) + 0.5 * busy / (1.0 - busy)) * prompt_s
    ttft = 1e-3 + lone + tpot + queue + 0.1 * (batch / running - 1.0) * cycle
    rate = batch * out / (ttft + (out - 1.0) * tpot)
    memory = n * 2e9 + cache + 1e9
    missing = np.maximum(memory - 7e10, 0.0)
    drawn = 0.3 + (weights + arithmetic * share + state * share) / step
    energy = 700.0 * drawn / (1.0 + drawn**8) ** 0.125 / rate
    return ttft, tpot, rate, memory, missing, energy, n + 1.0


@pytest.mark.benchmark(group="2,000,000 points of a serving grid")
def test_sweep(benchmark: Any) -> None:
    """Level: at most 0.2 s, and 4 x the plain expression."""
    over = axes()
    swept(over)
    found = benchmark.pedantic(lambda: swept(over), rounds=5)
    assert found.size == 2_000_000


@pytest.mark.benchmark(group="2,000,000 points of a serving grid")
def test_sweep_on_one_thread(benchmark: Any) -> None:
    """What the second core brings."""
    over = axes()
    benchmark.pedantic(lambda: swept(over, threads=1), rounds=3)


@pytest.mark.benchmark(group="2,000,000 points of a serving grid")
def test_plain_numpy(benchmark: Any) -> None:
    """The last step alone, on one thread, as one would write it."""
    shape = (100, 5, 20, 200)
    benchmark.pedantic(lambda: combined(shape), rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="axes")
@pytest.mark.parametrize("sizes", [10, 100, 1000])
def test_points(benchmark: Any, sizes: int) -> None:
    """Level: ten times the points, ten times the time."""
    over = axes(sizes)
    benchmark.pedantic(lambda: swept(over), rounds=2, warmup_rounds=1)


@pytest.mark.benchmark(group="axes")
def test_axis_that_does_not_matter_to_times(benchmark: Any) -> None:
    """Level: as 100 sizes, though 100 times the points: only the loss depends on tokens."""
    over = {**axes(100), "training.tokens": np.geomspace(1e10, 1e14, 100)}
    found = benchmark.pedantic(lambda: swept(over), rounds=2, warmup_rounds=1)
    assert found.size == 200_000_000


@pytest.mark.benchmark(group="workers")
@pytest.mark.parametrize("workers", [1, 2])
def test_cluster(benchmark: Any, workers: int) -> None:
    """Level: two worker processes at least 1.7 x one; the front is found on the workers."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        lazy = swept(axes(1000), client=client, lazy=True)
        lazy.quantiles("tpot_s")
        benchmark.pedantic(lambda: lazy.quantiles("tpot_s"), rounds=2)


_STREAMED = """
import sys
import numpy as np
import benchmarks.test_sweep as b
import paramscale as ps
over = {**b.axes(5000)}
found = ps.sweep(b.SCENARIO, over, quantities=("ttft_s", "tpot_s"), out=sys.argv[1])
assert found.size == 100_000_000
# the peak of this program alone: what getrusage tells is inherited from whoever started it
status = open("/proc/self/status").read()
print(float(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


@pytest.mark.benchmark(group="streamed")
def test_stream(benchmark: Any, tmp_path: Path) -> None:
    """Level: 1e8 points to a Zarr store within 500 MB; it needs 1.6 GB of disk."""
    words = [sys.executable, "-c", _STREAMED, str(tmp_path / "a.zarr")]
    done = benchmark.pedantic(
        lambda: subprocess.run(words, check=True, capture_output=True, text=True), rounds=1
    )
    assert float(done.stdout) < 500.0
