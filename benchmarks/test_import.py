"""How long the import takes, beside the import of NumPy alone (level: at most 30 ms more)."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest


def start(statement: str) -> None:
    """Run one statement in a new interpreter."""
    subprocess.run([sys.executable, "-c", statement], check=True)


@pytest.mark.benchmark(group="start of an interpreter")
def test_import_numpy(benchmark: Any) -> None:
    """The floor."""
    benchmark.pedantic(start, args=("import numpy",), rounds=15, warmup_rounds=2)


@pytest.mark.benchmark(group="start of an interpreter")
def test_import_paramscale(benchmark: Any) -> None:
    """The package; SciPy must not come with it."""
    statement = "import numpy, paramscale, sys; assert 'scipy' not in sys.modules"
    benchmark.pedantic(start, args=(statement,), rounds=15, warmup_rounds=2)


@pytest.mark.benchmark(group="start of an interpreter")
def test_first_estimate(benchmark: Any) -> None:
    """From nothing to the first answer."""
    statement = (
        "import paramscale as ps, sys;"
        "ps.estimate(model='llama-3.1-8b', hardware='h100-sxm');"
        "assert 'scipy' not in sys.modules"
    )
    benchmark.pedantic(start, args=(statement,), rounds=10, warmup_rounds=1)
