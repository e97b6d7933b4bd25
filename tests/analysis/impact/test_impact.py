"""``impact``: its rows are estimates, its layouts fit, and what it refuses it explains."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

import paramscale as ps
from paramscale.analysis.impact.lines import LINES, OWN
from paramscale.core.quantity import VOCABULARY
from paramscale.errors import SpecError, UnknownNameError

SIZES = [2e8, 3e9, 5e10, 7e11]


@pytest.fixture(scope="module")
def default() -> ps.Impact:
    return ps.impact(hardware="h100-sxm")


@pytest.fixture(scope="module")
def few() -> ps.Impact:
    return ps.impact(hardware="h100-sxm", sizes=SIZES)


def single(few: ps.Impact, place: int, name: str) -> ps.Estimates:
    """Return the single estimate that a row claims to be."""
    question, layouts = few.question, few.layouts
    in_use = next(line.side == "use" for line in LINES if line.name == name)
    run = question.training
    if in_use:
        tensor = few["tensor_devices"].value[place]
        layout = ps.ParallelSpec(tensor=tensor, pipeline=layouts.pipeline[place])
    else:
        if layouts.recomputed[place]:
            run = attrs.evolve(run, recomputation="full")
        tensor = few_tensor(few, place)
        layout = ps.ParallelSpec(tensor=tensor, data=1024 / tensor, zero_stage=3)
    return ps.estimate(
        model=ps.ModelSpec.of_size(SIZES[place]), hardware="h100-sxm", serving=question.serving,
        training=run, parallel=layout, quantities=[name],
        use=question.use if name == "loss_nats" else None,
    )  # fmt: skip


def few_tensor(few: ps.Impact, place: int) -> float:
    """Return the fewest tensor ranks with which training fits, tried one by one."""
    model, run = ps.ModelSpec.of_size(SIZES[place]), few.question.training
    heads = model.layers[0].blocks[1].heads
    for recomputation in ("none", "full"):
        for tensor in (1.0, 2.0, 4.0, 8.0):
            if heads % tensor:
                continue
            found = ps.estimate(
                model=model, training=attrs.evolve(run, recomputation=recomputation),
                parallel=ps.ParallelSpec(tensor=tensor, data=1024 / tensor, zero_stage=3),
                quantities=["training_memory_bytes"],
            )  # fmt: skip
            if found["training_memory_bytes"].value <= 0.95 * 80e9:
                return tensor
    raise AssertionError("training does not fit")


@pytest.mark.parametrize("name", [
    "parameters", "loss_nats", "mmlu_fraction", "training_memory_bytes", "training_device_s",
    "training_time_s", "weight_bytes", "serving_memory_bytes", "ttft_s", "tpot_s",
    "throughput_tokens_per_s",
])  # fmt: skip
def test_rows_are_single_estimates(few: ps.Impact, name: str) -> None:
    """The row of a quantity is, size by size, the estimate of that one model on its layout."""
    for place in range(len(SIZES)):
        expected = single(few, place, name)[name]
        row = few[name]
        np.testing.assert_allclose(row.value[place], expected.value, rtol=1e-12)
        np.testing.assert_allclose(row.low[place], expected.low, rtol=1e-12)
        np.testing.assert_allclose(row.high[place], expected.high, rtol=1e-12)
        assert row.inside[place] == expected.inside


def test_fewest_devices_hold_each_size(default: ps.Impact) -> None:
    """Each size fits on its devices; where it takes several, half of them do not hold it."""
    limit = 0.92 * ps.hardware["h100-sxm"].memory_bytes
    assert (default["serving_memory_bytes"].value <= limit).all()
    devices = default["serving_devices"].value
    assert (np.diff(devices) >= 0).all()
    one = ps.impact(hardware="h100-sxm", parallel=ps.ParallelSpec())
    alone = one["serving_memory_bytes"].value[: devices.size] > limit
    np.testing.assert_array_equal(devices[: alone.size] > 1, alone)


def test_fewer_bits_are_estimates_of_their_own_layout(few: ps.Impact) -> None:
    """Fewer bits take no more devices, and the row is the estimate in that format."""
    for key, form in {"fp8": "fp8", "int4": "awq-int4-g128"}.items():
        devices = few[f"{key}_serving_devices"].value
        assert (devices <= few["serving_devices"].value).all()
        alone = devices == 1
        assert alone.any()
        for place in np.flatnonzero(alone):
            expected = ps.estimate(
                model=ps.ModelSpec.of_size(SIZES[place]), hardware="h100-sxm",
                serving=attrs.evolve(few.question.serving, weight_format=form),
                training=few.question.training, quantities=["tpot_s"],
            )["tpot_s"]  # fmt: skip
            assert few[f"{key}_tpot_s"].value[place] == pytest.approx(expected.value, rel=1e-12)


def test_what_compression_takes_from_learning(few: ps.Impact) -> None:
    """Fewer bits take more, half of the weights most; accuracy falls with the loss."""
    lost = [few[f"{key}_compression_loss_nats"].value for key in ("fp8", "int4", "half")]
    assert (lost[0] < lost[1]).all()
    assert (lost[1] < lost[2]).all()
    left = [few[name].value for name in ("mmlu_fraction", "fp8_mmlu_fraction",
                                         "int4_mmlu_fraction", "half_mmlu_fraction")]  # fmt: skip
    assert (np.diff(left, axis=0) <= 0).all()
    model = ps.prune(ps.ModelSpec.of_size(SIZES[1]), "2:4", method="sparsegpt")
    expected = ps.estimate(
        model=model, hardware="h100-sxm", serving=few.question.serving,
        training=few.question.training, quantities=["tpot_s", "compression_loss_nats"],
    )  # fmt: skip
    for name in ("tpot_s", "compression_loss_nats"):
        row = few[f"half_{name}"]
        np.testing.assert_allclose(row.value[1], expected[name].value, rtol=1e-12)
        np.testing.assert_allclose(row.high[1], expected[name].high, rtol=1e-12)


def test_what_is_compressed_already_is_not_compressed_again() -> None:
    load = ps.ServingSpec(batch=8, weight_format="fp8")
    found = ps.impact(hardware="h100-sxm", sizes=[8e9], serving=load)
    assert "fp8_tpot_s" not in found
    assert found["int4_serving_devices"].value == found["serving_devices"].value


def test_layout_that_is_given_is_taken() -> None:
    found = ps.impact(hardware="h100-sxm", sizes=[8e9], parallel=ps.ParallelSpec(tensor=4))
    expected = ps.estimate(
        model=ps.ModelSpec.of_size(8e9), hardware="h100-sxm", quantities=["tpot_s"],
        serving=found.question.serving, parallel=ps.ParallelSpec(tensor=4),
    )  # fmt: skip
    assert found["tpot_s"].value[0] == pytest.approx(expected["tpot_s"].value, rel=1e-12)


def test_what_no_layout_holds_is_nan_with_its_reason() -> None:
    """A terabyte of weights on cards of 24 GB that have no link to speak of."""
    found = ps.impact(hardware="rtx-4090", sizes=[1e9, 5e13])
    assert np.isfinite(found["tpot_s"].value[0])
    assert np.isnan(found["tpot_s"].value[1])
    assert "no layout of up to 1,024 devices holds it" in found.why_nan("tpot_s", 1)
    assert found.why_nan("tpot_s", 0) == ""
    assert "no layout of up to 1,024 devices" in found.text(80)


def test_published_models_compare_under_one_law() -> None:
    """Laws differ in level, so one is taken for all, whichever domain a model lies in."""
    found = ps.impact(sizes=["llama-3.1-8b", "pythia-1b", ps.models["llama-3.1-70b"]])
    assert found.labels == ("pythia-1b", "llama-3.1-8b", "llama-3.1-70b")
    law = ps.laws[found["loss_nats"].estimator]
    np.testing.assert_allclose(
        found["loss_nats"].value, law(found["parameters"].value, 15e12), rtol=1e-12
    )


def test_tokens_go_with_size_as_asked() -> None:
    sizes = [1e9, 1e10]
    ratio = ps.impact(sizes=sizes, tokens="20x")
    np.testing.assert_allclose(ratio["tokens_per_parameter"].value, 20.0, rtol=1e-8)
    compute = ps.impact(sizes=sizes, training_flops=1e22)
    work = 6 * compute["parameters"].value * compute["training_tokens"].value
    np.testing.assert_allclose(work, 1e22, rtol=1e-8)
    fixed = ps.impact(sizes=sizes, tokens=1e11)
    np.testing.assert_array_equal(fixed["training_tokens"].value, 1e11)
    assert "100 B tokens at every size" in fixed.text(80)


def test_a_demand_is_the_life_of_a_model() -> None:
    """Requests a day, for so many days, of so many tokens; a stated life comes before it."""
    load = ps.ServingSpec(batch=8, output_tokens=100, requests_per_day=1e6, deployment_days=365)
    found = ps.impact(hardware="h100-sxm", sizes=[8e9], serving=load)
    train, each = (found[name].value[0] for name in ("training_cost_usd", "cost_per_token_usd"))
    assert found["total_cost_usd"].value[0] == pytest.approx(train + 1e6 * 365 * 100 * each)
    assert "1,000,000 requests a day for 365 days" in " ".join(found.text(80).split())
    stated = ps.impact(hardware="h100-sxm", sizes=[8e9], serving=load, lifetime_tokens=1e12)
    assert stated["total_cost_usd"].value[0] == pytest.approx(train + 1e12 * each)


def test_place_and_account_count() -> None:
    """The same energy is less carbon in France; without the building there is less of both."""
    world, france, chip = (
        ps.impact(hardware="h100-sxm", sizes=[8e9], **given)
        for given in ({}, {"site": "FR"}, {"account": ps.AccountSpec(boundary="chip")})
    )
    name = "training_carbon_kgco2e"
    assert france[name].value[0] < 0.5 * world[name].value[0]
    assert chip["training_energy_j"].value[0] < world["training_energy_j"].value[0]
    assert "average of the world" in world.text(80)
    assert "energy of the chip" in " ".join(chip.text(80).split())


def test_repeated_data_show_overfitting() -> None:
    """Ten epochs of a small data set cost the largest size most."""
    run = ps.TrainingSpec(tokens=4e9, unique_tokens=4e8)
    found = ps.impact(training=run, sizes=[1e8, 1e9, 4e9])
    excess = found["overfitting_nats"].value
    assert (excess > 0).all()
    assert (np.diff(excess) > 0).all()
    assert "Overfitting" in found.text(80)
    assert "Overfitting" not in ps.impact(sizes=[1e9]).text(80)


def test_every_line_is_known(default: ps.Impact) -> None:
    """A line names a quantity of the vocabulary, of the analysis, or one that is to come."""
    names = [line.name for line in LINES]
    assert len(set(names)) == len(names)
    shown = [line.name for line in default.lines]
    assert set(shown) <= {*VOCABULARY, *OWN}
    assert {"loss_nats", "mmlu_fraction", "tpot_s", "training_time_s"} <= set(shown)


def test_what_size_does_is_monotone(default: ps.Impact) -> None:
    """More parameters learn more, return less, and cost more."""
    for name, sign in {
        "loss_nats": -1, "doubling_return_nats": -1, "mmlu_fraction": 1, "training_device_s": 1,
        "training_flops": 1, "total_cost_usd": 1,
    }.items():  # fmt: skip
        assert (sign * np.diff(default[name].value) > 0).all(), name


@pytest.mark.parametrize(("given", "error", "text"), [
    ({"hardware": "h100-sxn"}, UnknownNameError, "did you mean 'h100-sxm'"),
    ({"sizes": [1e9, -1.0]}, SpecError, r"sizes must be positive and finite, not -1"),
    ({"sizes": [1e9, np.nan]}, SpecError, "sizes must be positive and finite, not nan"),
    ({"sizes": []}, SpecError, "sizes is empty"),
    ({"sizes": [1e6, 1e9]}, SpecError, "holds 1 M, but the smallest model like llama-3.1-8b has"),
    ({"serving": ps.ServingSpec(prompt_tokens=2e5)}, SpecError, "beyond the context"),
    ({"sizes": [1e9, "gpt2"]}, SpecError, "numbers of parameters or models, not both"),
    ({"sizes": ["llama-3.1-8x"]}, UnknownNameError, "did you mean"),
    ({"tokens": "lots"}, SpecError, "'20x' for 20 a parameter"),
    ({"tokens": 1e12, "training_flops": 1e22}, SpecError, "not both"),
    ({"tokens": -5}, SpecError, "tokens must be positive and finite, not -5"),
    ({"objective": "balanc"}, UnknownNameError, "did you mean 'balance'"),
    ({"budget": {"tpot": 0.1}}, UnknownNameError, "did you mean 'tpot_s'"),
    ({"budget": {"loss_nats": "cheap"}}, SpecError, "write {'loss_nats': "),
    ({"serving": ps.ServingSpec(batch=[1, 2])}, SpecError, "serving.batch holds an array"),
    ({"lifetime_tokens": -1.0}, SpecError, "lifetime_tokens must be positive"),
])  # fmt: skip
def test_bad_input_is_explained(given: dict[str, object], error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        ps.impact(**{"hardware": "h100-sxm", **given})


def test_among_models_a_context_that_is_too_short_is_a_gap() -> None:
    """GPT-2 has 1,024 tokens of context: no time for it, and the reason; the others are there."""
    load = ps.ServingSpec(batch=1, prompt_tokens=4096, output_tokens=128)
    found = ps.impact(hardware="h100-sxm", sizes=["gpt2", "llama-3.1-8b"], serving=load)
    assert np.isnan(found["tpot_s"].value[0])
    assert np.isfinite(found["tpot_s"].value[1])
    assert "beyond the context of gpt2" in found.why_nan("tpot_s", 0)
    assert found.balanced.label == "llama-3.1-8b"


def test_prompts_alone_have_no_cost_of_written_tokens() -> None:
    found = ps.impact(hardware="h100-sxm", sizes=[1e9], serving=ps.ServingSpec(output_tokens=0))
    assert np.isfinite(found["ttft_s"].value[0])


def test_a_row_that_is_not_there_says_why() -> None:
    with pytest.raises(UnknownNameError, match="hardware"):
        ps.impact(sizes=[1e9])["tpot_s"]


@pytest.mark.parametrize("machine", ["rtx-4090", "v100-sxm-16gb"])
def test_a_size_beyond_the_domain_moves_no_other_size(machine: str) -> None:
    """A trillion parameters on 256 small cards were never measured: marked, and the rest stays."""
    alone = ps.impact(hardware=machine, sizes=[1e9])
    beside = ps.impact(hardware=machine, sizes=[1e9, 1e12])
    for name in ("ttft_s", "tpot_s", "power_w", "energy_per_token_j", "int4_tpot_s"):
        assert beside[name].value[0] == pytest.approx(alone[name].value[0], rel=1e-12)
    assert beside["tpot_s"].kind == "calibrated"
    assert beside["tpot_s"].inside.tolist() == [True, False]
    mine = ps.impact(hardware=machine, sizes=[1e9], use={"tpot_s": "decode_roofline"})
    assert mine["tpot_s"].value[0] < alone["tpot_s"].value[0]
