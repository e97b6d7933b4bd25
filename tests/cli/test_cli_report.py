"""``paramscale report``: the page, the JSON, and the options."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import paramscale as ps
from tests.cli.conftest import Run
from tests.estimators.configs import CONFIGS, model_of

Paths = dict[str, Path]


def refuse_constant(name: str) -> None:
    raise AssertionError(f"the JSON holds {name}")


def loaded(text: str) -> Any:
    """Return strict JSON: NaN and Infinity are refused."""
    return json.loads(text, parse_constant=refuse_constant)


def test_the_page_of_llama(run: Run, configs: Paths) -> None:
    """Header, counts, memory against the machine, work, bounds, loss with its domain, sources."""
    ran = run("report", configs["llama-3.1-8b"], "--hardware", "h100-sxm", "--tokens", "15T")
    assert ran.code == 0
    assert ran.err == ""
    flat = " ".join(ran.out.split())
    for text in (
        "32 layers (all alike) × 4,096 wide",
        "32 × grouped attention (heads 32, kv heads 8, head width 128) + mlp (inner 14,336)",
        "parameters 8.03 B 8,030,261,248",
        "mlp 5.64 B 70.2 %",
        "GiB of 74.5 GiB: fits",
        "Memory in use (of one device)",
        "by expected_token, inside of its domain",
        "loss_nats 2.021 nats",
        "by besiroglu2024, outside of its domain: training.tokens = 15 T tokens is above",
        "needs --batch-tokens: step_flops, step_time_s",
        "Besiroglu et al. 2024",
    ):
        assert text in flat


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("name", CONFIGS)
def test_no_line_is_wider_than_the_terminal(
    run: Run, configs: Paths, name: str, columns: int
) -> None:
    """Every line fits, whatever the model and the terminal; there are no escape sequences."""
    ran = run("report", configs[name], "--hardware", "h100-sxm", "--tokens", "1T", columns=columns)
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= columns
    assert "\x1b" not in ran.out
    assert not any(line != line.rstrip() for line in ran.out.splitlines())


def test_a_bound_is_marked(run: Run, configs: Paths) -> None:
    """The least time by the roofline carries its sign, and the section says what it means."""
    use = ("--use", "tpot_s=decode_roofline")
    ran = run("report", configs["llama-3.1-8b"], "--hardware", "h100-sxm", *use)
    flat = " ".join(ran.out.split())
    assert "Time in use (≥ is a bound: no machine is faster; real machines are slower)" in flat
    assert "tpot_s ≥ 4.57 ms" in flat


def test_why_an_interval_is_wide(run: Run, configs: Paths) -> None:
    """What nobody measured and what was not said is named, on the page and in the account."""
    words = ("report", configs["llama-3.1-8b"], "--hardware", "mi300x")
    reason = "no machine of AMD was measured in this regime"
    assert reason in " ".join(run(*words).out.split())
    assert reason in " ".join(run(*words, "--explain", "tpot_s").out.split())
    model = model_of("llama-3.1-8b")
    served = ps.ServingSpec(engine="vllm", schedule="continuous")
    e = ps.estimate(model=model, hardware="h100-sxm", serving=served)
    assert e.remarks("tpot_s") == e.remarks("parameters") == ()


def test_distinct_layers_have_a_line_each(run: Run, configs: Paths) -> None:
    """Windowed and full layers, dense and expert ones, each with its count."""
    flat = " ".join(run("report", configs["gemma-2-9b"]).out.split())
    assert "42 layers (of 2 kinds)" in flat
    assert "21 × grouped attention (heads 16, kv heads 8, head width 256, window 4,096)" in flat
    flat = " ".join(run("report", configs["deepseek-v3"]).out.split())
    assert "3 × latent attention" in flat
    assert "58 × latent attention" in flat
    assert "draft 1 ×" in flat


def test_what_does_not_fit_is_said(run: Run, configs: Paths) -> None:
    """A model larger than the memory is told so; its layout over devices may make it fit."""
    words = ("report", configs["deepseek-v3"], "--hardware", "h200-sxm")
    assert "does not fit" in run(*words).out
    spread = (*words, "--tensor", "8", "--expert", "8", "--weight-format", "fp8")
    assert ": fits" in run(*spread).out


def test_the_json_is_what_estimate_says(run: Run, configs: Paths) -> None:
    """Every number of the JSON equals the one in Python; NaN is null."""
    words = ("--batch", "4", "--prompt-tokens", "1k", "--output-tokens", "65", "--tokens", "2T")
    ran = run("report", configs["mixtral-8x7b"], "--hardware", "h100-sxm", *words, "--json")
    told = loaded(ran.out)
    e = ps.estimate(
        model=model_of("mixtral-8x7b"),
        hardware="h100-sxm",
        serving=ps.ServingSpec(batch=4, prompt_tokens=1000, output_tokens=65),
        training=ps.TrainingSpec(tokens=2e12),
    )
    assert set(told["quantities"]) == set(e)
    for name, found in told["quantities"].items():
        assert found["value"] == float(e[name].value)
        assert found["unit"] == e[name].unit
        assert found["source"] == e[name].source
        assert found["estimator"] == e[name].estimator
        assert found["inside"] is bool(e[name].inside)
        assert found["remarks"] == list(e.remarks(name))
        assert found["reasons"] == []
        for end in ("low", "high"):
            value = float(getattr(e[name], end))
            assert found[end] == (None if math.isnan(value) else value)
    assert "the engine is not stated" in told["quantities"]["tpot_s"]["remarks"]
    assert told["quantities"]["loss_nats"]["low"] is None
    assert "step_flops" in told["missing"]
    assert not told["missing"].keys() & told["quantities"].keys()
    assert told["serving"]["prompt_tokens"] == 1000.0
    assert told["hardware"]["name"] == "NVIDIA H100 80GB SXM"


def test_use_and_quantities(run: Run, configs: Paths) -> None:
    """A convention by name changes the number; only what is asked for is told."""
    words = ("report", configs["llama-3.1-8b"], "--quantities", "prefill_flops", "--json")
    causal = loaded(run(*words).out)["quantities"]
    full = loaded(run(*words, "--use", "prefill_flops=full_attention").out)["quantities"]
    assert list(causal) == ["prefill_flops"]
    assert full["prefill_flops"]["value"] > causal["prefill_flops"]["value"]
    assert full["prefill_flops"]["estimator"] == "full_attention"
    page = run("report", configs["llama-3.1-8b"], "--quantities", "prefill_flops").out
    assert "Estimates\n  prefill_flops" in page
    assert "kv_cache_bytes" not in page


def test_all_quantities(run: Run, configs: Paths) -> None:
    """The page shows the usual quantities; ``all`` adds those that are asked for by name."""
    words = ("report", configs["llama-3.1-8b"], "--hardware", "h100-sxm", "--tokens", "15T")
    assert "fewest_devices" not in run(*words).out
    ran = run(*words, "--quantities", "all")
    assert "fewest_devices" in ran.out
    assert "Not estimated" in ran.out


def test_explain(run: Run, configs: Paths) -> None:
    """The account of one number, down to what was given, in lines that fit."""
    ran = run("report", configs["llama-3.1-8b"], "--hardware", "h100-sxm", "--explain", "ttft_s")
    assert ran.out.startswith("ttft_s = ")
    assert "expected_first_token" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_unknown_fields(run: Run, tmp_path: Path) -> None:
    """A field that looks like architecture is refused by name, or left aside when told so."""
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({**CONFIGS["llama-3.1-8b"], "num_attention_moons": 7}))
    ran = run("report", path)
    assert ran.code == 2
    assert "num_attention_moons" in ran.err
    assert run("report", path, "--unknown-fields", "ignore").code == 0


def test_a_published_model_by_name(run: Run) -> None:
    """A name of the catalogue, where no path is called so."""
    ran = run("report", "llama-3.1-8b", "--hardware", "h100", "--json")
    assert loaded(ran.out)["quantities"]["parameters"]["value"] == 8_030_261_248


def test_a_path_goes_before_a_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is called like a published model is what is read."""
    folder = tmp_path / "llama-3.1-8b"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIGS["mamba-130m"]))
    monkeypatch.chdir(tmp_path)
    told = loaded(run("report", "llama-3.1-8b", "--json").out)
    assert told["model"]["family"] == "mamba"


