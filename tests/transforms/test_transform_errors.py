"""Every refusal of a transform says what was wrong and what would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import paramscale as ps
from paramscale.errors import ParamscaleError, SpecError, UnknownNameError

LLAMA = "llama-3.1-8b"

REFUSED: list[tuple[Callable[[], Any], str]] = [
    # formats
    (lambda: ps.quantize(LLAMA, "nvfp"), "no format is called 'nvfp'; did you mean 'nvfp4'"),
    (lambda: ps.quantize(LLAMA, "q4_k_n"), "did you mean 'q4_k_s' or 'q4_k_m'"),
    (lambda: ps.quantize(LLAMA), r"needs a format: of weights, kv or activations"),
    (
        lambda: ps.quantize("qwen2.5-0.5b", "q4_k"),
        r"blocks of 256 weights \(q4_k\) do not divide the rows of attention.query, 896 weights;"
        " write a file type such as 'q4_k_m'.*groups of 128",
    ),
    (lambda: ps.quantize("falcon-7b", "awq-int4-g128"), "do not divide.*a format of groups of 64"),
    (lambda: ps.quantize(LLAMA, "2:4-fp8"), r"write prune\(model, '2:4'\) first"),
    (lambda: ps.quantize("lama-3.1-8b", "fp8"), "did you mean 'llama-3.1-8b'"),
    (lambda: ps.quantize(8e9, "fp8"), "takes a ModelSpec or the name of a model, not 8000000000.0"),
    # pruning
    (lambda: ps.prune(LLAMA), "needs a sparsity, such as sparsity=0.5"),
    (lambda: ps.prune(LLAMA, sparsity=1.0), r"at least 0 and less than 1, not 1"),
    (lambda: ps.prune(LLAMA, "width", -0.5), r"at least 0 and less than 1, not -0\.5"),
    (lambda: ps.prune(LLAMA, sparsity=[0.5, 1.5]), "not 1.5 at index 1"),
    (lambda: ps.prune(LLAMA, "2:4", 0.7), "has a sparsity of 0.5, not 0.7"),
    (lambda: ps.prune(LLAMA, "2:5"), "no structure to prune is called '2:5'; did you mean '2:4'"),
    (lambda: ps.prune(LLAMA, "2:4", width=3072), "zeros leave the shapes; write sparsity"),
    (lambda: ps.prune(LLAMA, "depth"), "needs a sparsity or layers"),
    (lambda: ps.prune(LLAMA, "depth", 0.5, layers=16), "needs a sparsity or layers, one of them"),
    (lambda: ps.prune(LLAMA, "depth", heads=8), "takes layers, not heads"),
    (lambda: ps.prune(LLAMA, "depth", layers=40), "write a number from 1 to 32"),
    (lambda: ps.prune(LLAMA, "width", width=8192), "has 4096 channels; write fewer"),
    (lambda: ps.prune(LLAMA, "width", inner=20000), "would make the model larger"),
    (lambda: ps.prune(LLAMA, "heads", heads=12), "write a multiple of 8"),
    (lambda: ps.prune(LLAMA, "heads", heads=64), "attention has 32 heads; write fewer"),
    (lambda: ps.prune(LLAMA, "experts", 0.5), "has no experts; write structure='width'"),
    (lambda: ps.prune("mixtral-8x7b", "experts", experts=1), "write a number from 2 to 8"),
    (lambda: ps.prune("mamba-130m", "heads", 0.5), "has heads"),
    (lambda: ps.prune(LLAMA, "width", 0.5, storage="csr"), "leaves no zeros"),
    (lambda: ps.prune(LLAMA, sparsity=0.5, storage="indexed"), "'indexed'.*is for patterns"),
    # other transforms
    (lambda: ps.low_rank(LLAMA), "needs a rank or a share"),
    (lambda: ps.low_rank(LLAMA, 4096), "saves nothing.*write a rank below 3186"),
    (lambda: ps.distil(LLAMA, "llama-3.2-1b", 1e9), "8.03 billion parameters, more"),
    (lambda: ps.adapt(LLAMA, 16, beside="queries"), "must be one of 'all', 'attention'"),
    (lambda: ps.adapt("mamba-130m", 16, beside="attention"), "has no such matrices"),
    (lambda: ps.upcycle("mixtral-8x7b"), "has no dense feed-forward blocks to copy"),
    (lambda: ps.upcycle(LLAMA, 2, 4), "chosen must be at most experts"),
    (lambda: ps.upcycle(LLAMA, pieces=3), "does not divide 14336 inner channels"),
    (lambda: ps.share_kv(LLAMA, 16), "a divisor of 32 that is at most 8"),
    (lambda: ps.share_kv(LLAMA, 3), "a divisor of 32 that is at most 8"),
    (lambda: ps.share_kv(LLAMA, 8), "as large as it was"),
    (lambda: ps.share_kv(LLAMA, 4, latent=512), "needs kv_heads or latent, one of the two"),
    (lambda: ps.share_kv("mamba-130m", 1), "as large as it was"),
    (lambda: ps.window("mamba-130m", 512), "attention that a window can limit"),
    (lambda: ps.window(LLAMA, 512, share=0.001), "leaves out all of them"),
    # orders without a meaning
    (
        lambda: ps.prune(ps.quantize(LLAMA, "fp8"), sparsity=0.5),
        r"prune\(structure='unstructured'\) has no meaning after quantization: its weights are"
        " rounded; start from the original model, prune first, and quantize then",
    ),
    (
        lambda: ps.quantize(ps.quantize(LLAMA, "fp8"), "nvfp4"),
        r"quantize\(...\): its weights are rounded already.*start again from the original",
    ),
    (lambda: ps.prune(ps.prune(LLAMA, "2:4"), "width", 0.5), "prune first, and prune then"),
    (lambda: ps.prune(ps.prune(LLAMA, "2:4"), sparsity=0.5), "a pattern of its weights is zero"),
    (lambda: ps.low_rank(ps.prune(LLAMA, "2:4"), 512), "low_rank first, and prune then"),
    (lambda: ps.low_rank(ps.low_rank(LLAMA, 512), 256), "factor once"),
    (lambda: ps.upcycle(ps.adapt(LLAMA, 8)), "no meaning after adaptation"),
    (lambda: ps.quantize(ps.adapt(LLAMA, 8), "fp8"), "quantize first, and adapt then"),
    (lambda: ps.adapt(ps.adapt(LLAMA, 8), 8), "adapters stand beside its weights already"),
    (lambda: ps.distil(ps.quantize(LLAMA, "fp8"), "llama-3.1-70b", 1e9), "distil first"),
    (lambda: ps.adapt(LLAMA, 8, merged=True, frozen="nf4"), "rounded weights cannot take"),
    (
        lambda: ps.estimate(
            model=ps.quantize(LLAMA, "fp8"), serving=ps.ServingSpec(weight_format="bf16")
        ),
        "quantized to weight_format='fp8', but ServingSpec.weight_format says 'bf16'; leave it out",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), REFUSED)
def test_refusals(call: Callable[[], Any], text: str) -> None:
    """Each is a ``ParamscaleError`` whose text matches."""
    with pytest.raises(ParamscaleError, match=text) as caught:
        call()
    assert isinstance(caught.value, (SpecError, UnknownNameError))


def test_a_window_may_come_after_anything() -> None:
    """It changes no weight."""
    made = ps.window(ps.quantize(LLAMA, "fp8"), 4096)
    assert [record.kind for record in made.changes] == ["quantization", "windowed"]


def test_shapes_may_change_more_than_once() -> None:
    """Width, depth and heads are pruned one after the other."""
    made = ps.prune(ps.prune(ps.prune(LLAMA, "depth", 0.25), "width", 0.25), "heads", 0.5)
    assert len(made.changes) == 3
