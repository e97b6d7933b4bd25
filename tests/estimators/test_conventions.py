"""Conventions by name, `use` and its errors, and the loss by a published law."""

from __future__ import annotations

import numpy as np
import pytest

import paramscale as ps
from paramscale.errors import MissingInputError, SpecError, UnknownNameError
from tests.estimators.configs import model_of

LLAMA = "llama-3.1-8b"
SERVING = ps.ServingSpec(batch=2, prompt_tokens=1000, output_tokens=101)


def value(name: str, quantity: str, use: dict[str, str] | None = None) -> float:
    training = ps.TrainingSpec(tokens=1e12, batch_tokens=4e6, sequence_length=4096)
    e = ps.estimate(
        model=model_of(name), serving=SERVING, training=training, quantities=quantity, use=use
    )
    return float(e[quantity].value)


def test_causal_prefill_of_llama() -> None:
    """2 x matmul parameters a token, pairs below the diagonal, logits of the last position."""
    matrices = 32 * (4096 * (4096 + 1024) * 2 + 3 * 4096 * 14336)
    pairs = 1000 * 1001 / 2
    expected = 2 * (2 * 1000 * matrices + 32 * 2 * pairs * 32 * 2 * 128 + 2 * 4096 * 128256)
    assert value(LLAMA, "prefill_flops") == expected


def test_full_prefill_of_llama() -> None:
    """Whole squares of attention, and logits of all positions."""
    matrices = 32 * (4096 * (4096 + 1024) * 2 + 3 * 4096 * 14336) + 4096 * 128256
    expected = 2 * (2 * 1000 * matrices + 32 * 2 * 1000 * 1000 * 32 * 2 * 128)
    assert value(LLAMA, "prefill_flops", {"prefill_flops": "full_attention"}) == expected


def test_decode_stands_at_the_mean_context() -> None:
    """101 tokens: the first from the prefill, 100 steps at contexts 1001 to 1100, new one included.

    The mean number of keys is 1050.5.
    """
    matrices = 32 * (4096 * (4096 + 1024) * 2 + 3 * 4096 * 14336) + 4096 * 128256
    expected = 2 * (2 * matrices + 32 * 2 * 1050.5 * 32 * 2 * 128)
    assert value(LLAMA, "decode_flops") == expected


def test_training_is_three_forwards() -> None:
    """Forward, and twice as much backward; all logits; a step is its tokens' share of the run."""
    matrices = 32 * (4096 * (4096 + 1024) * 2 + 3 * 4096 * 14336) + 4096 * 128256
    each = 3 * (2 * matrices + 32 * 2 * (4097 / 2) * 32 * 2 * 128)
    assert value(LLAMA, "training_flops") == pytest.approx(each * 1e12, rel=1e-12)
    assert value(LLAMA, "step_flops") == pytest.approx(each * 4e6, rel=1e-12)
    assert value(LLAMA, "training_flops", {"training_flops": "six_nd"}) == 6 * 8_030_261_248 * 1e12


def test_windows_cut_causal_attention_only() -> None:
    """Gemma 2's windows shorten causal attention, not the squares of the full convention."""
    assert value("gemma-2-9b", "prefill_flops") < value(
        "gemma-2-9b", "prefill_flops", {"prefill_flops": "full_attention"}
    )
    long = ps.ServingSpec(prompt_tokens=8192)
    full = {"prefill_flops": "full_attention"}
    e = ps.estimate(model=model_of("gemma-2-9b"), serving=long, use=full)
    scores = 42 * 2 * 8192 * 8192 * 16 * 2 * 256  # every layer a whole square
    e2 = ps.estimate(
        model=model_of("gemma-2-9b"), serving=ps.ServingSpec(prompt_tokens=1), use=full
    )
    one = float(e2["prefill_flops"].value) - 42 * 2 * 16 * 2 * 256
    assert float(e["prefill_flops"].value) == pytest.approx(8192 * one + scores, rel=1e-12)


def test_tied_and_untied() -> None:
    """Gemma's head is its token table: untied, the table counts twice."""
    untied = value("gemma-2-9b", "parameters", {"parameters": "untied"})
    assert untied - value("gemma-2-9b", "parameters") == 256000 * 3584
    assert value(LLAMA, "parameters", {"parameters": "untied"}) == value(LLAMA, "parameters")


def test_loss_by_besiroglu_2024() -> None:
    """The refit of Chinchilla, with the coefficients that arXiv:2404.10102 prints, rounded."""
    size, tokens = 8_030_261_248, 1e12
    printed = 1.8172 + 482.01 / size**0.3478 + 2085.43 / tokens**0.3658
    assert value(LLAMA, "loss_nats") == pytest.approx(printed, rel=1e-3)
    assert value(LLAMA, "loss_nats", {"loss_nats": "hoffmann2022_a3"}) != value(LLAMA, "loss_nats")


def test_loss_is_marked_outside_of_its_domain() -> None:
    """15T tokens are far beyond the runs of the law: marked, and without an interval."""
    tokens = np.array([1e11, 15e12])
    e = ps.estimate(model=model_of(LLAMA), training=ps.TrainingSpec(tokens=tokens),
                    use={"loss_nats": "besiroglu2024"})  # fmt: skip
    loss = e["loss_nats"]
    assert loss.inside.tolist() == [True, False]
    assert loss.low[0] < loss.value[0] < loss.high[0]
    assert np.isnan(loss.low[1])


def test_experts_are_outside_of_a_law_of_dense_models() -> None:
    """A law fitted on dense models is marked as left by an expert model."""
    e = ps.estimate(model=model_of("mixtral-8x7b"), training=ps.TrainingSpec(tokens=1e11))
    assert not e["loss_nats"].inside


def test_an_unknown_estimator_is_refused() -> None:
    """The message names the quantity, the proposal and what there is."""
    with pytest.raises(
        UnknownNameError,
        match="no estimator of prefill_flops is called 'full_atention'; did you mean "
        "'full_attention'",
    ):
        value(LLAMA, "prefill_flops", {"prefill_flops": "full_atention"})
    with pytest.raises(UnknownNameError, match="did you mean 'prefill_flops'"):
        value(LLAMA, "prefill_flops", {"prefil_flops": "full_attention"})


def test_missing_inputs_are_named_together() -> None:
    """Both missing specs, who needs them, and what to write."""
    with pytest.raises(MissingInputError) as caught:
        ps.estimate(model=model_of(LLAMA), quantities=["loss_nats", "ttft_s"])
    text = str(caught.value)
    assert "cannot estimate loss_nats, ttft_s: 2 inputs are missing:" in text
    assert "training=ps.TrainingSpec(...)" in text
    assert "hardware=ps.HardwareSpec(...)" in text


def test_a_missing_field_is_named() -> None:
    """A step needs its batch, which a training spec may leave out."""
    with pytest.raises(MissingInputError, match=r"training\.batch_tokens: the field is not set"):
        ps.estimate(
            model=model_of(LLAMA), training=ps.TrainingSpec(tokens=1e9), quantities="step_flops"
        )


def test_grids_that_do_not_fit_are_refused() -> None:
    """Arrays that do not broadcast against each other are named with their shapes."""
    e = ps.estimate(model=model_of(LLAMA), serving=ps.ServingSpec(batch=[1, 2]))
    assert e["decode_flops"].value.shape == (2,)
    with pytest.raises((SpecError, ValueError), match="broadcast"):
        repr(
            ps.estimate(
                model=model_of(LLAMA),
                serving=ps.ServingSpec(batch=[1, 2], prompt_tokens=[1, 2, 3]),
            )
        )
