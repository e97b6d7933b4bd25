"""Machines that a table names by what is different about them."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import paramscale as ps
from paramscale.systems.power import clock_share
from paramscale.validation.machine_names import machine_named


@pytest.mark.parametrize(
    ("text", "memory", "bandwidth", "cap"),
    [
        ("NVIDIA H100 (96 GB HBM2e, 2.4 TB/s, 500 W)", 96e9, 2.4e12, 500.0),
        ("NVIDIA H100 SXM5 96GB HBM2e (500W cap)", 96e9, 3.35e12, 500.0),
        ("NVIDIA H100 80GB SXM (700 W)", 80e9, 3.35e12, None),
    ],
)
def test_stated_figures_replace_those_of_the_catalogue(
    text: str, memory: float, bandwidth: float, cap: float | None
) -> None:
    """A limit that is the usual one is no cap."""
    found = machine_named(text).spec
    assert found.name == "NVIDIA H100 80GB SXM"
    assert (found.memory_bytes, found.memory_bandwidth_bytes_per_s) == (memory, bandwidth)
    assert found.power_cap_w == cap


@given(st.floats(200.0, 700.0), st.floats(200.0, 700.0))
def test_clocks_under_a_cap(one: float, other: float) -> None:
    """They rise with the cap, and reach all at the limit of the board."""
    board = ps.hardware["h100-sxm"]
    caps = np.sort([one, other, 700.0])
    shares = clock_share(attrs.evolve(board, power_cap_w=caps))
    assert np.all(np.diff(shares) >= 0.0)
    assert shares[-1] == pytest.approx(1.0)


def test_a_capped_machine_trains_slower() -> None:
    """Published: 500 W in the place of 700 cost H100s about a sixth of their speed or less."""
    training = ps.TrainingSpec(tokens=1e12, batch_tokens=2**20, sequence_length=8192)
    board = ps.hardware["h100-sxm"]
    times = [
        ps.estimate(
            model="llama-3.1-8b", hardware=machine, training=training,
            parallel=ps.ParallelSpec(devices=8, data=8, zero_stage=3), quantities="step_time_s",
        )["step_time_s"].value
        for machine in (board, attrs.evolve(board, power_cap_w=500.0))
    ]  # fmt: skip
    assert 1.05 < times[1] / times[0] < 1.2
