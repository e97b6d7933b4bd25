"""Tables of compression: how rows are read, what is refused, and the errors of packaged ones."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from paramscale.validation.compression_rows import pruned, quantized, tokens_of
from paramscale.validation.expert_rows import expert_runs
from paramscale.validation.score import PACKAGED, score
from paramscale.validation.tables.architectures import experts
from paramscale.validation.tables.qat import runs_under_rounding
from paramscale.validation.tables.quantization import pruning, quantization


def rows(name: str) -> list[dict[str, str]]:
    with (PACKAGED / "capability" / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_tokens_of_published_models() -> None:
    """Names of every spelling lead to the tokens; sizes that begin with 3 are not Llama 3."""
    assert tokens_of("meta-llama/Llama-3.1-8B") == 1.5e13
    assert tokens_of("LLaMA-33B") == tokens_of("llama-30b") == 1.4e12
    assert tokens_of("OPT 6.7B") == 1.8e11
    assert np.isnan(tokens_of("Mixtral-8x7B"))


def test_rounding_of_printed_figures() -> None:
    """Two decimals of a perplexity of 5.68 leave 7e-4 nats open, none where only a loss stands."""
    row = rows("quantization.csv")[-1] | {
        "value": "5.78", "reference_16bit": "5.68", "delta_loss_nats": "0.0175",
    }  # fmt: skip
    assert quantized(row).rounding == pytest.approx(0.005 * np.sqrt(2 / 3) / 5.68)
    assert quantized(row | {"value": "", "reference_16bit": ""}).rounding == 0.0


def test_a_row_without_a_size_is_refused() -> None:
    """What cannot be predicted says why."""
    with pytest.raises(ValueError, match="no size"):
        quantized(rows("quantization.csv")[0] | {"params": "", "model": "nameless"})
    assert (
        quantized(rows("quantization.csv")[0] | {"params": "", "model": "Yi-34B"}).parameters
        == 34e9
    )
    with pytest.raises(ValueError, match="nothing was cut: the structure is 'none'"):
        pruned(rows("pruning.csv")[0] | {"structure": "none"})


def test_errors_on_the_packaged_tables() -> None:
    """Median factors and coverage of the losses that the laws were fitted on."""
    lines = {line.group: line for line in score([*quantization(PACKAGED), *pruning(PACKAGED)])}
    levels = {"GGUF": 1.22, "codebook": 1.25, "GPTQ": 1.27, "AWQ": 1.25, "single weights": 1.4}
    for group, level in levels.items():
        assert lines[group].median_factor < level
        assert lines[group].coverage > 0.85


def test_largest_runs_under_rounding() -> None:
    """The largest size from the smaller ones: 0.4 % in the median, all but one bit in 1.1 %."""
    found = [row for row in runs_under_rounding(PACKAGED) if row.group == "whole loss"]
    misses = np.abs([row.predicted / row.truth - 1.0 for row in found])
    assert np.median(misses) < 0.004
    assert misses.max() < 0.011


def test_experts_as_dense_sizes() -> None:
    """Dense sizes of equal loss within 1.2 in the median, 1.35 at the largest base."""
    lines = {line.group: line for line in score(experts(PACKAGED))}
    assert lines["smaller bases"].median_factor < 1.2
    assert lines["largest base"].median_factor < 1.35


def test_each_of_several_chosen_experts_counts() -> None:
    """Four experts of a layer make a token touch more than one does."""
    runs = {run.name: run for run in expert_runs(rows("architectures.csv"))}
    one, four = (runs[f"S-Base 25M E=64 k={k} rf=0.5 seed=42"] for k in (1, 4))
    assert four.active > one.active
    assert four.total == one.total


def test_a_table_of_other_models_needs_no_dense_runs(tmp_path: Path) -> None:
    """Runs of a study whose dense ones are packaged are compared without them."""
    kept = [row for row in rows("architectures.csv") if "S-Base 370M" in row["variant"]]
    (tmp_path / "capability").mkdir()
    with (tmp_path / "capability" / "architectures.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, kept[0].keys())
        writer.writeheader()
        writer.writerows(kept)
    assert {row.group for row in experts(tmp_path)} == {"largest base", "largest base, root rule"}
