"""What every transform promises, of every architecture to which it applies."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import pytest

import paramscale as ps
from paramscale.errors import SpecError
from paramscale.specs.changes import Change
from paramscale.specs.passes import Pass
from paramscale.transforms.chain import transforms

#: Dense, with experts, latent attention, hybrid with a state, windowed, and a state space alone.
MODELS = (
    "llama-3.1-8b", "mixtral-8x7b", "deepseek-v2-lite", "jamba-v0.1", "gemma-2-9b", "mamba-130m",
)  # fmt: skip

Make = Callable[[ps.ModelSpec], ps.ModelSpec]

#: At least one call of every transform.
CALLS: dict[str, Make] = {
    "quantize": lambda m: ps.quantize(m, "fp8", kv="fp8"),
    "quantize file": lambda m: ps.quantize(m, "q4_k_m"),
    "prune": lambda m: ps.prune(m, sparsity=0.5, storage="bitmask"),
    "prune 2:4": lambda m: ps.prune(m, "2:4"),
    "prune heads": lambda m: ps.prune(m, "heads", 0.5),
    "prune width": lambda m: ps.prune(m, "width", 0.25),
    "prune depth": lambda m: ps.prune(m, "depth", 0.25),
    "prune experts": lambda m: ps.prune(m, "experts", 0.5),
    "low_rank": lambda m: ps.low_rank(m, share=0.5),
    "distil": lambda m: ps.distil(ps.prune(m, "depth", 0.25), m, tokens=1e10),
    "adapt": lambda m: ps.adapt(m, 8),
    "upcycle": lambda m: ps.upcycle(m),
    "share_kv": lambda m: ps.share_kv(m, 1),
    "share_kv latent": lambda m: ps.share_kv(m, latent=256),
    "window": lambda m: ps.window(m, 512),
}

#: Transforms that make a model larger in some way.
GROWS = {"adapt", "upcycle", "share_kv latent"}

WANTED = ["parameters", "weight_bytes", "kv_cache_bytes", "decode_flops", "prefill_flops"]


def apply(name: str, model: str) -> ps.ModelSpec:
    """Return the transformed model; what does not apply is refused with a reason, and skipped."""
    try:
        return CALLS[name](ps.models[model])
    except SpecError as error:
        pytest.skip(str(error))


def figures(model: Any) -> dict[str, float]:
    e = ps.estimate(model=model, quantities=WANTED)
    return {name: float(e[name].value) for name in WANTED}


def test_every_transform_is_called_here() -> None:
    """A new transform gets a line above."""
    ours = {name for name, each in transforms.items() if each.__module__.startswith("paramscale.")}
    assert {name.partition(" ")[0] for name in CALLS} == ours


@pytest.mark.parametrize("name", CALLS)
def test_every_transform_applies_to_something(name: str) -> None:
    """Not all architectures are refused."""
    made = 0
    for model in MODELS:
        try:
            CALLS[name](ps.models[model])
            made += 1
        except SpecError:
            continue
    assert made >= 1


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", CALLS)
class TestEvery:
    """One transform of one architecture."""

    def test_leaves_a_record(self, name: str, model: str) -> None:
        """The last record says what was done; the model that was given is as it was."""
        before = len(ps.models[model].changes)
        made = apply(name, model)
        assert len(made.changes) > before == len(ps.models[model].changes) == 0
        assert isinstance(made.changes[-1], Change)

    def test_round_trip(self, name: str, model: str) -> None:
        """Written to JSON and read again, it does the same, and carries the same records."""
        made = apply(name, model)
        again = ps.ModelSpec.from_dict(json.loads(json.dumps(made.to_dict())))
        assert figures(again) == figures(made)
        for one, other in zip(again.changes, made.changes, strict=True):
            np.testing.assert_equal(attrs.asdict(one), attrs.asdict(other))

    def test_nothing_grows(self, name: str, model: str) -> None:
        """Parameters, bytes, cache and FLOPs fall or stay, and one of them falls."""
        made, before = figures(apply(name, model)), figures(ps.models[model])
        if name in GROWS:
            return
        assert all(made[each] <= before[each] for each in WANTED)
        assert any(made[each] < before[each] for each in WANTED)

    def test_work_is_two_a_weight(self, name: str, model: str) -> None:
        """FLOPs of a token are 2 for each active weight of a matrix, also of a changed one."""
        if model == "mamba-130m":
            pytest.skip("its convolutions and scans have parameters and are no matrices")
        made = apply(name, model)
        e = ps.estimate(model=made, quantities=["matmul_parameters"])
        flops = sum(
            count * op.flops
            for count, op in made.operations(Pass(1.0, 1.0))
            if op.kind == "matmul" and op.part != "head"
        )
        head = sum(op.flops for _, op in made.operations(Pass(1.0, 1.0)) if op.part == "head")
        assert (flops + head) / 2.0 == pytest.approx(e.matmul_parameters.value, rel=2e-3)

    def test_times_follow(self, name: str, model: str) -> None:
        """Expected times are finite and not below their bounds."""
        made = apply(name, model)
        asked: dict[str, Any] = {
            "model": made, "hardware": "h100-sxm", "quantities": ["tpot_s", "ttft_s"],
        }  # fmt: skip
        expected = ps.estimate(**asked)
        bound = ps.estimate(
            **asked, use={"tpot_s": "decode_roofline", "ttft_s": "prefill_roofline"}
        )
        for each in ("tpot_s", "ttft_s"):
            assert expected[each].value >= bound[each].value > 0.0


@pytest.mark.parametrize(
    "make",
    [
        lambda x: ps.prune("llama-3.1-8b", sparsity=x, storage="csr"),
        lambda x: ps.prune("llama-3.1-8b", "width", x),
        lambda x: ps.prune("llama-3.1-8b", "depth", x),
        lambda x: ps.prune("llama-3.1-8b", "heads", x),
        lambda x: ps.prune("mixtral-8x7b", "experts", x),
        lambda x: ps.low_rank("llama-3.1-8b", share=1.0 - x),
        lambda x: ps.low_rank("llama-3.1-8b", rank=np.asarray(x) * 1000.0),
        lambda x: ps.adapt("llama-3.1-8b", np.asarray(x) * 40.0),
        lambda x: ps.window("llama-3.1-8b", np.asarray(x) * 1600.0),
        lambda x: ps.share_kv("llama-3.1-8b", latent=np.asarray(x) * 1600.0),
        lambda x: ps.upcycle("mistral-7b-v0.1", np.asarray(x) * 80.0),
    ],
)
def test_a_grid_is_its_points(make: Callable[[Any], ps.ModelSpec]) -> None:
    """An array of shares, ranks or windows gives what each of them alone gives."""
    shares = np.array([0.1, 0.25, 0.5, 0.75])
    grid = ps.estimate(model=make(shares), hardware="h100-sxm", quantities=[*WANTED, "tpot_s"])
    for place, share in enumerate(shares):
        point = ps.estimate(model=make(share), hardware="h100-sxm", quantities=[*WANTED, "tpot_s"])
        for name in [*WANTED, "tpot_s"]:
            values = np.broadcast_to(grid[name].value, shares.shape)
            assert values[place] == pytest.approx(float(point[name].value), rel=1e-12), name
