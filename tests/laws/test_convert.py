"""Conversions between conventions, there and back, and the anchoring of a law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paramscale as ps
from paramscale.errors import MissingInputError, RegistrationError, SpecError, UnknownNameError
from paramscale.laws import (
    anchor,
    convert_loss,
    count_parameters,
    laws,
    with_embeddings,
    without_embeddings,
)
from paramscale.laws.convert import LOSS_UNITS


@settings(max_examples=200, deadline=None, derandomize=True)
@given(size=st.floats(1.0, 1e16), gamma=st.floats(1.0, 1e7))
def test_embeddings_there_and_back(size: float, gamma: float) -> None:
    """With and without embeddings are inverse, from models that are all table to the largest."""
    assert without_embeddings(with_embeddings(size, gamma), gamma) == pytest.approx(size, rel=1e-10)
    assert with_embeddings(without_embeddings(size, gamma), gamma) == pytest.approx(size, rel=1e-10)
    assert with_embeddings(size, gamma) > size


def test_embeddings_of_a_model() -> None:
    """Pearce and Song's bridge is near the exact count of a model with Chinchilla's vocabulary."""
    model = ps.models["llama-2-7b"]  # 32,000 tokens, an untied head
    counts = count_parameters(model)
    assert counts.total - counts.non_embedding == 2 * 32000 * 4096
    assert counts.with_head - counts.non_embedding == 32000 * 4096
    assert with_embeddings(counts.non_embedding) == pytest.approx(float(counts.total), rel=0.03)
    told = ps.estimate(model=model, quantities=["non_embedding_parameters", "parameters"])
    assert told["non_embedding_parameters"].value == counts.non_embedding
    assert told["parameters"].value == counts.total


def test_tied_heads_count_once() -> None:
    """GPT-2: 124,439,808 in all, of which 50,257 x 768 are the table that is the head too."""
    counts = count_parameters(ps.models["gpt2"])
    table, positions = 50257 * 768, 1024 * 768
    assert counts.total - counts.non_embedding == table + positions
    assert counts.with_head == counts.non_embedding + table


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    loss=st.floats(0.01, 20.0),
    first=st.sampled_from(LOSS_UNITS),
    second=st.sampled_from(LOSS_UNITS),
    length=st.floats(0.5, 20.0),
)
def test_loss_there_and_back(loss: float, first: str, second: str, length: float) -> None:
    """Every unit converts to every other and back."""
    start = 1.0 + loss if first == "perplexity" else loss
    there = convert_loss(start, first, second, bytes_per_token=length)
    back = convert_loss(there, second, first, bytes_per_token=length)
    assert back == pytest.approx(start)


def test_loss_units() -> None:
    """ln 2 nats are a bit; a byte holds its share of a token; perplexity is of tokens."""
    assert convert_loss(np.log(2.0), "nats_per_token", "bits_per_token") == pytest.approx(1.0)
    assert convert_loss(3.0, "nats_per_token", "nats_per_byte", bytes_per_token=4.0) == 0.75
    assert convert_loss(3.0, "bits_per_token", "perplexity") == pytest.approx(8.0)
    assert convert_loss(1000.0, "nats_per_token", "perplexity") == np.inf
    assert np.isnan(convert_loss(-1.0, "perplexity", "nats_per_token"))
    assert np.isnan(convert_loss(2.0, "nats_per_token", "nats_per_byte", bytes_per_token=0.0))
    assert convert_loss([1.0, np.nan], "nats_per_token", "bits_per_token").shape == (2,)
    with pytest.raises(MissingInputError, match="needs bytes_per_token"):
        convert_loss(2.0, "nats_per_token", "bits_per_byte")
    with pytest.raises(UnknownNameError, match="did you mean 'nats_per_token'"):
        convert_loss(2.0, "nats_per_tokn", "perplexity")


def test_an_anchored_law_meets_its_run() -> None:
    """Only E moves; the run is met exactly; the note says through what, the interval is gone."""
    law = laws["besiroglu2024"]
    mine = anchor(law, 7e9, 2e12, 1.75)
    assert mine(7e9, 2e12) == pytest.approx(1.75, rel=1e-15)
    assert {k: v for k, v in mine.coefficients.items() if k != "E"} == {
        k: v for k, v in law.coefficients.items() if k != "E"
    }
    assert mine(1e9, 1e11) - law(1e9, 1e11) == pytest.approx(mine.floor - law.floor)
    assert mine.law_id == "besiroglu2024_anchored"
    assert "through a loss of 1.75 at 7e+09 parameters and 2e+12 tokens" in mine.note
    assert mine.evidence == "anchored (primary)"
    assert "E" not in mine.standard_errors
    assert np.isnan(mine.interval(1e9, 2e10)[0])


def test_several_runs_give_the_least_squares_level() -> None:
    """Of many runs E is the mean of what each asks for."""
    law = laws["besiroglu2024"]
    size, data = np.array([1e9, 3e9, 7e9]), 2e11
    truth = law(size, data) + 0.1 + np.array([0.01, -0.02, 0.01])
    mine = anchor(law, size, data, truth)
    assert mine.floor == pytest.approx(law.floor + 0.1)
    assert "3 runs" in mine.note
    moe = anchor(laws["ludziejewski2025"], 1e9, 2e10, 2.2, experts=8)
    assert moe(1e9, 2e10, 8) == pytest.approx(2.2)


@pytest.mark.parametrize(
    ("name", "point", "error", "text"),
    [
        ("besiroglu2024", (1e8, 1e9, 0.9), SpecError, "a loss of 0.9 lies below the reducible"),
        ("besiroglu2024", (1e8, 1e9, np.nan), SpecError, "loss must be positive and finite, not n"),
        ("besiroglu2024", ([1e8, 0.0], 1e9, 3.0), SpecError, "parameters must be positive"),
        ("kaplan2020_joint", (1e8, 1e9, 3.0), RegistrationError, "no irreducible loss E to anchor"),
        ("steplaw2025_rate", (1e8, 1e9, 3.0), RegistrationError, "it gives optimal_learning_rate"),
    ],
)
def test_impossible_anchors(name: str, point: Any, error: type[Exception], text: str) -> None:
    """What cannot be anchored, or not there, is refused with the number and the reason."""
    with pytest.raises(error, match=text):
        anchor(laws[name], *point)