def test_an_unknown_memory_is_said(run: Run, configs: Paths) -> None:
    """A machine whose figure is not on record is not guessed: the page says so, JSON holds null."""
    lacking = [k for k, m in ps.hardware.items() if math.isnan(m.memory_bandwidth_bytes_per_s)]
    if not lacking:
        pytest.skip("every machine has a bandwidth on record")
    words = ("report", configs["llama-3.1-8b"], "--hardware", lacking[0])
    assert loaded(run(*words, "--json").out)["quantities"]["tpot_s"]["value"] is None
    assert "nan" in run(*words).out


def test_tensors_alone(run: Run, tmp_path: Path) -> None:
    """Of a file of tensors the counts are known and the work is not: said so, null in JSON."""
    header = {
        "model.embed_tokens.weight": {"dtype": "BF16", "shape": [6, 4], "data_offsets": [0, 48]},
        "model.up.weight": {"dtype": "BF16", "shape": [4, 4], "data_offsets": [48, 80]},
    }
    text = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(80))
    ran = run("report", path, "--hardware", "h100-sxm")
    assert ran.code == 0
    assert "whether it fits is not known" in ran.out
    told = loaded(run("report", path, "--hardware", "h100-sxm", "--json").out)["quantities"]
    assert told["parameters"]["value"] == 40.0
    assert told["weight_bytes"]["value"] == 80.0
    assert told["tpot_s"]["value"] is None


def test_what_was_assumed_is_said(run: Run) -> None:
    """The place, its account, and that one device trains; what is missing is told once a need."""
    words = ("report", "llama-3.1-8b", "--hardware", "h100-sxm")
    flat = " ".join(run(*words, "--tokens", "15T").out.split())
    assert "site average of the world; energy of the facility, location-based carbon" in flat
    assert "training 15 T tokens, on one device (--data N adds more)" in flat
    assert "of 74.5 GiB: does not fit" in flat  # training on one device
    flat = " ".join(run(*words, "--site", "FR").out.split())
    assert "site FR; energy of the facility" in flat
    assert flat.count("needs --tokens") == 1


def test_a_page_of_its_own(run: Run, tmp_path: Path) -> None:
    """--html writes every number, interval and source, and nothing that is loaded from outside."""
    path = tmp_path / "page.html"
    ran = run("report", "llama-3.1-8b", "--hardware", "h100-sxm", "--html", path)
    assert (ran.code, ran.out) == (0, "")
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "<script" not in text
    assert 'href="' not in text
    for name in ("tpot_s", "kv_cache_bytes", "cost_per_token_usd", "needs --tokens"):
        assert name in text
    assert "<small>" in text
