"""Measured memory of serving: sizes of weight files, cache bytes a token, peaks of a device.

The rows of training are compared in ``training_memory``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from paramscale.analysis.estimate import estimate
from paramscale.catalogue.file_types import file_type, file_types
from paramscale.errors import ParamscaleError
from paramscale.specs.serving import ServingSpec
from paramscale.validation.names import format_named, model_named
from paramscale.validation.row import Cells, Comparison, compare_each, read_rows, table

__all__ = ["serving_memory"]

NAME = "systems/memory"


@table(f"{NAME}.csv")
def serving_memory(folder: Path) -> Iterable[Comparison]:
    """Compare weights and caches of served models."""
    return compare_each(read_rows(folder / f"{NAME}.csv"), _served, "kv_cache_bytes", NAME)


def _served(row: Cells) -> Iterable[Comparison]:
    return [_compare(row)] if row["phase"] == "inference" and row["value_bytes"] else []


def _compare(row: Cells) -> Comparison:
    quantity = _quantity(row["quantity"].lower())
    truth = float(row["value_bytes"])
    place = (quantity, NAME, row["row_id"], truth)
    try:
        value = _estimate(row, quantity)
    except ParamscaleError as error:
        return Comparison(*place, group=row["source_group"], refused=str(error))
    if value is None:
        refused = f"what {row['quantity']!r} holds is not said"
        return Comparison(*place, group=row["source_group"], refused=refused)
    return Comparison(*place, value, group=row["source_group"])  # exact but for the file's header


def _quantity(text: str) -> str:
    if "kv" in text or "cache" in text:
        return "kv_cache_bytes"
    return "weight_bytes" if "weight" in text or "file" in text else "serving_memory_bytes"


def _estimate(row: Cells, quantity: str) -> float | None:
    """Return weights, or the cache of one token; other rows lack batch and length."""
    text = re.sub(r"\s*\((?:MLA|GQA|MHA|MQA)\)$", "", row["model"])
    model, name = model_named(text), row["precision"]
    if quantity == "weight_bytes":
        known = name.lower() in file_types()
        stored = file_type(name, model) if known else format_named(name)
        serving = ServingSpec(weight_format=stored)
    elif "per token" in row["quantity"]:
        serving = ServingSpec(prompt_tokens=1, output_tokens=0, kv_format=format_named(name))
    else:
        return None
    found = estimate(model=model, serving=serving, quantities=[quantity])[quantity]
    return float(found.value)
