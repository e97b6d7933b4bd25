"""Speed of searches: from a card and a size to budgets over two real fields."""

from __future__ import annotations

from typing import Any

import paramscale as ps


def test_largest_model_on_a_card(benchmark: Any) -> None:
    """One ladder of family members, three formats, two limits."""
    benchmark(
        ps.optimize, model="llama-3.1-8b", hardware="rtx-4090", maximize="parameters",
        over={"model.parameters": (1e9, 1e11), "serving.weight_format": ["bf16", "fp8", "q4_k"]},
        subject_to={"tpot_s": "<= 30 ms", "missing_memory_bytes": "<= 0"},
    )  # fmt: skip


def test_coarse_grid_alone(benchmark: Any) -> None:
    """The same without refinement."""
    benchmark(
        ps.optimize, model="llama-3.1-8b", hardware="rtx-4090", maximize="parameters",
        over={"model.parameters": (1e9, 1e11), "serving.weight_format": ["bf16", "fp8", "q4_k"]},
        subject_to={"tpot_s": "<= 30 ms", "missing_memory_bytes": "<= 0"}, refine=False,
    )  # fmt: skip


def test_size_and_tokens_for_a_budget(benchmark: Any) -> None:
    """A ladder and a real field along a limit."""
    benchmark(
        ps.optimize, model="llama-3.1-8b", minimize="loss_nats",
        over={"model.parameters": (1e8, 1e12), "training.tokens": (1e9, 1e14)},
        subject_to={"training_flops": "<= 5.76e23"}, use={"training_flops": "six_nd"},
    )  # fmt: skip


def test_sobol_indices(benchmark: Any) -> None:
    """Seven thousand points of five inputs in one call."""
    benchmark(
        ps.sensitivity, model="llama-3.1-8b", hardware="h100-sxm", quantities="tpot_s",
        over={
            "model.parameters": (4e9, 16e9), "serving.batch": (1, 64),
            "serving.prompt_tokens": (512, 8192), "serving.output_tokens": (16, 512),
            "hardware.memory_bandwidth_bytes_per_s": 1.2,
        },
    )  # fmt: skip


def test_compare_two_models(benchmark: Any) -> None:
    """All usual quantities."""
    benchmark(ps.compare, ["llama-3.1-8b", "qwen2.5-7b"], hardware="h100-sxm")
