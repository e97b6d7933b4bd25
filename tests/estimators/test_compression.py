"""Compression in scenarios: from records, from formats, to accuracies and sizes."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

import paramscale as ps
from paramscale.specs.changes import Pruning, Quantization

RUN = ps.TrainingSpec(tokens=15e12)
LOSS = "compression_loss_nats"


def changed(*changes: object) -> ps.ModelSpec:
    return attrs.evolve(ps.models["llama-3.1-8b"], changes=changes)


def loss(model: object, **given: object) -> ps.Estimate:
    return ps.estimate(model=model, quantities=[LOSS], **given)[LOSS]


def test_an_untouched_model_costs_nothing() -> None:
    """16 bits and no record: exactly 0, with and without a training."""
    assert loss("llama-3.1-8b").value == 0.0
    found = loss("llama-3.1-8b", training=RUN)
    assert found.value == found.low == found.high == 0.0
    assert found.inside


def test_formats_count_where_there_is_no_record() -> None:
    """A serving format adds loss; a record in the model is believed before it."""
    served = ps.ServingSpec(weight_format="gptq-int4-g128")
    four = changed(Quantization(method="awq", weight_bits=4, group=128))
    assert loss("llama-3.1-8b", training=RUN, serving=served).value > 0.0
    with_both = loss(four, training=RUN, serving=served).value
    assert with_both == loss(four, training=RUN).value


def test_formats_of_fewer_bits_cost_more() -> None:
    """Q2_K costs more than Q4_K, that more than FP8, that more than INT8 weights alone."""
    names = ("q2_k", "q4_k", "fp8", "int8")
    found = [
        loss("llama-3.1-8b", training=RUN, serving=ps.ServingSpec(weight_format=name)).value
        for name in names
    ]
    assert found == sorted(found, reverse=True)


def test_caches_in_few_bits_cost_something() -> None:
    """Keys and values in 4 bits add a little, and the parts say how much."""
    found = loss("llama-3.1-8b", training=RUN, serving=ps.ServingSpec(kv_format="q4_0"))
    assert 0.0 < found.value < 0.05
    assert set(found.parts) == {"cache"}


def test_pruning_a_model_beyond_those_measured_is_flagged() -> None:
    """A model of 405 G parameters is outside: the interval widens and `inside` is False."""
    large = attrs.evolve(
        ps.models["llama-3.1-405b"], changes=[Pruning(method="wanda", sparsity=0.5)]
    )
    found = ps.estimate(model=large, training=RUN, quantities=[LOSS])
    assert not found[LOSS].inside
    assert any("outside the sizes" in text for text in found.remarks(LOSS))


def test_accuracy_moves_towards_chance() -> None:
    """Accuracy after compression lies between chance and what it was, and in its interval."""
    two = changed(Quantization(method="gptq", weight_bits=2, group=128))
    names = ["mmlu_fraction", "compressed_mmlu_fraction", "compressed_hellaswag_fraction"]
    found = ps.estimate(model=two, training=RUN, quantities=[*names, "hellaswag_fraction"])
    assert 0.25 <= found[names[1]].value < found[names[0]].value
    assert found[names[1]].low <= found[names[1]].value <= found[names[1]].high
    whole = ps.estimate(model="llama-3.1-8b", training=RUN, quantities=names)
    assert whole[names[1]].value == whole[names[0]].value


def test_effective_parameters_of_dense_compressed_and_expert_models() -> None:
    """A dense model is worth itself, a rounded one less, experts between active and total."""

    def worth(model: object, **use: str) -> float:
        given = {"quantities": ["effective_parameters"], "use": use or None}
        found = ps.estimate(model=model, training=RUN, **given)
        return float(found["effective_parameters"].value)

    dense = worth("llama-3.1-8b")
    assert dense == pytest.approx(8.03e9, rel=1e-3)
    assert worth(changed(Quantization(method="rtn", weight_bits=3, group=128))) < 0.9 * dense
    assert 12.9e9 < worth("mixtral-8x7b") < 46.7e9
    assert worth("mixtral-8x7b", effective_parameters="root_rule") == pytest.approx(
        np.sqrt(46.7e9 * 12.88e9), rel=0.01
    )
    fine = ps.estimate(
        model="deepseek-v3", training=RUN, quantities=["effective_parameters"],
        use={"effective_parameters": "fine_grained_experts"},
    )["effective_parameters"]  # fmt: skip
    assert fine.low < fine.value < fine.high <= 671.1e9


def test_one_measured_format_moves_the_next() -> None:
    """A measurement above the estimate raises near formats more than far ones, others hardly."""
    here = {
        "model": changed(Quantization(method="gptq", weight_bits=4, group=128)),
        "training": RUN,
    }
    mine = ps.calibrate([(here, LOSS, 1.5 * float(loss(**here).value))])
    moved = []
    for method, bits in (("gptq", 4), ("gptq", 3), ("gptq", 2), ("awq", 3)):
        other = changed(Quantization(method=method, weight_bits=bits, group=128))
        before, after = loss(other, training=RUN), loss(other, training=RUN, use=mine)
        moved.append(np.log(after.value / before.value) / np.log(1.5))
        assert after.high / after.value <= before.high / before.value * (1.0 + 1e-12)
    assert 1.0 > moved[0] > moved[1] > moved[2] > moved[3] > 0.0
    assert moved[0] > 0.85


def test_calibration_leaves_what_was_not_done() -> None:
    """A grid that holds 16 bits beside fewer is calibrated where something was done."""
    here = {"model": changed(Quantization(method="gptq", weight_bits=4)), "training": RUN}
    mine = ps.calibrate([(here, LOSS, 0.1)])
    both = changed(Quantization(method="gptq", weight_bits=np.array([4.0, 16.0])))
    found = loss(both, training=RUN, use=mine)
    assert found.value[1] == 0.0
    assert found.value[0] == pytest.approx(float(loss(**here, use=mine).value))


def test_sizes_that_learn_like_rounded_ones() -> None:
    """Training in few bits: QuEST and Kumar et al. agree within a factor of 1.5 at 4 bits."""
    four = changed(Quantization(method="qat", weight_bits=4))
    worth = {
        how: float(
            ps.estimate(
                model=four, parameters=1e8, training=RUN, quantities=["effective_parameters"],
                use={"effective_parameters": how},
            )["effective_parameters"].value
        )
        for how in ("quest2025", "kumar2024")
    }  # fmt: skip
    assert 0.7e8 < worth["quest2025"] < 1e8
    assert 1.0 / 1.5 < worth["quest2025"] / worth["kumar2024"] < 1.5


def test_experts_in_a_format_of_their_own_count() -> None:
    """Routed experts in 4 bits lose, although everything else stays in 16."""
    served = ps.ServingSpec(expert_format="mxfp4")
    assert loss("mixtral-8x7b", training=RUN, serving=served).value > 0.0
