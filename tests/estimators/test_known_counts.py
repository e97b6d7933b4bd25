"""Counts and bytes against figures that the publishers of the models print."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import paramscale as ps
from tests.estimators.configs import model_of


def ask(name: str, quantity: str, **given: Any) -> float:
    return float(ps.estimate(model=model_of(name), quantities=quantity, **given)[quantity].value)


def cache(name: str, tokens: Any, **serving: Any) -> Any:
    """Return the cache bytes of one sequence of so many tokens."""
    spec = ps.ServingSpec(prompt_tokens=tokens, output_tokens=0, **serving)
    return ps.estimate(model=model_of(name), serving=spec)["kv_cache_bytes"].value


@pytest.mark.parametrize(
    ("name", "parameters", "active"),
    [
        ("llama-3.1-8b", 8_030_261_248, 8_030_261_248),
        ("mixtral-8x7b", 46_702_792_704, 12_879_925_248),
        ("gemma-2-9b", 9_241_705_984, 9_241_705_984),
        ("mamba-130m", 129_135_360, 129_135_360),
    ],
)
def test_parameters(name: str, parameters: int, active: int) -> None:
    """The counts of the published checkpoints, as their model cards and files state them."""
    assert ask(name, "parameters") == parameters
    assert ask(name, "active_parameters") == active


def test_parameters_of_deepseek_v3() -> None:
    """The report (arXiv:2412.19437) prints 671B in all and 37B active; the hub 685B with drafts.

    37B leaves the token table aside, of which a token reads one row.
    """
    assert ask("deepseek-v3", "parameters") == 671_026_404_352
    active = ask("deepseek-v3", "active_parameters") - ask("deepseek-v3", "embedding_parameters")
    assert round(active / 1e9) == 37
    drafts = ask("deepseek-v3", "parameters", use={"parameters": "with_draft"})
    assert round(drafts / 1e9, -1) in (680, 690)


def test_cache_of_llama() -> None:
    """32 layers x 8 heads x 128 channels x (key and value) x 2 bytes = 131072 bytes a token."""
    assert cache("llama-3.1-8b", 1) == 131_072
    np.testing.assert_array_equal(
        cache("llama-3.1-8b", [1, 1000, 131_072]), 131_072.0 * np.array([1, 1000, 131_072])
    )
    assert cache("llama-3.1-8b", 100, batch=7) == 7 * 100 * 131_072


def test_latent_cache_of_deepseek_v3() -> None:
    """61 layers x (512 + 64) elements x 2 bytes = 70272 bytes a token (arXiv:2412.19437)."""
    assert cache("deepseek-v3", 1000) == 1000 * 70_272


def test_windows_of_gemma_2() -> None:
    """21 of 42 layers hold every token, 21 the 4095 tokens before the next one."""
    entry = 2 * 8 * 256 * 2  # key and value, heads, channels, bytes
    assert cache("gemma-2-9b", 1000) == 42 * entry * 1000
    assert cache("gemma-2-9b", 8192) == 21 * entry * (8192 + 4095)
    longer = cache("gemma-2-9b", [8192, 8193])
    assert longer[1] - longer[0] == 21 * entry


def test_state_of_mamba_does_not_grow() -> None:
    """A recurrent model holds the same after one token and after a million."""
    few, many = cache("mamba-130m", [1, 1_000_000]) * np.ones(2)
    assert few == many > 0


@pytest.mark.parametrize("form", ["bf16", "fp8", "nvfp4", "q4_k"])
def test_bytes_follow_the_format(form: str) -> None:
    """Matrices and cache take the bits of their formats; tables, head and norms no less than 16.

    In GGUF files all tensors count with the bits of the format.
    """
    bits = ps.formats[form].bits_per_weight
    spec = ps.ServingSpec(weight_format=form, kv_format=form, prompt_tokens=10, output_tokens=0)
    e = ps.estimate(model=model_of("llama-3.1-8b"), serving=spec)
    kept = 2 * 128_256 * 4096 + 65 * 4096
    kept_bits = bits if form.startswith("q") else 16
    expected = ((8_030_261_248 - kept) * bits + kept * kept_bits) / 8
    assert e["weight_bytes"].value == pytest.approx(expected, rel=1e-12)
    assert e["kv_cache_bytes"].value == pytest.approx(10 * 65_536 * bits / 8, rel=1e-12)


def test_cache_divides_over_key_value_heads_only() -> None:
    """Eight ranks hold an eighth of eight heads; sixteen ranks hold no less than that each."""
    given = {"prompt_tokens": 100, "output_tokens": 0}
    for tensor, share in ((1, 1), (8, 8), (16, 8)):
        e = ps.estimate(
            model=model_of("llama-3.1-8b"),
            serving=ps.ServingSpec(**given),
            parallel=ps.ParallelSpec(tensor=tensor),
        )
        assert e["kv_cache_bytes"].value == 100 * 131_072 / share


def test_parts_name_the_experts() -> None:
    """Most of Mixtral stands in its experts, and the breakdown says so."""
    parts = ps.estimate(model=model_of("mixtral-8x7b"))["parameters"].parts
    assert parts["experts"] == 32 * 8 * 3 * 4096 * 14336
    assert sum(parts.values()) == 46_702_792_704
