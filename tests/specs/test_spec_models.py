"""Models of a wanted size, and models as plain data."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import paramscale as ps
from paramscale.errors import SpecError, UnknownNameError
from paramscale.specs.bill import SequenceBill
from tests.estimators.configs import CONFIGS, model_of

SIZES = np.geomspace(1e9, 1e12, 25)


def parameters(model: ps.ModelSpec) -> Any:
    return ps.estimate(model=model, quantities="parameters")["parameters"].value


@pytest.mark.parametrize(
    ("family", "least", "factor"),
    [
        ("llama-3.1-8b", 1e9, 1.06),
        ("gemma-2-9b", 1e9, 1.12),
        ("mixtral-8x7b", 3e9, 1.12),
        ("deepseek-v3", 2e10, 1.12),
        ("mamba-130m", 1e8, 1.06),
    ],
)
def test_sizes_are_met_about(family: str, least: float, factor: float) -> None:
    """Within the stated factor, from the least size that has enough layers to choose from."""
    wanted = np.geomspace(least, 1e12, 40)
    ratio = parameters(ps.ModelSpec.of_size(wanted, like=model_of(family))) / wanted
    assert ratio.max() <= factor
    assert ratio.min() >= 1 / factor


@pytest.mark.parametrize("family", CONFIGS)
def test_larger_sizes_are_larger_models(family: str) -> None:
    """The size that comes out never falls when the size asked for rises by a tenth or more."""
    wanted = 1e9 * 1.35 ** np.arange(24)
    assert np.all(np.diff(parameters(ps.ModelSpec.of_size(wanted, like=model_of(family)))) > 0)


@pytest.mark.parametrize("family", CONFIGS)
def test_a_family_holds_its_own_member(family: str) -> None:
    """The size of the model itself gives its own width and depth again."""
    base = model_of(family)
    again = ps.ModelSpec.of_size(float(parameters(base)), like=base)
    assert parameters(again) == parameters(base)
    assert again.width == base.width
    assert again.depth == base.depth


@pytest.mark.parametrize("family", ["llama-3.1-8b", "mixtral-8x7b", "deepseek-v3"])
def test_an_array_of_sizes_is_each_size(family: str) -> None:
    """A grid of sizes gives what each size alone gives."""
    grid = ps.ModelSpec.of_size(SIZES, like=model_of(family))
    alone = [ps.ModelSpec.of_size(size, like=model_of(family)) for size in SIZES]
    np.testing.assert_array_equal(parameters(grid), [parameters(model) for model in alone])
    np.testing.assert_array_equal(grid.width, [model.width for model in alone])
    assert next(iter(grid.arrays())) == "parameters"


def test_shapes_are_kept() -> None:
    """A matrix of sizes gives a matrix; a scalar gives a scalar."""
    base = model_of("llama-3.1-8b")
    assert parameters(ps.ModelSpec.of_size(SIZES.reshape(5, 5), like=base)).shape == (5, 5)
    assert np.ndim(parameters(ps.ModelSpec.of_size(1e9, like=base))) == 0


@pytest.mark.parametrize("bad", [0, -1e9, np.nan, np.inf, [1e9, -1]])
def test_sizes_without_meaning_are_refused(bad: Any) -> None:
    """Negative, zero, NaN and infinite sizes."""
    with pytest.raises(SpecError, match=r"of_size\(parameters\) must be positive and finite"):
        ps.ModelSpec.of_size(bad, like=model_of("llama-3.1-8b"))


def test_families_without_meaning_are_refused() -> None:
    """A grid is no family, and an unknown name is answered with a near one."""
    grid = ps.ModelSpec.of_size([1e9, 2e9], like=model_of("llama-3.1-8b"))
    with pytest.raises(SpecError, match="needs one model"):
        ps.ModelSpec.of_size(1e9, like=grid)
    with pytest.raises(UnknownNameError, match=r"did you mean 'llama-3\.1-8b'"):
        ps.ModelSpec.of_size(1e9, like="llama-3.1-8bb")


@pytest.mark.parametrize("family", CONFIGS)
def test_round_trip_through_json(family: str) -> None:
    """What ``to_dict`` writes is JSON, and ``from_dict`` reads the same model from it."""
    model = model_of(family)
    plain = json.loads(json.dumps(model.to_dict()))
    again = ps.ModelSpec.from_dict(plain)
    assert again.to_dict() == model.to_dict()
    assert parameters(again) == parameters(model)
    assert (again.name, again.family, again.source) == (model.name, model.family, model.source)
    assert again.max_context == model.max_context
    drafted = [layer.count for layer in again.draft]
    assert drafted == [layer.count for layer in model.draft]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"wdith": 8}, "ModelSpec has no field 'wdith'; did you mean 'width'"),
        ({"width": -8}, r"ModelSpec\.width must be a whole number greater than 0, not -8"),
        ({"layers": [[1, {"inner": 8}]]}, "a block is an object with a 'kind', not"),
        ({"layers": [[1, {"kind": "mpl", "inner": 8}]]}, "no kind of block is called 'mpl'; did"),
        ({"layers": [[1, {"kind": "mlp", "iner": 8}]]}, "MLP has no field 'iner'; did you mean"),
        ({"layers": [[0, {"kind": "mlp", "inner": 8}]]}, r"Layer\.count must be a whole number"),
    ],
)
def test_plain_data_without_meaning_is_refused(change: dict[str, Any], text: str) -> None:
    """Unknown fields, kinds and values are refused by name."""
    plain = {"width": 8, "layers": [[1, {"kind": "mlp", "inner": 8}]], **change}
    with pytest.raises((SpecError, UnknownNameError), match=text):
        ps.ModelSpec.from_dict(plain)


@pytest.mark.parametrize("missing", ["width", "layers"])
def test_plain_data_needs_width_and_layers(missing: str) -> None:
    """What is missing is named, with what was given."""
    plain = {"width": 8, "layers": [[1, {"kind": "mlp", "inner": 8}]]}
    del plain[missing]
    with pytest.raises(SpecError, match=f"a model needs '{missing}'"):
        ps.ModelSpec.from_dict(plain)


@pytest.mark.parametrize("name", ["llama-3.1-8b", "gemma-2-9b", "bamba-9b", "mixtral-8x7b"])
@pytest.mark.parametrize("step", ["prefill", "decode"])
def test_the_bill_of_a_grid_of_batches_is_that_of_all(name: str, step: str) -> None:
    """Amounts of one sequence times the batch are those of the batch; experts are no such thing."""
    batches = np.array([1.0, 3.0, 500.0])
    serving = ps.ServingSpec(batch=batches, prompt_tokens=[[700], [9000]], output_tokens=90)
    model = ps.models[name]
    bill, whole = model.bill(getattr(serving, step)()), model.operations(getattr(serving, step)())
    assert isinstance(bill, SequenceBill) == (name != "mixtral-8x7b" or step == "decode")
    if not isinstance(bill, SequenceBill):
        return
    assert len(bill) == len(whole)
    assert bill[0][1].name == whole[0][1].name
    for (_, one), (_, op) in zip(bill.one, whole, strict=True):
        assert np.all(one.weights == op.weights)
        if one.kind != "lookup":
            np.testing.assert_allclose(*np.broadcast_arrays(one.weights_read, op.weights_read))
        for what in ("flops", "state", "state_read", "state_written", "moved_out"):
            np.testing.assert_allclose(
                np.broadcast_to(getattr(one, what) * batches, (2, 3)),
                np.broadcast_to(getattr(op, what), (2, 3)), rtol=1e-12,
            )  # fmt: skip
