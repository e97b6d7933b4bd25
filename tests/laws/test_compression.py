"""Loss added by compression: limits, order, measured values, and what is not known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramscale.laws.compressed import losses_added
from paramscale.laws.compression import compression_law, format_kinds
from paramscale.laws.compression_methods import FAMILIES, method_named
from paramscale.specs.changes import (
    Adaptation,
    Distillation,
    LowRank,
    Pruning,
    Quantization,
)

SEVEN, TWO = np.float64(6.74e9), np.float64(2e12)


def added(*changes: object, size: float = 6.74e9, tokens: float | None = 2e12) -> float:
    data = None if tokens is None else np.float64(tokens)
    return float(losses_added(changes, np.float64(size), data).value)


def test_nothing_done_costs_nothing() -> None:
    """No change, 16 bits, and adapters add exactly 0."""
    assert added() == 0.0
    assert added(Quantization(weight_bits=16), Adaptation(rank=8)) == 0.0


@given(st.floats(2.0, 7.5), st.floats(0.1, 1.0))
def test_more_bits_cost_less(bits: float, more: float) -> None:
    """Loss falls with bits, for codes with scales and for block formats."""
    for method in ("gptq", "gguf", "codebook"):
        few = Quantization(method=method, weight_bits=bits, group=128)
        many = Quantization(method=method, weight_bits=bits + more, group=128)
        assert added(many) < added(few)


def test_overtrained_models_lose_more() -> None:
    """More tokens in the same weights leave less slack (Llama 3 against Llama 2)."""
    four = Quantization(method="awq", weight_bits=4, group=128)
    assert added(four, tokens=15e12) > 1.5 * added(four, tokens=2e12)


@pytest.mark.parametrize(
    ("change", "size", "tokens", "measured"),
    [
        (Quantization(method="AWQ", weight_bits=4, group=128), 6.74e9, 2e12, 0.023488),
        (Quantization(method="GPTQ", weight_bits=3, group=128), 1.3e10, 1e12, 0.099054),
        (Quantization(method="QuIP#", weight_bits=2), 6.74e9, 2e12, 0.189781),
        (
            Quantization(
                method="gguf", weight_bits=4, bits_per_weight=4.894, weight_format="q4_k_m"
            ),
            8.03e9, 1.5e13, 0.02777,
        ),
        (Pruning(method="wanda", structure="unstructured", sparsity=0.5), 6.74e9, 2e12, 0.226264),
        (Pruning(method="SparseGPT", structure="2:4", sparsity=0.5), 1.3e10, 2e12, 0.599149),
    ],
)  # fmt: skip
def test_measured_losses_lie_inside(
    change: object, size: float, tokens: float, measured: float
) -> None:
    """Published perplexities of Llama models lie in the intervals, within a factor of 1.6."""
    found = losses_added([change], np.float64(size), np.float64(tokens))
    assert found.low < measured < found.high
    assert 1.0 / 1.6 < found.value / measured < 1.6


def test_seventy_billion_parameters_pruned() -> None:
    """Wanda on Llama-2-70B: 3.12 to 3.98, and 5.16 with 2:4.

    No row of it is fitted, but the priors of the exponents of size were chosen with both in sight.
    """
    size = 6.9e10
    half = added(Pruning(method="wanda", sparsity=0.5), size=size)
    pattern = added(Pruning(method="wanda", structure="2:4", sparsity=0.5), size=size)
    assert np.log(3.98 / 3.12) / half == pytest.approx(1.0, abs=0.4)
    assert np.log(5.16 / 3.12) / pattern == pytest.approx(1.0, abs=0.4)


def test_unknown_things_widen_and_are_named() -> None:
    """Tokens not stated and a method not met widen the interval, and the remarks say so."""
    known = losses_added([Quantization(method="gptq", weight_bits=4, group=128)], SEVEN, TWO)
    tokens = losses_added([Quantization(method="gptq", weight_bits=4, group=128)], SEVEN, None)
    method = losses_added([Quantization(method="mystery", weight_bits=4, group=128)], SEVEN, TWO)
    assert tokens.high / tokens.value > known.high / known.value
    assert any("tokens are not stated" in text for text in tokens.remarks)
    assert any("'mystery' was not met" in text for text in method.remarks)


def test_far_outside_is_told() -> None:
    """A trillion parameters lie beyond what was measured; a low rank is not known at all."""
    far = losses_added([Pruning(method="wanda", sparsity=0.5)], np.float64(1e12), TWO)
    assert far.beyond > 1.0
    assert any("outside the sizes" in text for text in far.remarks)
    low = losses_added([LowRank(rank=8)], SEVEN, TWO)
    assert np.isnan(low.value)
    assert any("singular values" in text for text in low.remarks)


def test_recovery_takes_loss_back() -> None:
    """Training after pruning leaves less of the loss, ever more slowly; distillation counts."""
    cut = Pruning(method="minitron", structure="width", sparsity=0.2)
    shares = []
    for tokens in (1e9, 1e10, 1e11):
        trained = Pruning(
            method="minitron", structure="width", sparsity=0.2, recovery_tokens=tokens
        )
        shares.append(added(trained) / added(cut))
    assert 1.0 > shares[0] > shares[1] > shares[2] > 0.0
    taught = added(cut, Distillation(teacher_parameters=8e9, tokens=1e10))
    assert taught == pytest.approx(shares[1] * added(cut))


def test_grids_equal_points() -> None:
    """Arrays of bits, sizes and tokens give what each point gives alone."""
    bits, sizes = np.array([2.0, 3.0, 4.0, 16.0])[:, None], np.array([1e9, 7e9, 7e10])
    grid = losses_added([Quantization(method="gptq", weight_bits=bits, group=128)], sizes, TWO)
    for i, b in enumerate(bits[:, 0]):
        for j, n in enumerate(sizes):
            alone = added(Quantization(method="gptq", weight_bits=b, group=128), size=n)
            assert grid.value[i, j] == pytest.approx(alone, rel=1e-12)


def test_every_method_of_the_table_has_coefficients() -> None:
    """Each pattern leads to coefficients of its own or of its family."""
    law = compression_law()
    for family in FAMILIES:
        assert law.methods[family].slope > 0.0
    for words in ("AQLM", "QTIP", "GPTQ-R", "HQQ", "GGUF+imatrix", "SmoothQuant", "int8"):
        assert law.fit_of(method_named(words)).scatter > 0.0
    assert format_kinds("Q5_0")[0] == "kind:legacy"
