"""Names that no table of ours has: each row is counted among its nearest kind, none is refused."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from paramscale.laws.compression_methods import method_named
from paramscale.validation.compression_rows import Compressed, bits_in, pruned, quantized
from paramscale.validation.row import Comparison
from paramscale.validation.score import PACKAGED
from paramscale.validation.tables.quantization import compared

#: Method, format, nominal bits, group; then the family it belongs to.
ROUNDED = """
HQQ|4-bit g64|4|64|scalar
HQQ+|2-bit|2||scalar
SpinQuant|W4A8KV8|4||scalar
QuaRot + GPTQ|W4A4KV4|4||scalar
FlatQuant|W4A4|||scalar
EXL2|3.5 bpw|||scalar
EXL3|2.0 bpw|||codebook
QTIP|2-bit|||codebook
bitsandbytes NF4|nf4|||scalar
bitsandbytes LLM.int8()|int8|||scalar
SmoothQuant-O3|W8A8|8||scalar
OmniQuant|w3a16g128|||scalar
AutoRound (SignRound)|W2G128|||scalar
AWQ + TensorRT|INT4-AWQ|||scalar
VPTQ (finetuned)|2.3-bit|||codebook
PV-tuning|1x16g8|1.58||codebook
NVFP4 PTQ (ModelOpt)|NVFP4|||scalar
MXFP4 PTQ|MXFP4|||scalar
MR-GPTQ|MXFP4|4||scalar
FP8 dynamic|FP8|8||scalar
KIVI-2|KV2|16||scalar
KVQuant|nuq3|16||scalar
llama.cpp|Q4_K_L|||gguf
llama.cpp imatrix|IQ3_XXS|||gguf
Unsloth Dynamic 2.0|UD-Q2_K_XL|||gguf
bartowski|Q3_K_XL|||gguf
GGUF|TQ1_0|||gguf
GGUF|TQ2_0|1.58||gguf
ik_llama|IQ4_KS|||gguf
k-quants|Q6_K_L|||gguf
GGUF QAT|Q4_0|4||gguf
BitNet b1.58 2B4T|W1.58A8|1.58||scalar
Quanto|int4|4||scalar
GuidedQuant|3 bits|||scalar
YAQA|4bit|||codebook
torchao int4wo-hqq|int4 g128|4|128|scalar
"""

#: Method, structure, sparsity; then whether single weights are cut.
CUT = """
RIA|2:4|0.5|cut
RIA + channel permutation|N:M semi-structured (2:4)|0.5|cut
BESA|unstructured|50%|cut
ALPS|unstructured|0.7|cut
MaskLLM|2:4||cut
DSnoT|4:8|0.5|cut
Pruner-Zero|unstructured|60|cut
AlphaPruning|unstructured (non-uniform)|0.7|cut
magnitude|1:4||cut
a new one|fine-grained|0.55|cut
LLM-Pruner|block-wise channels|0.2|structured
ShortGPT|layers removed|0.25|structured
SliceGPT|slicing|0.3|structured
FLAP|channels|0.2|structured
Wanda-sp|structured|0.2|structured
SLEB|block removal|0.1|structured
REAP|expert removal|0.5|structured
"""

#: What tables call models, and what size they state.
MODELS = [
    ("Qwen3-8B", ""), ("Qwen/Qwen3-30B-A3B", "3.05e10"), ("google/gemma-3-27b-it", ""),
    ("Mistral-7B-v0.3", ""), ("Mixtral-8x7B", ""), ("microsoft/Phi-3-mini-4k-instruct", "3.8e9"),
    ("phi-4", "1.47e10"), ("OPT-125M", ""), ("BLOOM-176B", ""), ("A new one", "1.2e10"),
]  # fmt: skip


def lines(text: str) -> list[list[str]]:
    return [line.split("|") for line in text.strip().splitlines()]


def blank(name: str) -> dict[str, str]:
    """Return a row of a packaged table without a content, a loss of 0.1 nats apart."""
    with (PACKAGED / "capability" / name).open(encoding="utf-8", newline="") as stream:
        columns = csv.DictReader(stream).fieldnames or []
    return dict.fromkeys(columns, "") | {
        "metric": "perplexity", "dataset": "wikitext2", "delta_loss_nats": "0.1", "source": "new",
    }  # fmt: skip


def is_wide(found: Comparison, row: Compressed) -> bool:
    """Tell whether an estimate is a number inside its interval, wider where a method is new."""
    inside = found.low < found.predicted < found.high
    least = 1.3 if row.method.known and not row.method.alike else 1.8
    return bool(inside and found.high / found.predicted > least)


@pytest.mark.parametrize(("model", "size"), MODELS)
def test_rounding_of_any_name(model: str, size: str) -> None:
    """Size and bits are known: the family is found, and the loss has a sensible value."""
    for method, form, bits, group, family in lines(ROUNDED):
        row = blank("quantization.csv") | {
            "model": model, "params": size, "method": method, "format": form,
            "weight_bits_nominal": bits, "group_size": group,
            "kv_bits": "2" if bits == "16" else "",
        }  # fmt: skip
        parsed = quantized(row)
        assert parsed.method.family == family, (method, form)
        found = compared(parsed, method)
        assert is_wide(found, parsed), (method, form, found)
        assert 1e-5 < found.predicted < 13.0, (method, form)


@pytest.mark.parametrize(("model", "size"), MODELS)
def test_cutting_of_any_name(model: str, size: str) -> None:
    """The same of pruning: structures and shares in any spelling."""
    for method, structure, share, family in lines(CUT):
        row = blank("pruning.csv") | {
            "model": model, "params_before": size, "method": method, "structure": structure,
            "sparsity_or_ratio": share,
        }  # fmt: skip
        parsed = pruned(row)
        assert parsed.method.family == family, (method, structure)
        found = compared(parsed, method)
        assert is_wide(found, parsed), (method, structure, found)
        assert 1e-3 < found.predicted < 13.0, (method, structure, found)


def test_bits_of_formats() -> None:
    """Names of formats tell bits, and the words of a size do not."""
    names = {"w4a16g128": 4.0, "W1.58A8": 1.58, "2.25bpw": 2.25, "IQ3_XXS": 3.0, "mxfp8": 8.0}
    assert {name: bits_in(name) for name in names} == names
    assert np.isnan(bits_in("Llama-3-8B, something"))


def test_cells_in_words() -> None:
    """Sizes, bits, shares and losses in the words of a table instead of numbers."""
    row = blank("quantization.csv") | {
        "model": "A new one", "params": "8.03B", "method": "PTQ", "format": "W4A8",
        "activation_bits": "fp8", "kv_bits": "int8", "value": "6.6", "reference_16bit": "6.0",
        "delta_loss_nats": "",
    }  # fmt: skip
    parsed = quantized(row)
    assert parsed.parameters == pytest.approx(8.03e9)
    assert parsed.change.weight_bits == 4.0
    assert (parsed.change.activation_bits, parsed.change.kv_bits) == (8.0, 8.0)
    assert parsed.added == pytest.approx(np.log(1.1))
    with pytest.raises(ValueError, match="no loss before and after"):
        quantized(row | {"metric": "accuracy"})
    cut = pruned(blank("pruning.csv") | {
        "model": "X-7B", "structure": "semi-structured", "sparsity_or_ratio": "2:4"})  # fmt: skip
    assert (cut.change.structure, cut.change.sparsity) == ("2:4", 0.5)


def test_methods_that_share_letters() -> None:
    """OmniQuant is no i-quant, QuIP is not QuIP#, AutoRound does not round to nearest."""
    names = {"OmniQuant": "omniquant", "QuIP": "quip", "AutoRound": "autoround", "AQLM": "aqlm"}
    assert {name: method_named(name).name for name in names} == names


