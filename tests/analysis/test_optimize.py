"""``optimize`` on real questions: answers against laws, against scans, and what is refused."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from tests.analysis.test_optimize_search import best_of

import paramscale as ps
from paramscale.core.collection import ESTIMATORS, Estimators
from paramscale.core.estimator import estimator
from paramscale.core.quantity import Quantity
from paramscale.core.spec import SPEC_TYPES
from paramscale.errors import (
    InfeasibleError,
    MissingInputError,
    ParamscaleError,
    SpecError,
    UnknownNameError,
)
from paramscale.laws import compute_optimum, laws, lifetime_optimum
from paramscale.specs.training import TrainingSpec
from paramscale.typing import Floats

RUN = ps.TrainingSpec(tokens=1e12)
SERVED = {"model": "llama-3.1-8b", "hardware": "rtx-4090"}


@pytest.mark.parametrize("flops", [1e21, 5.76e23, 1e26])
def test_least_loss_for_a_budget_is_the_closed_form(flops: float) -> None:
    """Over sizes of a family and tokens: Hoffmann's equation 4, but for whole layers."""
    best = ps.optimize(
        model="llama-3.1-8b", training=RUN, minimize="loss_nats",
        over={"model.parameters": (1e8, 1e13), "training.tokens": (1e9, 1e16)},
        subject_to={"training_flops": ("<=", flops)}, use={"training_flops": "six_nd"},
    )  # fmt: skip
    truth = compute_optimum(laws["besiroglu2024"], flops)
    assert best.value == pytest.approx(float(truth.loss), rel=1e-4)
    assert best["model.parameters"] == pytest.approx(float(truth.parameters), rel=0.05)
    assert best["training.tokens"] == pytest.approx(float(truth.tokens), rel=0.05)
    assert best.limits[0].binds
    low, high = best.bands["model.parameters"]
    assert low < truth.parameters < high


def laws_world() -> Estimators:
    """Return a world with the loss of a law, and the FLOPs of training and use together."""
    own = Estimators(kinds=SPEC_TYPES)
    for name in ("parameters", "training_tokens"):
        own.vocabulary.add(name, Quantity(name, "given"))
    law = laws["besiroglu2024"]

    @estimator(gives=Quantity("loss_nats", "Loss"), source="besiroglu2024", into=own)
    def loss(parameters: Floats, training: TrainingSpec) -> Floats:
        """Loss by the law."""
        return law(parameters, training.tokens)

    @estimator(gives=Quantity("life_flops", "FLOPs of a life"), source="counting", into=own)
    def life(parameters: Floats, training: TrainingSpec, *, tokens: float = 1e15) -> Floats:
        """Six FLOPs a parameter and training token, two a parameter and served token."""
        return parameters * (6.0 * training.tokens + 2.0 * tokens)

    return own


def test_the_cheapest_way_to_a_loss_over_a_life() -> None:
    """Two real fields under a limit: the optimum of Sardana et al., which solves an equation."""
    best = best_of(
        laws_world(), {"training": RUN}, "life_flops",
        {"parameters": (1e8, 1e13), "training.tokens": (1e10, 1e16)},
        {"loss_nats": "<= 2.0"},
    )  # fmt: skip
    truth = lifetime_optimum(laws["besiroglu2024"], 2.0, 1e15)
    assert best.value == pytest.approx(float(truth.training + truth.inference), rel=1e-6)
    assert best["parameters"] == pytest.approx(float(truth.parameters), rel=1e-3)
    assert best["training.tokens"] == pytest.approx(float(truth.tokens), rel=1e-3)


