"""``sensitivity``: elasticities and Sobol indices against known answers and SciPy."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import paramscale as ps
from paramscale.analysis.sensitivity.sobol import design, indices
from paramscale.errors import ParamscaleError, SpecError, UnknownNameError
from paramscale.laws import laws

RUN = ps.TrainingSpec(tokens=1e12, batch_tokens=4e6)
BASE = {"model": "llama-3.1-8b", "training": RUN}


def ishigami(unit: Any) -> Any:
    """Return Ishigami's function of points in the unit cube, whose indices are known."""
    x = np.pi * (2.0 * unit - 1.0)
    return (
        np.sin(x[..., 0]) + 7.0 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0])
    )


def test_indices_of_ishigamis_function() -> None:
    """Saltelli et al. 2008: first order 0.3139, 0.4424, 0; total 0.5576, 0.4424, 0.2437."""
    found = indices(ishigami(design(3, 4096, seed=1)))
    assert np.allclose(found.first[:, 0], [0.3139, 0.4424, 0.0], atol=0.02)
    assert np.allclose(found.total[:, 0], [0.5576, 0.4424, 0.2437], atol=0.02)
    inside = (found.first[:, 1] <= found.first[:, 0]) & (found.first[:, 0] <= found.first[:, 2])
    assert inside.all()


def test_indices_agree_with_scipy() -> None:
    """The same function, by SciPy's own estimators."""
    stats = pytest.importorskip("scipy.stats")
    names = inspect.signature(stats.sobol_indices).parameters
    chance = "rng" if "rng" in names else "random_state"  # older ones know the other word
    truth = stats.sobol_indices(
        func=lambda x: ishigami(x.T), n=4096, dists=[stats.uniform()] * 3,
        **{chance: np.random.default_rng(2)},
    )  # fmt: skip
    found = indices(ishigami(design(3, 4096, seed=1)))
    assert np.allclose(found.first[:, 0], truth.first_order, atol=0.03)
    assert np.allclose(found.total[:, 0], truth.total_order, atol=0.03)


def test_nothing_varies() -> None:
    """Then no share is known, and samples that are NaN are left out."""
    points = design(2, 64, seed=0)
    assert np.isnan(indices(np.ones(points.shape[:2])).first).all()
    values = points[..., 0].copy()
    values[2, 5] = np.nan
    assert indices(values).first[:, 0] == pytest.approx([1.0, 0.0], abs=0.05)


def test_elasticities_are_those_of_the_law() -> None:
    """d ln L / d ln D = -beta B D^-beta / L; FLOPs are proportional to tokens and nothing else."""
    found = ps.sensitivity(
        **BASE, quantities=["loss_nats", "training_flops"], samples=0,
        over={"training.tokens": (5e11, 2e12), "model.parameters": 2.0},
        use={"training_flops": "six_nd"},
    )  # fmt: skip
    law = laws["besiroglu2024"]
    c = law.coefficients
    size = float(ps.estimate(**BASE)["parameters"].value)
    slope = -c["beta"] * c["B"] * 1e12 ** -c["beta"] / float(law(size, 1e12))
    assert found.elasticities["loss_nats"]["training.tokens"] == pytest.approx(slope, rel=1e-3)
    assert found.elasticities["training_flops"]["training.tokens"] == pytest.approx(1.0)
    assert found.elasticities["training_flops"]["model.parameters"] == pytest.approx(1.0, rel=1e-6)
    assert found.first == {}


