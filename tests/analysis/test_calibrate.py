"""A few measured points bring an estimator to their level and keep its shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import paramscale as ps
from paramscale.analysis.posterior import ONLY_LEVEL, posterior
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
    """One point leaves sqrt((1 - w) (1 + w)) of the scatter, w the share of a level; more less."""
    asked: dict[str, Any] = {"model": "llama-3.1-8b", "training": ps.TrainingSpec(tokens=1e11)}

    def width(points: int) -> float:
        use = ps.calibrate([(asked, "loss_nats", 2.3)] * points) if points else None
        found = ps.estimate(**asked, quantities=["loss_nats"], use=use)["loss_nats"]
        return float(np.log(found.high / found.low))

    left = np.sqrt((1.0 - ONLY_LEVEL) * (1.0 + ONLY_LEVEL))
    assert width(1) / width(0) == pytest.approx(left)
    assert width(0) > width(1) > width(2) > width(8) > width(0) * np.sqrt(1.0 - ONLY_LEVEL)


def test_a_point_says_most_about_points_like_it() -> None:
    """A time measured at batch 1 moves batch 2 more than batch 512, and leaves less open there."""
    busy = {"engine": "vllm", "schedule": "continuous", "prompt_tokens": 2048}
    here: dict[str, Any] = {"model": "llama-3.1-8b", "hardware": "h100-sxm"}
    wide = ps.ServingSpec(batch=[1, 2, 512], **busy)
    base = ps.estimate(**here, serving=wide, quantities="tpot_s")["tpot_s"]
    one = {**here, "serving": ps.ServingSpec(batch=1, **busy)}
    use = ps.calibrate([(one, "tpot_s", 1.3 * base.value[0])])
    found = ps.estimate(**here, serving=wide, quantities="tpot_s", use=use)["tpot_s"]
    moved = np.log(found.value / base.value) / np.log(1.3)
    assert 0.7 < moved[0] < 1.0
    assert moved[0] > moved[1] > moved[2] > 0.0
    left = np.log(found.high / found.low)
    assert max(left[:2]) < left[2] <= np.log(base.high / base.low)[0] * (1.0 + 1e-12)


def test_parts_that_were_measured_are_known() -> None:
    """With every part measured on its own the error of any mixture follows."""
    truth = {"host": 0.3, "weights": -0.2}
    alone = tuple({part: 1.0} for part in truth)
    after = posterior(np.array([*truth.values()] * 40), 0.04, alone * 40)
    mean, deviation = after.log_error({"host": 0.5, "weights": 0.5})
    assert mean == pytest.approx(0.05, abs=0.01)
    assert deviation < 0.2 * np.sqrt(0.35)


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
