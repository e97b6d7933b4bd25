"""Comparison of a read configuration with what the reference modelling code has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import paramscale as ps
from paramscale.io.hf.family import model_from_config

DATA = Path(__file__).parent.parent / "data"

COUNTS = (
    "parameters",
    "active_parameters",
    "matmul_parameters",
    "embedding_parameters",
)


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a packed table."""
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def read(record: Mapping[str, Any]) -> ps.ModelSpec:
    """Return the model of a record."""
    return model_from_config(record["config"])


def counts(model: ps.ModelSpec) -> dict[str, float]:
    """Return every count by the library's names, and the untied total."""
    found = ps.estimate(model=model, quantities=COUNTS)
    untied = ps.estimate(model=model, quantities=["parameters"], use={"parameters": "untied"})
    made = {name: float(found[name].value) for name in COUNTS}
    return {**made, "untied": float(untied["parameters"].value)}


def served(model: ps.ModelSpec, shape: str, quantity: str) -> float:
    """Return FLOPs (in the counter's convention) or cache bytes of a ``"BxS"`` prefill."""
    batch, tokens = map(int, shape.split("x"))
    serving = ps.ServingSpec(batch=batch, prompt_tokens=tokens, output_tokens=0)
    use = {"prefill_flops": "full_attention"} if quantity == "prefill_flops" else None
    found = ps.estimate(model=model, serving=serving, quantities=[quantity], use=use)
    return float(found[quantity].value)


def has_scan(model: ps.ModelSpec) -> bool:
    """Return whether the model has a recurrence, whose FLOPs the counter does not see."""
    return any(op.kind == "scan" for _, op in model.operations(ps.Pass(1, 1)))