def test_swings_are_what_single_estimates_say() -> None:
    """Each input at its ends, the others at their base; labels too; the largest comes first."""
    over = {
        "serving.batch": (1, 64),
        "serving.weight_format": ["bf16", "fp8", "q4_k"],
        "hardware.memory_bandwidth_bytes_per_s": 1.2,
        "training.tokens": 2.0,
    }
    found = ps.sensitivity(
        **BASE, hardware="h100-sxm", quantities="tpot_s", over=over, samples=0,
        serving=ps.ServingSpec(batch=8),
    )  # fmt: skip
    swings = found.swings["tpot_s"]
    for path, fields in {
        "serving.batch": [{"batch": 1}, {"batch": 64}],
        "serving.weight_format": [
            {"batch": 8, "weight_format": name} for name in ("bf16", "fp8", "q4_k")
        ],
    }.items():  # fmt: skip
        alone = [
            float(ps.estimate(**BASE, hardware="h100-sxm", serving=ps.ServingSpec(**each),
                              quantities="tpot_s")["tpot_s"])
            for each in fields
        ]  # fmt: skip
        assert swings[path].values == pytest.approx(alone)
    assert swings["training.tokens"].size == 0.0
    assert found.ranked("tpot_s")[0] == "serving.batch"
    assert found.ranked("tpot_s")[-1] == "training.tokens"
    assert "serving.weight_format" not in found.elasticities["tpot_s"]
    assert -1.0 < found.elasticities["tpot_s"]["hardware.memory_bandwidth_bytes_per_s"] < -0.5


def test_shares_add_up_where_nothing_interacts() -> None:
    """The law of loss is a sum: alone is in all, and the shares are those of its two terms."""
    found = ps.sensitivity(
        **BASE, quantities="loss_nats", samples=2048,
        over={"training.tokens": (1e11, 1e13), "training.sequence_length": (1024, 8192)},
    )  # fmt: skip
    first, total = found.first["loss_nats"], found.total["loss_nats"]
    assert first["training.tokens"][0] == pytest.approx(1.0, abs=0.02)
    assert total["training.sequence_length"][0] == pytest.approx(0.0, abs=0.02)


def test_coefficients_have_a_share() -> None:
    """With draws the share of the uncertain coefficients is told, alone no more than in all."""
    found = ps.sensitivity(
        **BASE, hardware="h100-sxm", quantities="tpot_s", over={"serving.batch": (1, 8)},
        samples=64, draws=64,
    )  # fmt: skip
    alone, whole = found.coefficients["tpot_s"]
    assert 0.0 < alone <= whole + 1e-9 <= 1.0
    assert "coefficients" in repr(found)
    exact = ps.sensitivity(
        **BASE, quantities="parameters", over={"serving.batch": (1, 8)}, samples=0, draws=8
    )
    assert np.isnan(exact.coefficients["parameters"]).all()
    assert "not known" in repr(exact)


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"over": {"training.token": 2.0}}, UnknownNameError, "did you mean 'training.tokens'"),
        ({"quantities": "loss"}, UnknownNameError, "did you mean 'loss_nats'"),
        ({"quantities": []}, SpecError, "quantities is empty"),
        ({"over": {}}, SpecError, "say what is uncertain"),
        ({"over": {"training.tokens": 0.5}}, SpecError, "factor of training.tokens is 0.5"),
        ({"over": {"training.tokens": (2.0, 1.0)}}, SpecError, "first number must be smaller"),
        ({"over": {"training.unique_tokens": 2.0}}, SpecError, "holds no training.unique_tokens"),
        ({"over": {"serving.weight_format": ["fp8"]}}, SpecError, "has one value"),
        ({"samples": -1}, SpecError, "samples is -1"),
        ({"draws": 1.5}, SpecError, "draws is 1.5"),
    ],
)
def test_refused(given: dict[str, Any], error: type[ParamscaleError], text: str) -> None:
    """What has no meaning is refused with what to write."""
    usual: dict[str, Any] = {**BASE, "quantities": "loss_nats", "over": {"training.tokens": 2.0}}
    with pytest.raises(error, match=text):
        ps.sensitivity(**{**usual, **given})


def test_what_is_shown() -> None:
    """Text, HTML, a table and a tornado."""
    found = ps.sensitivity(
        **BASE, quantities=["loss_nats", "training_flops"], samples=64,
        over={"training.tokens": 2.0, "model.parameters": (4e9, 16e9)},
    )  # fmt: skip
    assert repr(found).startswith("Sensitivity of loss_nats = ")
    assert "<table>" in found._repr_html_()
    assert len(found.to_pandas()) == 4
    with pytest.raises(UnknownNameError, match="did you mean 'loss_nats'"):
        found.ranked("loss_nat")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    axes = found.plot("training_flops")
    assert axes.get_xlabel() == "training_flops [ZFLOP]"
    assert [text.get_text() for text in axes.get_yticklabels()][-1] == found.ranked(
        "training_flops"
    )[0]
