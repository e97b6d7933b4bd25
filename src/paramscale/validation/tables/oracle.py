"""Configurations and what the real modelling code has for them: counts, FLOPs and caches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from paramscale.analysis.estimate import estimate
from paramscale.errors import ParamscaleError
from paramscale.io.hf.family import model_from_config
from paramscale.specs.model import ModelSpec
from paramscale.specs.passes import Pass
from paramscale.specs.serving import ServingSpec
from paramscale.validation.row import Comparison, compare_each, read_records, table

__all__ = ["random_configurations", "real_configurations"]

#: Field of a record, the quantity that it is, and the convention.
_COUNTS = (
    ("total_params", "parameters", "tied"),
    ("untied_total_params", "parameters", "untied"),
    ("active_params", "active_parameters", "active"),
    ("active_params_matmul", "matmul_parameters", "matmul"),
)
_TABLES = ("token_embedding_params", "position_embedding_params", "other_embedding_params")


@table("oracle/truth.jsonl")
def real_configurations(folder: Path) -> Iterable[Comparison]:
    """Compare the published configurations."""
    return _records(folder, "oracle/truth")


@table("oracle/truth_defaults.jsonl")
def class_defaults(folder: Path) -> Iterable[Comparison]:
    """Compare the default model of each class."""
    return _records(folder, "oracle/truth_defaults")


@table("oracle/stress.jsonl")
def random_configurations(folder: Path) -> Iterable[Comparison]:
    """Compare random small configurations."""
    return _records(folder, "oracle/stress")


def _records(folder: Path, name: str) -> Iterator[Comparison]:
    def measured(line: str) -> Iterator[Comparison]:
        record = json.loads(line)
        if record.get("ok") and not record.get("suspect"):
            yield from _compare(record, _config(record, folder), name)

    return compare_each(read_records(folder / f"{name}.jsonl"), measured, "parameters", name)


def _config(record: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the configuration of a record: its own, that of its file, or its class's default."""
    if "config" in record:
        return dict(record["config"])
    path = folder / "oracle/configs" / f"{record['name']}.json"
    if path.exists():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    return {"model_type": record["model_type"]}


def _compare(record: dict[str, Any], config: dict[str, Any], name: str) -> Iterator[Comparison]:
    row = str(record["name"])
    try:
        model = model_from_config(config)
    except ParamscaleError as error:
        yield Comparison("parameters", name, row, float(record["total_params"]), refused=str(error))
        return
    for field, quantity, convention in _COUNTS:
        found = estimate(model=model, quantities=[quantity], use={quantity: convention})
        group = convention if quantity == "parameters" else ""
        yield _exact(quantity, name, row, record[field], found[quantity].value, group)
    tabled = estimate(model=model, quantities="embedding_parameters")["embedding_parameters"]
    truth = sum(record[field] for field in _TABLES)
    yield _exact("embedding_parameters", name, row, truth, tabled.value)
    yield from _runs(record, model, name, row)


def _exact(
    quantity: str, name: str, row: str, truth: float, predicted: Any, group: str = ""
) -> Comparison:
    """Return a comparison of exact arithmetic, whose interval is the value itself."""
    value = float(predicted)
    return Comparison(quantity, name, row, float(truth), value, value, value, group)


def _runs(record: dict[str, Any], model: ModelSpec, name: str, row: str) -> Iterator[Comparison]:
    """Compare FLOPs and caches of the passes that were measured."""
    scans = any(op.kind == "scan" for _, op in model.operations(Pass(1.0, 1.0)))
    group = "with a scan" if scans else "without a scan"
    for shape, run in (record.get("flops") or {}).items():
        if isinstance(run, dict) and run.get("total"):
            truth = run.get("total_sparse") or run["total"]
            yield _prefill("prefill_flops", model, shape, truth, (name, row, group))
    for shape, held in (record.get("cache") or {}).items():
        if isinstance(held, dict) and "bytes" in held:
            yield _prefill("kv_cache_bytes", model, shape, held["bytes"], (name, row, ""))
    for shape, run in (record.get("flops_decode") or {}).items():
        if isinstance(run, dict) and run.get("total"):
            truth = run.get("total_sparse") or run["total"]
            yield _prefill("decode_flops", model, shape, truth, (name, row, group))


def _prefill(
    quantity: str, model: ModelSpec, shape: str, truth: float, place: tuple[str, str, str]
) -> Comparison:
    """Compare one quantity of a pass whose shape is ``"BxS"``, in the counter's convention."""
    batch, tokens = map(int, shape.split("x"))
    serving = ServingSpec(batch=batch, prompt_tokens=tokens, output_tokens=0)
    use = {quantity: "full_attention"} if quantity.endswith("flops") else None
    found = estimate(model=model, serving=serving, quantities=[quantity], use=use)[quantity]
    name, row, group = place
    value = found.value if np.ndim(found.value) == 0 else np.nan
    return _exact(quantity, name, f"{row} {shape}", truth, value, group)
