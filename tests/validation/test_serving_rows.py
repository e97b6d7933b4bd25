"""Rows of measured serving become scenarios, or are refused with a reason."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from paramscale.validation.machine_names import machine_named
from paramscale.validation.names import engine_named, format_named, model_named
from paramscale.validation.score import score
from paramscale.validation.serving_rows import Refused, served
from paramscale.validation.tables.inference import inference
from paramscale.validation.tables.memory import serving_memory

COLUMNS = tuple(
    """row_id source_group model hardware n_devices tp pp ep dp weight_precision kv_precision
    framework framework_version serving_mode batch_or_concurrency prompt_len_tokens
    output_len_tokens phase ttft_s tpot_s output_tokens_per_s_total quality notes""".split()  # noqa: SIM905
)

#: argonne-lcf/LLM-Inference-Bench@4211f5d4e9 Plots/All_results.csv line 449.
OFFLINE = {
    "row_id": "1", "source_group": "argonne", "model": "meta-llama/Llama-2-7b-hf",
    "hardware": "NVIDIA A100 40GB SXM", "n_devices": "1", "tp": "1", "framework": "TensorRT-LLM",
    "weight_precision": "fp16/bf16 (source does not say per row)",
    "serving_mode": "offline static batch", "batch_or_concurrency": "1",
    "prompt_len_tokens": "128", "output_len_tokens": "128", "phase": "end-to-end",
    "output_tokens_per_s_total": "84.47811982", "quality": "ok",
}  # fmt: skip


def row(**changes: str) -> dict[str, str]:
    """Return a row with every column, changed."""
    return dict.fromkeys(COLUMNS, "") | OFFLINE | changes


def test_an_offline_row() -> None:
    """A static batch on one device, in scope."""
    case = served(row())
    assert (case.model.name, case.hardware.name) == ("llama-2-7b", "NVIDIA A100 40GB SXM")
    assert (case.serving.engine, case.serving.schedule) == ("trtllm", "static")
    assert case.group == "in_scope: offline"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "Own-7B"}, "no model is called"),
        ({"hardware": "Own card"}, "no hardware is called"),
        ({"prompt_len_tokens": ""}, "length of the prompts"),
        ({"output_len_tokens": ""}, "length of the outputs"),
        ({"n_devices": "13", "tp": "4"}, "13 devices cannot be"),
        ({"weight_precision": "q9"}, "no format is called"),
    ],
)
def test_what_cannot_be_known_is_refused(changes: dict[str, str], words: str) -> None:
    """Each with its reason; nothing is guessed."""
    with pytest.raises(Refused, match=words):
        served(row(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hardware": "AMD MI300X"}, "vendor that is not calibrated: AMD"),
        ({"framework": "own engine"}, "engine that is not calibrated"),
        ({"serving_mode": "disaggregated"}, "devices of their own"),
        ({"notes": "with MTP"}, "drafted"),
        ({"model": "Llama-3-70B"}, "weights do not fit"),
        ({"n_devices": "2"}, "replicas assumed"),
    ],
)
def test_what_is_outside_is_named(changes: dict[str, str], words: str) -> None:
    """Rows outside of what is calibrated are scored apart, with wider intervals."""
    case = served(row(**changes))
    assert case.group.startswith("out_of_scope")
    assert words in "; ".join(case.assumed)
    assert case.serving.assumed == case.assumed


def test_formats_that_only_experts_have() -> None:
    """Kimi's int4 and gpt-oss' mxfp4 checkpoints keep attention in 16 bits."""
    kimi = served(row(model="moonshotai/Kimi-K2.5", weight_precision="int4", n_devices="8", tp="8"))
    assert kimi.serving.weight_format.name == "bf16"
    assert kimi.serving.expert_format.bits_per_weight < 5


def test_names() -> None:
    """Spellings of tables are understood; a wrong memory size is another machine."""
    assert machine_named("4090 24GB  8").devices == 8
    assert machine_named("NVIDIA GeForce RTX 3090").spec.name == "NVIDIA RTX 3090"
    assert machine_named("M2 Pro 16-core GPU").spec.name.endswith("16 cores")
    with pytest.raises(Exception, match="no hardware"):
        machine_named("A100 SXM 24GB")
    assert model_named("nvidia/Llama-3.1-8B-Instruct-FP8").name == "llama-3.1-8b"
    assert format_named("int4 g32").name == "gptq-int4-g32"
    assert engine_named("vLLM 0.6") == "vllm"


def test_the_table_is_compared(tmp_path: Path) -> None:
    """A prediction with its interval for each thing measured; a refusal for the rest."""
    (tmp_path / "systems").mkdir()
    with (tmp_path / "systems/inference.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows([row(), row(row_id="2", model="Own-7B"), row(row_id="3", quality="wip")])
    found = list(inference(tmp_path))
    assert [each.row for each in found] == ["1", "2"]
    assert found[0].low < found[0].truth < found[0].high
    assert found[1].refused
    lines = score(found)
    assert lines[0].median_ape < 0.2


def test_sizes_of_weight_files(tmp_path: Path) -> None:
    """Llama 3 8B and 70B as GGUF files (XiongjieDai/GPU-Benchmarks@aa72e0ec86), within 0.5 %."""
    columns = (
        "row_id", "source_group", "model", "phase", "precision", "quantity", "value_bytes",
        "quality",
    )  # fmt: skip
    rows = [
        ("1", "Llama-3-8B", "Q4_K_M", "4917737554"), ("2", "Llama-3-70B", "Q4_K_M", "42520176230"),
        ("3", "Llama-3-70B", "IQ2_XS", "21141976510"), ("4", "Llama-3-70B", "Q2_K", "26371099200"),
    ]  # fmt: skip
    (tmp_path / "systems").mkdir()
    with (tmp_path / "systems/memory.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for key, model, name, size in rows:
            writer.writerow((key, "x", model, "inference", name, "weight file size", size, ""))
    for each in serving_memory(tmp_path):
        assert np.isclose(each.predicted, each.truth, rtol=0.005)
