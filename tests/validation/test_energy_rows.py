"""Rows of measured energy become scenarios, in scope or not, or are refused with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramscale.validation.energy_rows import measured
from paramscale.validation.serving_rows import Refused
from paramscale.validation.tables.inference_energy import inference_energy

#: ml-energy/leaderboard@0cd52dab, public/data/models, Qwen3-235B-A22B-Instruct-2507-FP8.
ROW = {
    "dataset": "ML.ENERGY V3 (vLLM 0.11.1)", "model": "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8",
    "total_params_b": "235", "weight_precision": "fp8", "hardware": "H100", "num_devices": "8.0",
    "parallelism": "TP1 EP8 DP1", "task": "lm-arena-chat", "batch_avg": "7.99",
    "input_tokens": "", "output_tokens_avg": "876.1", "throughput_output_tok_s": "314.0",
    "power_total_w": "3580", "j_per_output_token": "11.3896", "kind": "measured",
    "scope": "GPU boards only, steady state, prefill included, no PUE",
}  # fmt: skip


def test_expert_ranks_of_one_replica_divide_attention() -> None:
    """TP1 EP8 DP1 on eight devices: experts and attention over eight ranks."""
    case = measured(ROW)
    layout = case.parallel
    assert [float(x) for x in (layout.tensor, layout.data, layout.expert)] == [8.0, 1.0, 8.0]
    assert (case.serving.engine, case.serving.schedule) == ("vllm", "continuous")
    assert (float(case.serving.batch), case.energy, case.group) == (8.0, 11.3896, "in_scope")
    replicas = measured(ROW | {"parallelism": "TP1 EP8 DP8"}).parallel
    assert [float(x) for x in (replicas.tensor, replicas.data)] == [1.0, 8.0]


@pytest.mark.parametrize(
    ("dataset", "engine", "schedule"),
    [
        ("ML.ENERGY V2 (vLLM 2024)", "vllm-2024", "continuous"),
        ("somebody (vLLM 0.5.4)", "vllm-2024", "continuous"),
        ("somebody (SGLang 0.5)", "sglang", "continuous"),
        ("Wilkins 2024 (HF transformers)", "transformers", "static"),
        ("ML.ENERGY V1 legacy 2023 (FastChat, batch 1 unless said)", "transformers", "static"),
        ("somebody", "other", "continuous"),
    ],
)
def test_engines(dataset: str, engine: str, schedule: str) -> None:
    """The data set names the engine and its age; what is not named is another one."""
    serving = measured(ROW | {"dataset": dataset}).serving
    assert (serving.engine, serving.schedule) == (engine, schedule)


@pytest.mark.parametrize(
    ("changes", "group"),
    [
        ({"scope": "full stack, PUE 1.09"}, "out_of_scope: another boundary, or not measured"),
        ({"kind": "estimate"}, "out_of_scope: another boundary, or not measured"),
        ({"kind": "measured (unreviewed)"}, "out_of_scope: not reviewed"),
        ({"task": "fixed lengths"}, "out_of_scope: without a cache of keys and values"),
        ({"dataset": "legacy (FastChat)"}, "old engine"),
    ],
)
def test_groups(changes: dict[str, str], group: str) -> None:
    """What is not the boards' measured energy is apart."""
    assert measured(ROW | changes).group == group


def test_experts_alone_are_in_four_bits() -> None:
    """gpt-oss stores its routed experts in mxfp4 and all else in bf16."""
    serving = measured(ROW | {"model": "openai/gpt-oss-20b", "weight_precision": "mxfp4"}).serving
    assert (serving.weight_format.name, serving.expert_format.name) == ("bf16", "mxfp4")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "nobody/knows"}, "no model is called"),
        ({"hardware": "Abacus 9"}, "no hardware is called"),
        ({"batch_avg": ""}, "the batch is not said"),
        ({"j_per_output_token": ""}, "states no energy"),
        ({"num_devices": "6", "parallelism": "TP4 PP4"}, "cannot be"),
    ],
)
def test_refusals(changes: dict[str, str], words: str) -> None:
    """A row that cannot be a scenario is refused with the reason."""
    with pytest.raises(Refused, match=words):
        measured(ROW | changes)


def test_a_table_is_compared(tmp_path: Path) -> None:
    """Energy and power of a row, and a machine without a power figure refused by name."""
    (tmp_path / "energy").mkdir()
    silent = dict.fromkeys(("parallelism", "weight_precision", "power_total_w"), "")
    laptop = {"hardware": "M1-Pro", "model": "Llama-2 (7B)", "num_devices": "1"} | silent
    rows = [ROW, ROW | laptop]
    lines = [",".join(ROW)] + [",".join(f'"{cell}"' for cell in row.values()) for row in rows]
    (tmp_path / "energy/inference_energy.csv").write_text("\n".join(lines) + "\n")
    energy, power, refused = inference_energy(tmp_path)
    assert (energy.quantity, power.quantity) == ("energy_per_token_j", "power_w")
    assert energy.low < energy.truth < energy.high
    assert power.low < power.truth < power.high
    assert "Apple M1 Pro" in refused.refused
