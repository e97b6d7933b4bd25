"""Axes along any field of any spec: how they are named, crossed, paired, and refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import paramscale as ps
from paramscale.analysis.estimate import ESTIMATORS
from paramscale.analysis.fields import field_of, field_paths, with_fields
from paramscale.analysis.space import space_of
from paramscale.errors import SpecError, UnknownNameError

LLAMA = {"model": "llama-3.1-8b", "hardware": "h100-sxm"}


def test_numbers_keep_a_dimension_of_their_own() -> None:
    """Crossed axes are singletons along each other."""
    space = space_of(LLAMA, {"serving.batch": [1, 2, 4], "site.pue": [1.1, 1.2]})
    (case,) = space.cases()
    assert case.specs["serving"].batch.shape == (3, 1)
    assert case.specs["site"].pue.shape == (1, 2)
    assert (space.shape, space.size) == ((3, 2), 6)


def test_paired_axes_share_a_dimension() -> None:
    """They are one axis, named by the first, beside those that are crossed."""
    over = {"model.parameters": [1e9, 8e9], "serving.batch": [1, 2, 4], "training.tokens": [1, 2]}
    space = space_of(LLAMA, over, paired=("model.parameters", "training.tokens"))
    (case,) = space.cases()
    assert [axis.name for axis in space.axes] == ["model.parameters", "serving.batch"]
    assert case.specs["training"].tokens.shape == (2, 1)
    assert case.specs["model"].nominal_parameters.shape == (2, 1)
    assert case.specs["serving"].batch.shape == (1, 3)


def test_all_may_be_paired() -> None:
    """Then there is one axis; a label among them makes every place a scenario of its own."""
    over = {"hardware": ["a100-sxm-80gb", "b200"], "serving.batch": [1, 8]}
    space = space_of(LLAMA, over, paired=True)
    assert space.shape == (2,)
    assert [case.specs["serving"].batch for case in space.cases()] == [1.0, 8.0]
    assert list(space.axes[0].coordinates()["hardware"]) == ["a100-sxm-80gb", "b200"]


def test_labels_are_crossed_with_each_other() -> None:
    """One scenario for each choice, the last axis fastest."""
    over = {"model": ["llama-3.1-8b", "gemma-2-9b"], "serving.weight_format": ["bf16", "fp8"]}
    found = [
        (case.index, case.specs["model"].name, case.specs["serving"].weight_format)
        for case in space_of(None, over).cases()
    ]
    assert [index for index, *_ in found] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert found[2][1:] == (ps.models["gemma-2-9b"].name, "bf16")


def test_sizes_are_members_of_each_family() -> None:
    """``model.parameters`` scales the model that stands there."""
    over = {"model": ["llama-3.1-8b", "qwen3-8b"], "model.parameters": [1e9, 1e10]}
    for case in space_of(None, over).cases():
        assert case.specs["model"].name.startswith("like ")
        sizes = ps.estimate(**case.specs)["parameters"].value
        assert sizes == pytest.approx([1e9, 1e10], rel=0.1)


def test_fields_of_blocks_are_reached() -> None:
    """Any depth of a model, by the path that its arrays have."""
    space = space_of(LLAMA, {"model.layers[0].blocks[3].inner": [14336, 28672]})
    (case,) = space.cases()
    assert case.specs["model"].arrays().keys() == {"layers[0].blocks[3].inner"}


def test_quantities_may_be_given() -> None:
    """A quantity that is known is an axis too."""
    (case,) = space_of(LLAMA, {"mfu_fraction": [0.3, 0.4]}).cases()
    assert case.specs["mfu_fraction"].shape == (2,)


def test_devices_follow_the_degrees() -> None:
    """A layout is changed without stating its devices."""
    scenario = {**LLAMA, "parallel": ps.ParallelSpec(tensor=2)}
    over = {"parallel.tensor": [1, 2, 4], "parallel.data": [1, 3]}
    (case,) = space_of(scenario, over).cases()
    assert case.specs["parallel"].devices.tolist() == [[1, 3], [2, 6], [4, 12]]


def test_a_spec_is_made_of_its_axes() -> None:
    """Where the scenario has no training, axes that say enough make one; labels included."""
    over = {"training.tokens": [1e12], "training.optimizer": ["adam", "muon"]}
    found = [case.specs["training"].optimizer for case in space_of(LLAMA, over).cases()]
    assert found == ["adam", "muon"]


def test_none_is_a_label() -> None:
    """An optional number that is not stated cannot stand in an array."""
    scenario = {**LLAMA, "training": ps.TrainingSpec(tokens=1e12)}
    space = space_of(scenario, {"training.unique_tokens": [None, 1e11]})
    assert [case.specs["training"].unique_tokens for case in space.cases()] == [None, 1e11]


def test_parts_and_order_of_dimensions() -> None:
    """A block takes a part of each axis, its dimensions in any order."""
    space = space_of(LLAMA, {"serving.batch": [1, 2, 4], "site.pue": [1.1, 1.2]})
    specs = space.specs((), [slice(1, 3), slice(0, 1)], order=(1, 0))
    assert specs["serving"].batch.tolist() == [[2.0, 4.0]]
    assert specs["site"].pue.tolist() == [[1.1]]


def test_labels_that_look_alike_are_numbered() -> None:
    """Coordinates tell every place apart."""
    mine = ps.HardwareSpec(name="mine", memory_bytes=1e9)
    space = space_of(None, {"hardware": [mine, mine, "b200"]})
    assert list(space.axes[0].coordinates()["hardware"]) == ["mine", "mine (2)", "b200"]


def test_every_field_can_be_named() -> None:
    """Each path that is proposed is one that is understood."""
    paths = field_paths(ESTIMATORS)
    assert {"model.parameters", "serving.batch", "site.pue", "parallel.tensor"} <= set(paths)
    assert [field_of(path, ESTIMATORS).path for path in paths] == paths


@pytest.mark.parametrize(
    ("over", "options", "text"),
    [
        ({"serving.bacth": [1]}, {}, "no field is called 'serving.bacth'; did you mean 'serving.b"),
        ({"hardwear": ["b200"]}, {}, "no field is called 'hardwear'; did you mean 'hardware'"),
        ({"": [1]}, {}, "no field is called ''"),
        ({"serving batch": [1]}, {}, "no field is called 'serving batch'; did you mean"),
        ({"hardware": ["h100-sxn"]}, {}, "no hardware is called 'h100-sxn'; did you mean"),
        ({"serving.batch": [1]}, {"paired": [("serving.batch", "x")]}, "no axis to pair"),
    ],
)
def test_unknown_names_are_refused(over: Any, options: Any, text: str) -> None:
    """A name that nothing has gets proposals."""
    with pytest.raises(UnknownNameError, match=text):
        list(space_of(LLAMA, over, **options).cases())


@pytest.mark.parametrize(
    ("over", "options", "text"),
    [
        ({"serving.batch": []}, {}, "the axis serving.batch is empty"),
        ({"serving.batch": np.ones((2, 2))}, {}, r"has values of shape \(2, 2\); give a flat list"),
        ({"serving.batch": ["one"]}, {}, "ServingSpec.batch must be a number"),
        ({"serving.weight_format": [16]}, {}, "must be the name of a number format"),
        (
            {"serving.batch": [1, 2], "site.pue": [1.1]},
            {"paired": True},
            "paired axes need as many values each, but serving.batch has 2, site.pue has 1",
        ),
        (
            {"serving.batch": [1], "site.pue": [1.1]},
            {"paired": [("serving.batch", "site.pue"), ("site.pue",)]},
            "the axis site.pue is paired twice",
        ),
        ({"training.batch_tokens": [4e6]}, {}, "has no training, and it cannot be made of batch_t"),
        ({"model.layers[9].count": [2]}, {}, r"model.layers has 1 entries; model.layers\[9\] is"),
        ({"model.layers[0].conut": [2]}, {}, "has no field 'conut'; did you mean 'count'"),
        ({"model.width.size": [2]}, {}, "model.width is .*, in which there is nothing to change"),
    ],
)
def test_values_without_meaning_are_refused(over: Any, options: Any, text: str) -> None:
    """An axis that cannot be says what is wrong with it."""
    with pytest.raises(SpecError, match=text):
        list(space_of(LLAMA, over, **options).cases())


def test_a_point_without_meaning_is_nan_and_says_why() -> None:
    """The others go on; the point alone raises the same words."""
    space = space_of(LLAMA, {"serving.batch": [1, -2]})
    (case,) = space.cases()
    np.testing.assert_array_equal(case.specs["serving"].batch, [1.0, np.nan])
    text = "ServingSpec.batch must be a whole number greater than 0, not -2"
    assert case.specs["serving"].refused[0].text == f"{text} at index 1"
    with pytest.raises(SpecError, match=text):
        space.point([1])


def test_a_size_needs_a_model() -> None:
    """There is nothing to scale."""
    with pytest.raises(SpecError, match=r"model.parameters changes a model, but the scenario has"):
        list(space_of(None, {"model.parameters": [1e9]}).cases())


def test_fields_are_set_one_by_one() -> None:
    """The same machinery sets single values, whole specs included."""
    fields = {
        field_of("hardware", ESTIMATORS): "b200",
        field_of("serving.batch", ESTIMATORS): 3,
    }
    specs = with_fields({}, fields, ESTIMATORS)
    assert (specs["hardware"].name, specs["serving"].batch) == (ps.hardware["b200"].name, 3.0)
