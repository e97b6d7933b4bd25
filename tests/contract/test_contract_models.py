"""Identities that hold for every model, on random ones."""

from __future__ import annotations

from operator import attrgetter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import paramscale as ps
from paramscale.specs.bill import total
from paramscale.specs.passes import Pass
from paramscale.testing import models

RUN = settings(max_examples=60, deadline=None, derandomize=True)

SERVING = st.builds(
    ps.ServingSpec,
    batch=st.integers(1, 9),
    prompt_tokens=st.integers(1, 200),
    output_tokens=st.integers(0, 50),
)


@RUN
@given(models(biases=False), SERVING)
def test_matmul_flops_are_twice_parameters_times_tokens(
    model: ps.ModelSpec, serving: ps.ServingSpec
) -> None:
    """Exactly, for models without biases, state spaces and convolutions, all logits computed:

    prefill_flops (full) - FLOPs of attention scores
    = 2 x batch x prompt_tokens x (matmul_parameters - scales of norms).

    A norm's scale is among the matmul parameters, and a bias would be, but neither multiplies.
    """
    e = ps.estimate(model=model, serving=serving, use={"prefill_flops": "full_attention"})
    bill = model.operations(serving.prefill(causal=False))
    scores = total([row for row in bill if row[1].kind == "attention"], lambda op: op.flops)
    norms = total([row for row in bill if row[1].kind == "elementwise"], lambda op: op.weights)
    tokens = serving.batch * serving.prompt_tokens
    expected = 2.0 * tokens * (e["matmul_parameters"].value - norms)
    assert e["prefill_flops"].value - scores == expected


@RUN
@given(models(), SERVING)
def test_causal_is_at_most_full(model: ps.ModelSpec, serving: ps.ServingSpec) -> None:
    """The full convention counts at least what the causal one counts, in every phase."""
    training = ps.TrainingSpec(tokens=1e9, batch_tokens=1e5, sequence_length=100)
    names = ("prefill_flops", "decode_flops", "step_flops", "training_flops")
    given_ = {"model": model, "serving": serving, "training": training, "quantities": names}
    causal = ps.estimate(**given_)
    full = ps.estimate(**given_, use=dict.fromkeys(names, "full_attention"))
    for name in names:
        assert causal[name].value <= full[name].value * (1.0 + 1e-12)


@RUN
@given(models(), SERVING)
def test_decode_by_decode_is_the_prefill(model: ps.ModelSpec, serving: ps.ServingSpec) -> None:
    """Tokens one after the other make the (query, key) pairs of the whole prompt, no other ones."""
    tokens = int(serving.prompt_tokens)
    bill = model.operations(Pass(serving.batch, tokens, absorbed=False))
    steps = model.operations(Pass(serving.batch, 1, np.arange(tokens), absorbed=False))
    for (count, whole), (_, each) in zip(bill, steps, strict=True):
        if whole.kind == "attention":
            several = np.broadcast_to(each.flops, tokens).sum()
            np.testing.assert_allclose(count * several, count * whole.flops, rtol=1e-12)
        np.testing.assert_allclose(np.broadcast_to(each.state, tokens)[-1], whole.state, rtol=1e-12)


@RUN
@given(models(), SERVING)
def test_counts_are_ordered(model: ps.ModelSpec, serving: ps.ServingSpec) -> None:
    """Active is at most all, tables are part of all, tied at most untied, cache is not negative."""
    e = ps.estimate(model=model, serving=serving)
    untied = ps.estimate(model=model, use={"parameters": "untied"})["parameters"].value
    assert 0 < e["active_parameters"].value <= e["parameters"].value <= untied
    assert e["embedding_parameters"].value < e["parameters"].value
    assert e["kv_cache_bytes"].value >= 0
    assert e["weight_bytes"].value == 2.0 * e["parameters"].value


@RUN
@given(models())
def test_models_survive_a_round_trip(model: ps.ModelSpec) -> None:
    """``from_dict(to_dict(model))`` writes the same again and counts the same."""
    plain = model.to_dict()
    again = ps.ModelSpec.from_dict(plain)
    assert again.to_dict() == plain
    step = Pass(2, 9)
    for name in ("weights", "borrowed", "flops", "state", "kept"):
        amount = attrgetter(name)
        assert total(model.operations(step), amount) == total(again.operations(step), amount)