def test_a_format_of_blocks_does_not_spoil_activations() -> None:
    """NVFP4 with activations adds 0.1 nats to an 8B model (torchao, Llama-3.1-8B), not 1."""
    row = blank("quantization.csv") | {
        "model": "meta-llama/Llama-3.1-8B", "method": "torchao nvfp4", "format": "nvfp4/nvfp4",
        "weight_bits_nominal": "4", "activation_bits": "4",
    }  # fmt: skip
    assert compared(quantized(row), "").predicted == pytest.approx(0.1, rel=0.6)


def test_files_that_state_no_bits_are_as_large_as_files_of_their_type() -> None:
    """Q4_K_M of 4 nominal bits is a file of 4.9, and Q3_K_XL is near the largest Q3_K."""
    row = blank("quantization.csv") | {"model": "Llama-3-8B", "method": "GGUF"}
    found = {
        name: compared(quantized(row | {"format": name}), name).predicted
        for name in ("Q2_K", "Q3_K_XL", "Q4_K_M", "Q4_K_L", "Q6_K")
    }
    assert found["Q2_K"] > 2.0 * found["Q3_K_XL"] > 4.0 * found["Q4_K_M"]
    assert found["Q4_K_L"] == pytest.approx(found["Q4_K_M"], rel=0.3)
    assert found["Q6_K"] < 0.01
