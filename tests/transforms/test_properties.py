"""What holds for any small model: of attention of either kind, dense or with experts."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paramscale as ps
from paramscale.errors import SpecError
from paramscale.testing import models, passes

FEW = settings(max_examples=25, deadline=None, derandomize=True)


def total(model: ps.ModelSpec, step: ps.Pass, what: str) -> Any:
    return sum(n * getattr(op, what) for n, op in model.operations(step))


@FEW
@given(models(), passes(), st.sampled_from(["dense", "bitmask", "csr"]), st.floats(0.0, 0.95))
def test_zeros_leave_shapes_and_work(
    model: ps.ModelSpec, step: ps.Pass, storage: str, share: float
) -> None:
    """Weights, FLOPs, activations and states of every pass are those of the whole model."""
    sparse = ps.prune(model, sparsity=share, storage=storage)
    for what in ("weights", "flops", "moved_in", "moved_out", "kept", "state", "weights_read"):
        assert total(sparse, step, what) == total(model, step, what)


@FEW
@given(models(), passes(), st.integers(1, 6))
def test_adapters_add_what_their_record_says(model: ps.ModelSpec, step: ps.Pass, rank: int) -> None:
    """The model's own work stays, and FLOPs of adapters are 2 for each of theirs that is active."""
    made = ps.adapt(model, rank)
    one = ps.Pass(1, 1)
    added = total(made, one, "weights") - total(model, one, "weights")
    assert added == pytest.approx(made.changes[-1].parameters)
    own = sum(n * op.flops for n, op in made.operations(step) if op.part != "adapter")
    assert own == total(model, step, "flops")


@FEW
@given(models(biases=False), passes(), st.floats(0.2, 0.9))
def test_thin_matrices_are_at_most_their_share(
    model: ps.ModelSpec, step: ps.Pass, share: float
) -> None:
    """Work falls with the weights, inputs and outputs of the model stay, and states do."""
    made = ps.low_rank(model, share=share)
    one = ps.Pass(1, 1)
    assert total(made, one, "weights") <= total(model, one, "weights")
    assert total(made, step, "flops") <= total(model, step, "flops") * (1 + 1e-12)
    assert total(made, step, "state") == total(model, step, "state")


@FEW
@given(models(experts=False), st.integers(2, 6), st.integers(1, 2))
def test_experts_share_what_a_token_passes(model: ps.ModelSpec, experts: int, chosen: int) -> None:
    """Feed-forward weights are multiplied by the experts, those of a token by the chosen ones."""
    made = ps.upcycle(model, experts, chosen)
    one = ps.Pass(1, 1)

    def held(each: ps.ModelSpec, parts: tuple[str, ...], what: str) -> Any:
        return sum(n * getattr(op, what) for n, op in each.operations(one) if op.part in parts)

    dense = held(model, ("mlp",), "weights")
    assert held(made, ("experts",), "weights") == pytest.approx(experts * dense)
    assert held(made, ("experts",), "active_weights") == pytest.approx(chosen * dense)


@FEW
@given(models(), st.floats(0.0, 0.9), st.floats(0.0, 0.9))
def test_pruning_shapes_twice_composes(model: ps.ModelSpec, one: float, two: float) -> None:
    """Layers and channels may be taken away in either order, for the same model."""
    first = ps.prune(ps.prune(model, "depth", one), "width", two)
    second = ps.prune(ps.prune(model, "width", two), "depth", one)
    step = ps.Pass(2, 3)
    for what in ("weights", "flops", "state"):
        assert total(first, step, what) == pytest.approx(total(second, step, what))


@FEW
@given(models(), st.sampled_from(["fp8", "int8", "bf16", "nf4"]))
def test_formats_change_bytes_alone(model: ps.ModelSpec, name: str) -> None:
    """Quantization leaves counts and work, and bytes are at most those of 16 bits."""
    made = ps.quantize(model, name)
    found = [
        ps.estimate(model=each, quantities=["parameters", "decode_flops", "weight_bytes"])
        for each in (made, model)
    ]
    for quantity in ("parameters", "decode_flops"):
        assert found[0][quantity].value == found[1][quantity].value
    assert found[0].weight_bytes.value <= found[1].weight_bytes.value


@FEW
@given(models(experts=False), st.integers(2, 60))
def test_windows_bound_the_cache(model: ps.ModelSpec, tokens: int) -> None:
    """A window never adds to cache or work, whatever the context."""
    try:
        made = ps.window(model, tokens)
    except SpecError:
        assert not any(hasattr(item, "window") for _, item in model.walk())
        return
    for context in (1.0, 30.0, 300.0):
        step = ps.Pass(1, 1, context)
        assert np.all(total(made, step, "state") <= total(model, step, "state"))
    assert attrs.evolve(made, changes=()).changes == ()
