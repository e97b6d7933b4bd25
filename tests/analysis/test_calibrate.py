"""A few measured points bring an estimator to their level and keep its shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import paramscale as ps
from paramscale.analysis.calibrate import LEVEL_SHARE
from paramscale.errors import SpecError, UnknownNameError

MINE = ps.HardwareSpec(name="mine", bf16_flops_per_s=2e14, memory_bandwidth_bytes_per_s=1e12)
HERE: dict[str, Any] = {"model": "llama-3.1-8b", "hardware": MINE}
BOUND = {"tpot_s": "decode_roofline"}


def tpot(use: Any, **changes: Any) -> ps.Estimates:
    return ps.estimate(**{**HERE, **changes}, quantities=["tpot_s"], use=use)["tpot_s"]


def test_a_point_moves_the_level_and_keeps_the_shape() -> None:
    """Twice the bound at one batch is twice the bound at every other."""
    base = tpot(BOUND)
    use = ps.calibrate([(HERE, "tpot_s", 2.0 * base.value)], use=BOUND)
    wide = ps.ServingSpec(batch=np.arange(1.0, 9.0))
    ratio = tpot(use, serving=wide).value / tpot(BOUND, serving=wide).value
    assert ratio == pytest.approx(2.0)
    assert tpot(use).estimator == "decode_roofline, calibrated"
    assert "the caller's own measurements" in tpot(use).source


def test_a_measured_point_never_beats_a_bound() -> None:
    """A measurement below the roofline is an error of measurement, not a faster machine."""
    base = tpot(BOUND)
    use = ps.calibrate([(HERE, "tpot_s", 0.5 * base.value)], use=BOUND)
    assert tpot(use).value == base.value


def test_an_interval_shrinks_with_points() -> None:
    """One point leaves 8/18 of the scatter of a base with an interval; more leave less."""
    asked: dict[str, Any] = {"model": "llama-3.1-8b", "training": ps.TrainingSpec(tokens=1e11)}

    def width(points: int) -> float:
        use = ps.calibrate([(asked, "loss_nats", 2.3)] * points) if points else None
        found = ps.estimate(**asked, quantities=["loss_nats"], use=use)["loss_nats"]
        return float(np.log(found.high / found.low))

    assert width(1) / width(0) == pytest.approx(8.0 / 18.0)
    assert width(0) > width(1) > width(2) > width(8) > width(0) * np.sqrt(1.0 - LEVEL_SHARE)


def test_bad_points_are_named() -> None:
    """A measured time is positive, and a scenario is one point."""
    with pytest.raises(SpecError, match=r"a measured tpot_s must be positive, not -1\.0"):
        ps.calibrate([(HERE, "tpot_s", -1.0)])
    grid = {**HERE, "serving": ps.ServingSpec(batch=[1, 2])}
    with pytest.raises(SpecError, match="give a scenario of scalars"):
        ps.calibrate([(grid, "tpot_s", 1.0)])


def test_an_estimator_is_not_used_for_another_quantity() -> None:
    """A record knows which quantity it gives."""
    use = ps.calibrate([(HERE, "tpot_s", 0.03)], use=BOUND)
    with pytest.raises(UnknownNameError, match="ttft_s"):
        ps.estimate(**HERE, use={"ttft_s": use["tpot_s"]})
