"""Energy of training: between idle and the limit, as measured, and cut by what was measured."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paramscale as ps
from paramscale.errors import MissingInputError

WANTED = ("training_power_w", "training_chip_energy_j", "training_device_s")


def trained(model: Any = "olmo-2-7b", machine: Any = "h100-sxm", **fields: Any) -> ps.Estimates:
    """Return energies of a training run; `layout` is a ParallelSpec, `given` known quantities."""
    layout, known = fields.pop("layout", ps.ParallelSpec()), fields.pop("given", {})
    return ps.estimate(
        model=model, hardware=machine, training=ps.TrainingSpec(**{"tokens": 1e12} | fields),
        parallel=layout, quantities=[name for name in WANTED if name not in known], **known,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    model=st.sampled_from(["llama-3.1-8b", "mixtral-8x7b", "deepseek-v3", "mamba2-1.3b"]),
    machine=st.sampled_from(["h100-sxm", "b200", "a100-sxm-40gb", "v100", "tpu-v3", "mi300x"]),
    precision=st.sampled_from(["bf16", "fp16"]),
    batch=st.sampled_from([None, 4e6]),
    data=st.sampled_from([1, 64]),
    cap=st.sampled_from([None, 0.5]),
)
def test_power_of_training_stays_within_the_boards(
    model: str, machine: str, precision: str, batch: float | None, data: int, cap: float | None
) -> None:
    """A quarter of the limit at least, the limit at most; energy is the time at that power."""
    spec = ps.hardware[machine]
    if cap is not None:
        spec = attrs.evolve(spec, power_cap_w=cap * spec.power_limit_w)
    layout = ps.ParallelSpec(data=data)
    found = trained(model, spec, precision=precision, batch_tokens=batch, layout=layout)
    power, energy, seconds = (found[name] for name in WANTED)
    limit = float(spec.power_limit_w) * data * (cap or 1.0)
    assert 0.25 * limit < power.low <= power.value <= power.high <= limit * (1 + 1e-12)
    assert energy.value == pytest.approx(float(power.value) / data * float(seconds.value))
    assert energy.low <= energy.value <= energy.high


def test_a_measured_run() -> None:
    """OLMo 2 7B: 131 MWh of the accelerators for 4.05e12 tokens.

    OLMo 2 paper (arXiv:2501.00656), Table 19, measured on one node every 25 ms and scaled.
    """
    energy = trained(tokens=4.05e12)["training_chip_energy_j"]
    assert energy.value / 3.6e9 == pytest.approx(131.0, rel=0.2)
    assert energy.low / 3.6e9 < 131.0 < energy.high / 3.6e9


def test_known_hours_are_used_and_narrow_the_interval() -> None:
    """Given device-hours replace the estimate; what is left unsure is the power."""
    plain = trained(tokens=4.05e12)
    hours = float(plain["training_device_s"].value)
    known = trained(tokens=4.05e12, given={"training_device_s": hours})["training_chip_energy_j"]
    assert known.value == pytest.approx(float(plain["training_chip_energy_j"].value))
    assert known.high / known.value < plain["training_chip_energy_j"].high / known.value
    longer = trained(tokens=4.05e12, given={"training_device_s": 2.0 * hours})
    assert 1.0 < longer["training_chip_energy_j"].value / known.value < 2.0


def test_energy_grows_with_size_and_tokens() -> None:
    """In a grid, monotone along both."""
    sizes = ps.ModelSpec.of_size(np.array([[1e9], [1e10], [1e11]]), like="llama-3.1-8b")
    grid = trained(sizes, tokens=np.array([1e11, 1e12, 1e13]))["training_chip_energy_j"].value
    assert grid.shape == (3, 3)
    assert np.all(np.diff(grid, axis=0) > 0.0)
    assert np.all(np.diff(grid, axis=1) > 0.0)


def test_no_power_figure() -> None:
    """The machine is named, and how to give a figure."""
    with pytest.raises(MissingInputError, match="power limit of 'Apple M2 Ultra"):
        trained(machine="m2-ultra")