def test_the_largest_model_that_decodes_fast_enough_on_one_card() -> None:
    """It is the last of all sizes that hold both limits, and its bytes fit card and bandwidth."""
    formats = ["bf16", "q8_0", "q4_k"]
    best = ps.optimize(
        **SERVED, maximize="parameters",
        over={"model.parameters": (1e9, 1e11), "serving.weight_format": formats},
        subject_to={"tpot_s": "<= 30 ms", "missing_memory_bytes": "<= 0"},
    )  # fmt: skip
    sizes = np.geomspace(1e9, 1e11, 5000)
    largest = {}
    for name in formats:
        found = ps.estimate(
            model=ps.ModelSpec.of_size(sizes), hardware="rtx-4090",
            serving=ps.ServingSpec(weight_format=name),
            quantities=["parameters", "tpot_s", "missing_memory_bytes"],
        )  # fmt: skip
        good = (found["tpot_s"].value <= 0.03) & (found["missing_memory_bytes"].value <= 0.0)
        largest[name] = np.asarray(found["parameters"].value)[good].max()
    assert best.value == max(largest.values())
    assert {x.labels["serving.weight_format"]: x.value for x in best.choices} == largest
    card = ps.hardware["rtx-4090"]
    bits = ps.formats[best["serving.weight_format"]].bits_per_weight
    weight_bytes = best.value * bits / 8.0
    assert weight_bytes <= card.memory_bytes
    assert weight_bytes / card.memory_bandwidth_bytes_per_s <= 0.03


def test_tokens_that_are_worth_a_doubling_of_the_parameters() -> None:
    """Least tokens at the loss of twice the size are what the law's own closed form says."""
    run = ps.TrainingSpec(tokens=2e12)
    small = {"model": "llama-3.1-8b", "training": run}
    size = float(ps.estimate(**small)["parameters"].value)
    doubled = float(laws["besiroglu2024"](2.0 * size, 2e12))
    best = ps.optimize(
        **small, minimize="training.tokens", over={"training.tokens": (2e12, 2e15)},
        subject_to={"loss_nats": {"max": doubled}},
    )  # fmt: skip
    worth = ps.estimate(**small, quantities="tokens_worth_of_doubling_ratio")
    truth = float(worth["tokens_worth_of_doubling_ratio"].value)
    assert best.value / 2e12 == pytest.approx(truth, rel=1e-6)


def test_the_point_is_ready_to_use() -> None:
    """``specs`` and ``scenario`` give the value again, labels in their places."""
    best = ps.optimize(
        model="llama-3.1-8b", maximize="throughput_tokens_per_s",
        over={"hardware": ["a100-sxm-80gb", "h100-sxm"], "serving.batch": (1, 300),
              "parallel.tensor": [1, 2, 4]},
        subject_to=["tpot_s <= 15 ms", "missing_memory_bytes <= 0"],
    )  # fmt: skip
    again = ps.estimate(**best.specs, use=best.use)["throughput_tokens_per_s"].value
    assert again == best.value == ps.estimate(best.scenario)["throughput_tokens_per_s"].value
    assert best["hardware"] == "h100-sxm"
    assert best.scenario.hardware is ps.hardware["h100-sxm"]
    assert best.estimates["tpot_s"].value <= 0.015
    faster = ps.estimate(
        best.scenario, serving=ps.ServingSpec(batch=best["serving.batch"] + 1), quantities="tpot_s"
    )
    assert faster["tpot_s"].value > 0.015


