"""Points a second of other tools that give latencies of a served model, where they are installed.

    pip install llm-analysis==0.2.2 genz_llm==0.0.16
    python -m pytest benchmarks/test_peers.py --benchmark-only

Each is asked for prompts and tokens of an 8B model, one point a call, as it takes them;
`test_sweep` times 2 million points. llm-analysis wants an inner width that is a multiple of the
width.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any

import pytest

POINTS = cycle((batch, prompt) for prompt in range(512, 1512) for batch in (1, 2, 4))


@pytest.mark.filterwarnings("default")
@pytest.mark.benchmark(group="one point")
def test_llm_analysis(benchmark: Any, capsys: Any) -> None:
    """Closed formulas for a layer, with efficiencies that the caller gives."""
    analysis = pytest.importorskip("llm_analysis.analysis")
    config = pytest.importorskip("llm_analysis.config")
    model = config.ModelConfig(
        name="8b", num_layers=32, n_head=32, hidden_dim=4096, vocab_size=128256,
        ffn_embed_dim=16384, max_seq_len=8192,
    )  # fmt: skip
    machine = config.get_gpu_config_by_name("a100-sxm-80gb")
    asked = analysis.LLMAnalysis(
        model, machine, config.DtypeConfig(), config.ParallelismConfig(),
        flops_efficiency=0.5, hbm_memory_efficiency=0.7,
    )  # fmt: skip

    def one() -> None:
        batch, prompt = next(POINTS)
        asked.inference(batch_size_per_gpu=batch, seq_len=prompt, num_tokens_to_generate=128)

    benchmark(one)


@pytest.mark.filterwarnings("default")
@pytest.mark.benchmark(group="one point")
def test_genz(benchmark: Any, capsys: Any) -> None:
    """A table of operators, prefill and decode."""
    genz = pytest.importorskip("GenZ")
    fixed = {
        "model": "meta-llama/Meta-Llama-3.1-8B", "system_name": "H100_GPU", "bits": "bf16",
        "tensor_parallel": 1,
    }  # fmt: skip

    def one() -> None:
        batch, prompt = next(POINTS)
        genz.prefill_moddeling(batch_size=batch, input_tokens=prompt, **fixed)
        genz.decode_moddeling(batch_size=batch, input_tokens=prompt, output_tokens=128, **fixed)

    benchmark.pedantic(one, rounds=10)
