"""Rows of ``capability/quantization.csv`` and ``pruning.csv`` as changes of a model."""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np

from paramscale.errors import SpecError
from paramscale.laws.compression_methods import Method, method_named
from paramscale.specs.changes import Pruning, Quantization

__all__ = ["Compressed", "pruned", "quantized", "tokens_of"]


class Compressed(NamedTuple):
    """What was done to a model, and the loss that it added.

    Attributes
    ----------
    name, base : str
        Of the model as written, and without its tuning: what is left out together.
    parameters, tokens : float
        Of the model; tokens are NaN where nobody says.
    change : Quantization or Pruning
        What was done.
    text : str
        ``"wikitext"`` or ``"ordinary"``: what loss was measured on.
    added, rounding : float
        Loss added [nats], and the standard deviation of what printed digits leave open.
    method : Method
        Its kind.
    source : str
        Of the row.
    """

    name: str
    base: str
    parameters: float
    tokens: float
    change: Any
    text: str
    added: float
    rounding: float
    method: Method
    source: str


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return np.nan


def _size(row: dict[str, str], column: str, model: str) -> float:
    """Return the parameters that a row states, or else those that the model's name does."""
    stated = _number(row.get(column))
    if stated > 0.0:
        return stated
    found = re.search(r"(\d+(?:\.\d+)?)\s*([bm])(?![a-z])", model.lower())
    return float(found[1]) * (1e9 if found[2] == "b" else 1e6) if found else np.nan


def _digits(*texts: str) -> int:
    return max(len(text.strip().partition(".")[2]) for text in texts)


def _rounding(row: dict[str, str], value: str, reference: str) -> float:
    """Return the deviation of a difference of logs of two perplexities that were rounded."""
    if not (_number(row[reference]) > 0.0 and _number(row[value]) > 0.0):
        return 0.0
    half = 0.5 * 10.0 ** -_digits(row[value], row[reference])
    return half * float(np.sqrt(2.0 / 3.0)) / float(row[reference])


@cache
def _known_tokens() -> tuple[tuple[re.Pattern[str], float], ...]:
    file = resources.files("paramscale.validation").joinpath("data", "training_tokens.csv")
    rows = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    return tuple((re.compile(row["pattern"]), float(row["training_tokens"])) for row in rows)


def tokens_of(model: str) -> float:
    """Return the training tokens of a published model, NaN where its publisher does not say.

    Examples
    --------
    >>> tokens_of("LLaMA-V1 30B"), tokens_of("llama2-70b"), tokens_of("Mistral-7B")
    (1400000000000.0, 2000000000000.0, nan)
    """
    name = re.sub(r"[-_ ]", "", model.lower().rpartition("/")[2])
    return next((tokens for pattern, tokens in _known_tokens() if pattern.search(name)), np.nan)


def _base(model: str) -> str:
    name = re.sub(r"[-_ ]", "", model.lower())
    return re.sub(r"instruct\d*|chat|hf$|v1(?=\d)", "", name).replace("llama3.1", "llama3")


def _text(dataset: str) -> str:
    return "wikitext" if "wiki" in dataset.lower() else "ordinary"


def _tokens(row: dict[str, str], model: str) -> float:
    stated = _number(row.get("training_tokens"))
    return stated if np.isfinite(stated) else tokens_of(model)


def quantized(row: dict[str, str]) -> Compressed:
    """Return a row of quantization.csv.

    Raises
    ------
    SpecError
        If it states no size, no bits, or no loss before and after.
    """
    added, size = _number(row["delta_loss_nats"]), _size(row, "params", row["model"])
    nominal = _number(row["weight_bits_nominal"])
    effective = _number(row["weight_bits_effective"])
    bits = nominal if np.isfinite(nominal) else effective
    if not np.isfinite(added):
        raise SpecError(f"the row gives no loss before and after, but {row['metric']}")
    if not (np.isfinite(size) and np.isfinite(bits)):
        raise SpecError("the row states no size, or no bits")
    method = method_named(row["method"])
    beside = "same weights" in (row.get("note") or "")  # the reference has them rounded too
    whole = beside or effective >= 15.0 or row["format"].strip().lower() in ("fp16", "f16", "bf16")
    change = Quantization(
        method=f"{row['method']} {row['format']}" if method.family == "gguf" else row["method"],
        weight_bits=16.0 if whole else bits,
        bits_per_weight=16.0 if whole else effective,
        group=_group(row),
        activation_bits=_bits(row["activation_bits"]),
        kv_bits=_bits(row["kv_bits"]),
        importance_matrix="imatrix" in row["method"].lower(),
        kv_format="fp8_e5m2" if "KV FP8" in (row.get("note") or "") else "",
    )
    return Compressed(
        row["model"], _base(row["model"]), size, _tokens(row, row["model"]), change,
        _text(row["dataset"]), added, _rounding(row, "value", "reference_16bit"),
        method, row["source"],
    )  # fmt: skip


def _bits(text: str) -> float:
    bits = _number(text)
    return bits if np.isfinite(bits) else 16.0


def _group(row: dict[str, str]) -> float | None:
    """Return the weights that share a scale; None: a row, or the table does not say."""
    stated = _number(row["group_size"])
    if np.isfinite(stated):
        return stated
    found = re.search(r"g(\d+)", f"{row['format']} {row['method']}".lower())
    return float(found[1]) if found else None


_STRUCTURES = {
    "2:4": "2:4", "4:8": "4:8", "unstructured": "unstructured", "width": "width",
    "depth": "depth", "head": "heads", "expert": "experts", "structured": "width",
}  # fmt: skip


def pruned(row: dict[str, str]) -> Compressed:
    """Return a row of pruning.csv.

    Raises
    ------
    SpecError
        If it states no size, structure or share, or no loss before and after.
    """
    added, size = _number(row["delta_loss_nats"]), _size(row, "params_before", row["model"])
    share = _number(row["sparsity_or_ratio"])
    if not np.isfinite(added):
        raise SpecError(f"the row gives no loss before and after, but {row['metric']}")
    if not (np.isfinite(size) and np.isfinite(share)):
        raise SpecError("the row states no size, or no sparsity")
    share = share / 100.0 if share >= 1.0 else share
    word = row["structure"].lower()
    structure = next((known for key, known in _STRUCTURES.items() if key in word), None)
    if structure is None:
        raise SpecError(f"the structure {row['structure']!r} is not known")
    family = "cut" if structure in ("unstructured", "2:4", "4:8") else "structured"
    recovery = _number(row["recovery_training_tokens"])
    change = Pruning(
        method=row["method"],
        structure=structure,
        sparsity=share,
        parameters_before=size,
        parameters_after=_number(row["params_after"]),
        recovery_tokens=recovery if np.isfinite(recovery) else 0.0,
    )
    return Compressed(
        row["model"], _base(row["model"]), size, _tokens(row, row["model"]), change,
        _text(row["dataset"]), added, _rounding(row, "value", "reference_dense"),
        method_named(row["method"], family), row["source"],
    )  # fmt: skip