def test_layouts_that_do_not_divide_are_passed_over() -> None:
    """Ranks that do not divide the heads are NaN in a grid, and never chosen."""
    best = ps.optimize(
        model="llama-3.1-8b", hardware="h100-sxm", minimize="tpot_s",
        over={"parallel.tensor": [3, 4, 5]},
    )  # fmt: skip
    assert best["parallel.tensor"] == 4.0


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"over": {"serving.bacth": (1, 8)}}, UnknownNameError, "did you mean 'serving.batch'"),
        ({"minimize": "tpot"}, UnknownNameError, "did you mean 'tpot_s'"),
        ({"subject_to": {"tfft_s": "<= 1"}}, UnknownNameError, "did you mean 'ttft_s'"),
        ({"subject_to": {"ttft": "<= 1 ms"}}, UnknownNameError, "did you mean 'ttft_s'"),
        ({"subject_to": {"ttft_s": "<= 1 sm"}}, SpecError, r"has the unit 'sm'. Allowed: yr, d, h"),
        ({"subject_to": {"ttft_s": "< 1"}}, SpecError, r"allowed signs are <= and >="),
        ({"subject_to": {"ttft_s": 1.0}}, SpecError, r"the limit on ttft_s is 1.0; write"),
        ({"subject_to": {"ttft_s": ("<=", np.nan)}}, SpecError, "the limit on ttft_s is nan"),
        ({"subject_to": {"ttft_s": {"most": 1}}}, SpecError, "the limit on ttft_s is {'most': 1}"),
        ({"minimize": None}, SpecError, "none of minimize, maximize and pareto were given"),
        ({"maximize": "ttft_s"}, SpecError, "2 of minimize, maximize and pareto were given"),
        ({"minimize": ["tpot_s", "ttft_s"]}, SpecError, "several as pareto="),
        ({"minimize": None, "pareto": ["tpot_s"]}, SpecError, "give two goals or more"),
        ({"minimize": None, "pareto": {"tpot_s": "less", "ttft_s": "minimize"}}, SpecError,
         "allowed are 'minimize' and 'maximize'"),
        ({"over": {}}, SpecError, "say what may vary"),
        ({"over": {"serving.batch": []}}, SpecError, "the axis serving.batch is empty"),
        ({"over": {"serving.batch": (8, 1)}}, SpecError, "first number must be smaller"),
        ({"over": {"serving.batch": (1.1, 1.9)}}, SpecError, "there is no whole number"),
        ({"over": {"serving.batch": [1.5]}}, InfeasibleError,
         "since ServingSpec.batch must be a whole"),
        ({"over": {"serving.batch": [1.5], "serving.weight_format": ["fp8"]}}, InfeasibleError,
         "tpot_s cannot be estimated at any of 1 points"),
        ({"over": {"serving.weight_format": ["fp9"]}}, UnknownNameError, "did you mean 'fp8'"),
        ({"within": "wide"}, SpecError, "within is 'wide'; give a share such as 0.01"),
        ({"serving": ps.ServingSpec(prompt_tokens=[1, 2])}, SpecError,
         "serving.prompt_tokens is an array, and one scenario is wanted"),
        ({"hardware": None}, MissingInputError, "hardware"),
        ({"minimize": "serving.weight_format"}, SpecError, "holds no number"),
    ],
)  # fmt: skip
def test_refused(given: dict[str, Any], error: type[ParamscaleError], text: str) -> None:
    """What has no meaning is refused with what is allowed and what to write."""
    usual: dict[str, Any] = {**SERVED, "over": {"serving.batch": (1, 8)}, "minimize": "tpot_s"}
    with pytest.raises(error, match=text):
        ps.optimize(**{**usual, **given})


def test_the_limit_that_no_point_holds_is_named() -> None:
    """With the least that is reached, and the closest point."""
    with pytest.raises(InfeasibleError) as caught:
        ps.optimize(
            **SERVED, over={"serving.batch": (1, 512)}, maximize="throughput_tokens_per_s",
            subject_to={"tpot_s": "<= 2 ms", "ttft_s": "<= 1 h"},
        )  # fmt: skip
    text, error = str(caught.value), caught.value
    assert "no point holds tpot_s <= 2 ms: the least is 1" in text
    assert "The closest point is serving.batch = 1, where tpot_s = 1" in text
    assert error.limits == ("tpot_s <= 2 ms",)
    assert error.closest == {"serving.batch": 1.0}


def test_limits_that_do_not_go_together_are_named() -> None:
    """Each is held by some point, and none holds both."""
    with pytest.raises(InfeasibleError, match=r"no point holds tpot_s <= 10 ms and loss_nats") as e:
        ps.optimize(
            **SERVED, over={"model.parameters": (1e9, 1e12)}, minimize="ttft_s",
            training=ps.TrainingSpec(tokens=1e13),
            subject_to=["tpot_s <= 10 ms", "loss_nats <= 1.95", "ttft_s <= 1 h"],
        )  # fmt: skip
    assert len(e.value.limits) == 2
    assert set(e.value.closest) == {"model.parameters"}


