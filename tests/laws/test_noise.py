"""The energy of the error of rounding and cutting, against integrals and against sampling."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramscale.laws.noise import (
    coded_noise,
    cut_noise,
    floating_noise,
    pattern_noise,
    rounding_noise,
)


@pytest.mark.parametrize(("kept", "of"), [(2, 4), (4, 8)])
def test_patterns_are_integrals_of_order_statistics(kept: int, of: int) -> None:
    """The energy of the smaller half of a block is the sum of its order statistics."""
    from scipy.integrate import quad
    from scipy.stats import norm

    def energy(a: float, rank: int) -> float:
        below = 2.0 * norm.cdf(a) - 1.0
        places = comb(of, rank) * rank * below ** (rank - 1) * (1.0 - below) ** (of - rank)
        return float(a * a * 2.0 * norm.pdf(a) * places)

    total = sum(quad(energy, 0.0, 12.0, args=(rank,))[0] for rank in range(1, kept + 1))
    assert total / of == pytest.approx(float(pattern_noise(f"{kept}:{of}", 0.5)), rel=5e-6)


@pytest.mark.parametrize(("bits", "group"), [(4.0, 128), (3.0, 64), (8.0, 4096)])
def test_rounding_is_that_of_sampled_weights(bits: float, group: int) -> None:
    """The asymptote is 0 to 7 % above the mean error of normal deviates that are rounded."""
    w = np.random.default_rng(0).standard_normal((2_000_000 // group, group))
    low, high = w.min(axis=1, keepdims=True), w.max(axis=1, keepdims=True)
    step = (high - low) / (2.0**bits - 1.0)
    error = low + np.round((w - low) / step) * step - w
    assert 1.0 < float(rounding_noise(bits, group)) / np.mean(error**2) < 1.07


def test_floating_codes_of_sampled_weights() -> None:
    """E4M3 loses about what normal deviates lose that are rounded to 3 bits of mantissa."""
    w = np.random.default_rng(1).standard_normal(400_000)
    scale = 2.0 ** np.floor(np.log2(np.abs(w)))
    error = np.round(w / scale * 8.0) / 8.0 * scale - w
    assert float(floating_noise(3.0)) == pytest.approx(np.mean(error**2), rel=0.15)


@given(st.floats(0.01, 0.98), st.floats(1.001, 1.02))
def test_cutting_more_loses_more(share: float, more: float) -> None:
    """Noise rises with sparsity, from nothing to all."""
    assert 0.0 < cut_noise(share) < cut_noise(min(share * more, 0.99)) < 1.0


def test_no_code_beats_the_bound() -> None:
    """Whole-number codes of 4 bits and a group lose more than the best code of those bits."""
    assert rounding_noise(4.0, 128.0) > coded_noise(4.0 + 20.0 / 128.0)


def test_channels_lose_their_share() -> None:
    """A quarter of the channels holds a quarter of the energy."""
    assert pattern_noise("width", 0.25) == 0.25
