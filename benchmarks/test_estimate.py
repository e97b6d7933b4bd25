"""How long an estimate takes, beside a bare NumPy expression of the same size.

    python -m pytest benchmarks --benchmark-only

Compare ratios within one run; absolute times depend on the machine.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pytest

import paramscale as ps

SIZES = 1000


def combine(parts: npt.NDArray[np.float64], peak: float, bandwidth: float) -> Any:
    """A roofline of operations that are known already: what NumPy alone would do."""
    flops, weights, states = parts
    return np.maximum(flops.sum(axis=0) / peak, (weights + states).sum(axis=0) / bandwidth)


@pytest.mark.benchmark(group="one model, all quantities")
@pytest.mark.parametrize("quantities", [None, "all"])
def test_one_model(benchmark: Any, specs: dict[str, Any], quantities: str | None) -> None:
    """Level: at most 200 µs; what did not change since the last call is not computed again."""
    found = benchmark(lambda: ps.estimate(**specs, quantities=quantities))
    assert found["ttft_s"].value > 0


@pytest.mark.benchmark(group="one model, all quantities")
@pytest.mark.parametrize("changed", ["serving", "training", "everything"])
def test_one_model_after_a_change(benchmark: Any, specs: dict[str, Any], changed: str) -> None:
    """The same where a spec, or all of them, is new at each call: what a loop pays."""
    names = specs if changed == "everything" else [changed]

    def ask() -> ps.Estimates:
        return ps.estimate(**{**specs, **{name: attrs.evolve(specs[name]) for name in names}})

    assert benchmark(ask)["ttft_s"].value > 0


@pytest.mark.benchmark(group="one model, all quantities")
def test_one_model_in_bare_numpy(benchmark: Any) -> None:
    """Forty operations, three amounts each, one point."""
    parts = np.ones((3, 40))
    benchmark(lambda: combine(parts, 1e15, 3e12))


@pytest.mark.benchmark(group="one thousand points")
def test_batches(benchmark: Any, specs: dict[str, Any]) -> None:
    """Level: at most 2 ms for the same plan on an axis of 1,000 batches."""
    serving = attrs.evolve(specs["serving"], batch=np.arange(1.0, SIZES + 1))
    found = benchmark(lambda: ps.estimate(**{**specs, "serving": serving}))
    assert found["tpot_s"].value.shape == (SIZES,)


@pytest.mark.benchmark(group="one thousand points")
def test_sizes(benchmark: Any, specs: dict[str, Any]) -> None:
    """Level: at most 2 ms for the same plan on an axis of 1,000 sizes."""
    model = ps.ModelSpec.of_size(np.geomspace(1e8, 1e12, SIZES), like=specs["model"])
    found = benchmark(lambda: ps.estimate(**{**specs, "model": model}))
    assert found["parameters"].value.shape == (SIZES,)


@pytest.mark.benchmark(group="one thousand points")
def test_thousand_in_bare_numpy(benchmark: Any) -> None:
    """Forty operations, three amounts each, one thousand points."""
    parts = np.ones((3, 40, SIZES))
    benchmark(lambda: combine(parts, 1e15, 3e12))


@pytest.mark.benchmark(group="show")
def test_repr(benchmark: Any, specs: dict[str, Any]) -> None:
    """A notebook shows the result after each cell."""
    found = ps.estimate(**specs)
    assert "ttft_s" in benchmark(lambda: repr(found))


@pytest.mark.benchmark(group="show")
def test_html(benchmark: Any, specs: dict[str, Any]) -> None:
    """The same as HTML."""
    found = ps.estimate(**specs)
    assert "ttft_s" in benchmark(found._repr_html_)
