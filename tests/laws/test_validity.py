"""Which laws claim to hold at a point, and the estimators that are made of laws."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import paramscale as ps
from paramscale.errors import UnknownNameError
from paramscale.laws import laws
from paramscale.laws.names import domain_values


def test_a_point_inside_many_laws() -> None:
    """Valid laws keep every bound; the others say which one is left, or what they need."""
    found = laws.valid_for(parameters=1e9, tokens=2e10)
    assert "besiroglu2024" in found
    assert all(np.all(mask) for mask in found.values())
    assert all(laws[name].in_domain(1e9, 2e10) for name in found)
    assert found.reasons["clark2022_rl"] == "needs active_parameters, experts"
    assert found.reasons["kaplan2020_size"] == "takes no tokens"
    evidence = [laws[name].evidence for name in found]
    assert evidence == sorted(evidence)


def test_masks_and_order() -> None:
    """On a grid each law has its mask, and those that hold at most points come first."""
    size = np.geomspace(1e7, 1e12, 6)[:, None]
    found = ps.laws.valid_for(parameters=size, tokens=np.array([1e10, 1e11]))
    shares = [np.mean(mask) for mask in found.values()]
    assert shares == sorted(shares, reverse=True)
    assert found["besiroglu2024"].shape == (6, 2)
    assert "is above 16.2 B" in found.reasons["besiroglu2024"]
    assert "of 12 points" in repr(found)


def test_far_away_nothing_holds() -> None:
    """Beyond every run no law claims anything, and NaN lies outside of all."""
    assert len(laws.valid_for(parameters=1e14, tokens=1e17)) == 0
    assert len(laws.valid_for(parameters=np.nan, tokens=1e11)) == 0


def test_further_inputs() -> None:
    """Laws of experts hold where experts are given; plain laws then say that they take none."""
    found = laws.valid_for(active_parameters=1e9, tokens=2e10, experts=8)
    assert list(found) == ["ludziejewski2025"]
    assert "needs parameters" in found.reasons["besiroglu2024"]
    repeated = laws.valid_for(parameters=1e9, tokens=2e10, unique_tokens=1e9)
    assert list(repeated) == ["muennighoff2023"]
    assert repeated.reasons["besiroglu2024"] == "takes no unique_tokens"


def test_what_a_law_gives() -> None:
    """FLOPs follow from size and tokens; laws of other results are asked by what they give."""
    found = laws.valid_for(parameters=1e8, tokens=1e10, gives="compute_optimal_parameters")
    assert "porian2024_rw_tuned_short_const_standard_val_parameters" in found
    assert found.reasons["kaplan2020_optimal_parameters"] == "states no range"
    everything = laws.valid_for(parameters=1e8, tokens=1e10, gives=None)
    assert set(found) < set(everything)
    assert set(everything) | set(everything.reasons) == set(laws)


def test_wrong_names() -> None:
    """Inputs, results and laws propose what was meant."""
    with pytest.raises(UnknownNameError, match="did you mean 'parameters'"):
        laws.valid_for(parameter=1e9)
    with pytest.raises(UnknownNameError, match="did you mean 'loss_nats'"):
        laws.valid_for(parameters=1e9, gives="loss_nat")
    with pytest.raises(UnknownNameError, match="no law valid here is called"):
        laws.valid_for(parameters=1e9, tokens=2e10)["kaplan2020_size"]


def test_domain_values_are_floats() -> None:
    """Counts as int64 do not overflow, and ratios of zero are quiet."""
    values = domain_values({"parameters": np.array([7 * 10**10]), "tokens": 15 * 10**12})
    assert values["training_flops"][0] == pytest.approx(6.3e24)
    assert np.isnan(domain_values({"parameters": 0.0, "tokens": 0.0})["tokens_per_parameter"])


def test_only_laws_of_loss_give_loss() -> None:
    """Estimators of loss are the laws of loss that a scenario can feed, and no others."""
    records = {record.name for record in ps.estimate.__globals__["ESTIMATORS"].of("loss_nats")}
    for name, law in laws.items():
        feeds = law.form.required == ("parameters", "tokens") and law.counted != "active"
        if law.gives == "loss_nats" and feeds:
            assert name in records, name
        else:
            assert name not in records, name


def test_a_law_gets_the_size_that_it_counts() -> None:
    """Kaplan's law is asked at the parameters without embeddings, Hoffmann's at all of them."""
    model, training = ps.models["llama-3.1-8b"], ps.TrainingSpec(tokens=1e10)
    for name, quantity in (
        ("kaplan2020_joint", "non_embedding_parameters"),
        ("hoffmann2022_a3", "parameters"),
    ):
        e = ps.estimate(model=model, training=training, quantities=["loss_nats", quantity],
                        use={"loss_nats": name})  # fmt: skip
        assert e["loss_nats"].value == laws[name](e[quantity].value, 1e10)


def test_repeated_data_leave_the_laws_of_fresh_data() -> None:
    """With 4 epochs the law of repetition is chosen, and plain laws are marked as left."""
    model = ps.ModelSpec.of_size(1e9, like="llama-3.1-8b")
    training = ps.TrainingSpec(tokens=4e10, unique_tokens=1e10)
    assert ps.estimate(model=model, training=training)["loss_nats"].inside
    plain = ps.estimate(model=model, training=training, use={"loss_nats": "besiroglu2024"})
    assert not plain["loss_nats"].inside


def test_allocation_of_a_model() -> None:
    """The parts add up, the optimum is no worse, and another law gives another optimum."""
    model, training = ps.models["llama-3.1-8b"], ps.TrainingSpec(tokens=1e11)
    e = ps.estimate(model=model, training=training, quantities="all")
    assert e["loss_nats"].value == pytest.approx(
        float(e["reducible_loss_nats"].value + e["irreducible_loss_nats"].value)
    )
    assert e["compute_optimal_loss_nats"].value < e["loss_nats"].value
    compute = e["compute_optimal_parameters"].value * e["compute_optimal_tokens"].value
    assert compute == pytest.approx(float(e["parameters"].value) * 1e11)
    assert e["overtraining_ratio"].value < 1.0 < e["compute_excess_ratio"].value
    assert e["lifetime_optimal_parameters"].value < e["parameters"].value
    assert e["overtraining_ratio"].inside
    other = ps.estimate(
        model=model, training=training, quantities="all", use={"loss_law": "hoffmann2022_a3"}
    )
    assert other["irreducible_loss_nats"].value == laws["hoffmann2022_a3"].floor
    table = "hoffmann2022_a2_parameters"
    by_table = ps.estimate(model=model, training=training,
                           use={"compute_optimal_parameters": table})  # fmt: skip
    value = by_table["compute_optimal_parameters"].value
    assert value == laws[table](by_table["training_flops"].value)


def test_lifetime_tokens_are_an_option() -> None:
    """More use asks for a smaller model, and the option may be an array."""
    model, training = ps.models["llama-3.1-8b"], ps.TrainingSpec(tokens=1e11)
    found = [
        ps.estimate(model=model, training=training, quantities="lifetime_optimal_parameters",
                    options={"lifetime_optimal_parameters.lifetime_tokens": served})[
                        "lifetime_optimal_parameters"].value
        for served in (1e10, 1e12)
    ]  # fmt: skip
    assert found[1] < found[0]


def test_nothing_is_read_at_import() -> None:
    """Importing the laws opens no table and imports no SciPy."""
    code = (
        "import sys\n"
        "from paramscale.laws import laws\n"
        "assert not laws.names_so_far() and 'scipy' not in sys.modules\n"
        "assert len(laws) > 100 and 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
