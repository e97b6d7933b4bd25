"""File types of llama.cpp and mixtures of formats: bits of each tensor, and sizes of real files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

import paramscale as ps
from paramscale.catalogue.file_types import file_type, file_types, is_file_type
from paramscale.catalogue.mixtures import Mixture
from paramscale.errors import SpecError, UnknownNameError
from paramscale.specs.block import Operation

with (Path(__file__).parent / "gguf_files.csv").open(encoding="utf-8", newline="") as stream:
    FILES = list(csv.DictReader(stream))


def weight_bytes(model: Any, **serving: Any) -> Any:
    spec = ps.ServingSpec(**serving)
    return ps.estimate(model=model, serving=spec, quantities="weight_bytes").weight_bytes.value


@pytest.mark.parametrize("row", FILES, ids=lambda row: f"{row['model']}-{row['type']}")
def test_sizes_of_real_files(row: dict[str, str]) -> None:
    """Within 0.5 %, the file's header (0.1 % of small models) left aside."""
    model = ps.models[row["model"]]
    weighted = {"yes": True, "no": False}.get(row["importance_matrix"])
    found = file_type(row["type"], model, importance_matrix=weighted)
    if row["bits_per_weight"]:
        assert found.bits_per_weight == pytest.approx(float(row["bits_per_weight"]), rel=5e-3)
    else:
        assert weight_bytes(model, weight_format=found) == pytest.approx(
            float(row["bytes"]), rel=5e-3
        )


def test_a_file_type_is_a_weight_format_by_name() -> None:
    """What the spec names is what the function returns, bound to the model of the scenario."""
    model = ps.models["llama-3.1-8b"]
    named = weight_bytes(model, weight_format="q4_k_m")
    assert named == weight_bytes(model, weight_format="Q4_K_M.gguf")
    assert named == weight_bytes(model, weight_format=file_type("q4_k_m", model))
    bits = file_type("q4_k_m", model).bits_per_weight
    assert named == pytest.approx(8030261248 * bits / 8, rel=1e-12)


def test_names_that_are_both_mean_the_block_format() -> None:
    """Unless they end as a file does."""
    assert not is_file_type("q6_k")
    assert is_file_type("q6_k.gguf")
    assert is_file_type("q4_k_m")
    model = ps.models["llama-3.1-8b"]
    block, file = (weight_bytes(model, weight_format=name) for name in ("q2_k", "q2_k.gguf"))
    assert block == pytest.approx(8030261248 * 2.625 / 8, rel=1e-6)
    assert file == pytest.approx(8030261248 * 3.1593 / 8, rel=1e-4)  # as the file has, printed


@pytest.mark.parametrize("kind", file_types())
@pytest.mark.parametrize("name", ["llama-3.1-8b", "deepseek-v2-lite", "jamba-v0.1", "gemma-2-9b"])
def test_every_type_has_bits_for_every_architecture(name: str, kind: str) -> None:
    """Between those of its least and of fp32, dense, latent, with experts, hybrid or tied."""
    found = file_type(kind, ps.models[name])
    assert found.least_bits <= found.bits_per_weight < 17.0


def test_a_grid_of_models_is_each_model() -> None:
    """Sizes are counted for all members of a family at once as for each alone."""
    sizes = np.array([2e9, 8e9, 3e10])
    grid = weight_bytes(ps.ModelSpec.of_size(sizes), weight_format="q4_k_m")
    each = [weight_bytes(ps.ModelSpec.of_size(size), weight_format="q4_k_m") for size in sizes]
    np.testing.assert_allclose(grid, each, rtol=1e-12)


def test_a_row_that_a_block_does_not_divide_takes_another_format() -> None:
    """Rows of 896 weights: 256 do not divide them, so that q4_k becomes q5_0."""
    found = file_type("q4_k_m", ps.models["qwen2.5-0.5b"])
    assert found.overrides["attention.output"] == 5.5


def test_a_tied_head_reads_the_table_in_its_format() -> None:
    """The table of a model without a head of its own is stored as a head: in 6 bits."""
    found = file_type("q4_k_m", ps.models["gemma-2-9b"])
    assert found.overrides["token_embedding.lookup"] == 6.5625
    assert found.overrides["head.logits"] == 6.5625


def test_experts_in_other_bits() -> None:
    """A mixture names a component or an operation; experts of gpt-oss are 4-bit, the rest is not.

    12.11 GB is the file that ggml-org publishes, 0.3 % of it the header.
    """
    stored = Mixture(name="mxfp4 experts", default="bf16", overrides={"experts": "mxfp4"})
    model = ps.models["gpt-oss-20b"]
    assert weight_bytes(model, weight_format=stored) == pytest.approx(
        weight_bytes(model, expert_format="mxfp4"), rel=1e-12
    )
    narrow = attrs.evolve(stored, overrides={"experts": "mxfp4", "attention.output": 8.0})
    assert weight_bytes(model, weight_format=narrow) < weight_bytes(model, weight_format=stored)


def test_times_read_the_tensors_that_they_read() -> None:
    """A table in more bits costs memory and no time; a head in more bits costs both."""

    def both(**overrides: str) -> tuple[float, float]:
        stored = Mixture(default="int8", overrides=overrides)
        e = ps.estimate(
            model="llama-3.1-8b", hardware="h100-sxm",
            serving=ps.ServingSpec(weight_format=stored), quantities=["weight_bytes", "tpot_s"],
        )  # fmt: skip
        return float(e.weight_bytes.value), float(e.tpot_s.value)

    plain, table, head = (
        both(token_embedding="int8", head="int8"),
        both(token_embedding="bf16", head="int8"),
        both(token_embedding="int8", head="bf16"),
    )
    assert table[0] == head[0] > plain[0]
    assert table[1] == plain[1] < head[1]


@pytest.mark.parametrize(
    ("model", "weights", "size"),
    [
        # AWQ, 4 bits in groups of 128: huggingface.co/pavan01729/Meta-Llama-3.1-8B-Instruct-AWQ
        ("llama-3.1-8b", "awq-int4-g128", 5.73e9),
        # torchao float8 rows and nvfp4: pytorch/ao@36027d8 docs/source/workflows/inference.md
        ("llama-3.1-8b", "fp8", 8.475 * 2**30),
        ("llama-3.1-8b", "nvfp4", 5.635 * 2**30),
    ],
)
def test_checkpoints_keep_head_and_table_in_16_bits(model: str, weights: str, size: float) -> None:
    """Published sizes of checkpoints whose matrices alone are quantized, within 0.5 %."""
    assert weight_bytes(model, weight_format=weights) == pytest.approx(size, rel=5e-3)


def test_unknown_types_are_named() -> None:
    """The nearest known names stand in the message, of both kinds of names."""
    with pytest.raises(UnknownNameError, match="did you mean 'q4_k_m'"):
        ps.ServingSpec(weight_format="q4_k_mm")
    with pytest.raises(UnknownNameError, match="no file type is called 'q9'"):
        file_type("q9", ps.models["llama-3.1-8b"])
    with pytest.raises(SpecError, match=r"Mixture.overrides\['head'\] must be the name"):
        Mixture(default="bf16", overrides={"head": -1.0})


def test_bits_are_asked_by_component_and_operation() -> None:
    """The operation's own override wins over that of its component; others have none."""
    stored = Mixture(default="int8", overrides={"attention": 4.0, "attention.output": 6.0})
    assert stored.bits_of(Operation("output", "attention", "matmul")) == 6.0
    assert stored.bits_of(Operation("query", "attention", "matmul")) == 4.0
    assert stored.bits_of(Operation("up", "mlp", "matmul")) is None