def test_a_goal_that_is_nan_everywhere_says_so() -> None:
    """Nothing can be estimated, so no limit is to blame."""
    with pytest.raises(InfeasibleError, match=r"tpot_s cannot be .* since .* not divide"):
        ps.optimize(
            model="llama-3.1-8b", hardware="h100-sxm", over={"parallel.tensor": [5]},
            minimize="tpot_s",
        )  # fmt: skip


def front() -> ps.Front:
    """Return a front of machines and batches."""
    found = ps.optimize(
        model="llama-3.1-8b", pareto=["tpot_s", "throughput_tokens_per_s"],
        over={"hardware": ["h100-sxm", "b200"], "serving.batch": [1, 8, 64, 256]},
    )  # fmt: skip
    assert isinstance(found, ps.Front)
    return found


def test_the_vocabulary_knows_which_way_is_better() -> None:
    """Accuracies and rates of tokens go up, losses, times, bytes, energy and money down."""
    ESTIMATORS.registry.load()
    for each in ESTIMATORS.quantities():
        up = each.meaning.startswith("Accuracy") or each.name.endswith("tokens_per_s")
        down = each.unit in {"nats", "s", "bytes", "J", "USD", "kgCO2e", "L", "W"}
        down = down and "return" not in each.name
        assert not (up and not each.more_is_better), each.name
        assert not (down and each.more_is_better), each.name


def test_a_front_knows_which_way_is_better() -> None:
    """Rates go up and times down without being told; the point at any place can be used."""
    found = front()
    assert found.goals == {"tpot_s": "minimize", "throughput_tokens_per_s": "maximize"}
    place = found.knee
    again = ps.estimate(found.scenario(place))
    for name, values in found.values.items():
        assert again[name].value == values[place]
    assert "knee" in repr(found)
    assert "<table>" in found._repr_html_()
    frame = found.to_pandas()
    assert frame["hardware"].isin(["h100-sxm", "b200"]).all()
    assert frame["knee"].sum() == 1


def test_what_is_shown() -> None:
    """The text names point, band, limits and ties; HTML escapes and holds it all."""
    best = ps.optimize(
        model="llama-3.1-8b", over={"hardware": ["h100-sxm", "h200"], "serving.batch": (1, 64)},
        minimize="prefill_flops", subject_to={"serving.batch": ">= 4"},
    )  # fmt: skip
    text = repr(best)
    assert text.startswith("Optimum: least prefill_flops = ")
    assert "serving.batch >= 4: 4, binds" in text
    assert "within 1 % of it also: h200" in text
    assert "serving.batch &gt;= 4" in best._repr_html_()
    assert list(best.to_pandas()["hardware"]) == ["h100-sxm", "h200"]
    assert list(best) == ["hardware", "serving.batch"]


def test_plots_name_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without matplotlib the error says how to get it; with it axes come back."""
    found = front()
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"plot\(\) needs matplotlib.*paramscale\[plot\]"):
        found.plot()


def test_the_plot_of_an_optimum_has_a_panel_a_field() -> None:
    """Labels alone cannot be plotted along."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    both = ps.optimize(
        model="llama-3.1-8b", hardware="h100-sxm", minimize="request_latency_s",
        over={"serving.batch": (1, 64), "serving.prompt_tokens": (128, 8192)},
    )  # fmt: skip
    axes = both.plot()
    assert [each.get_xlabel() for each in axes] == [
        "serving.batch", "serving.prompt_tokens [tokens]",
    ]  # fmt: skip
    assert axes[0].get_ylabel() == "request_latency_s [s]"
    labels = ps.optimize(
        model="llama-3.1-8b", minimize="tpot_s", over={"hardware": ["h100-sxm", "b200"]}
    )
    with pytest.raises(SpecError, match="only labels varied"):
        labels.plot()


def test_a_plot_has_units_and_the_knee() -> None:
    """Axes are labelled in units that suit the values."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    axes = front().plot()
    assert axes.get_xlabel() == "tpot_s [ms]"
    assert axes.get_ylabel() == "throughput_tokens_per_s [tokens/s]"
    assert "knee" in [text.get_text() for text in axes.get_legend().get_texts()]
