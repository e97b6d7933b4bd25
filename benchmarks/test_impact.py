"""How long ``impact`` takes: from nothing to the printed table, and warm.

python -m pytest benchmarks/test_impact.py --benchmark-only
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import paramscale as ps

HARDWARE = "h100-sxm"


def start(*words: str) -> str:
    """Run Python with some words in a new process and return what it printed."""
    return subprocess.run(
        [sys.executable, *words], check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.benchmark(group="from nothing to the printed table")
def test_cold(benchmark: Any) -> None:
    """Level: at most 1.5 s."""
    words = ("-m", "paramscale", "impact", "--hardware", HARDWARE)
    text = benchmark.pedantic(start, args=words, rounds=7, warmup_rounds=1)
    assert "Balanced size" in text


@pytest.mark.benchmark(group="from nothing to the printed table")
def test_cold_without_scipy(benchmark: Any) -> None:
    """SciPy, which takes a second, must not come with it."""
    code = (
        f"import paramscale as ps, sys; print(ps.impact(hardware={HARDWARE!r}));"
        "assert 'scipy' not in sys.modules and 'pandas' not in sys.modules"
    )
    benchmark.pedantic(start, args=("-c", code), rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="from nothing to the printed table")
def test_numpy_alone(benchmark: Any) -> None:
    """The floor: a process that imports NumPy."""
    benchmark.pedantic(start, args=("-c", "import numpy"), rounds=7, warmup_rounds=1)


@pytest.mark.benchmark(group="warm")
def test_warm(benchmark: Any) -> None:
    """Level: at most 50 ms for 81 sizes, their layouts, and the balance."""
    found = benchmark(lambda: ps.impact(hardware=HARDWARE))
    assert found.star is not None


@pytest.mark.benchmark(group="warm")
def test_text(benchmark: Any) -> None:
    """The table of what is there."""
    found = ps.impact(hardware=HARDWARE)
    assert benchmark(lambda: found.text(80))
