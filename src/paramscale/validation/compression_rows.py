"""Rows of ``capability/quantization.csv`` and ``pruning.csv`` as changes of a model."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from paramscale.analysis.estimate import estimate
from paramscale.core.packaged import packaged_rows
from paramscale.errors import ParamscaleError, SpecError
from paramscale.laws.compression_methods import Method, method_named
from paramscale.specs.changes import Pruning, Quantization
from paramscale.validation.names import model_named

__all__ = ["Compressed", "bits_in", "loss_added", "pruned", "quantized", "tokens_of"]


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
    for words in (row.get(column) or "", model):
        found = _SIZE.search(words.lower())
        if found and not found["times"]:
            return float(found["size"]) * (1e9 if found["unit"] == "b" else 1e6)
    try:
        return float(estimate(model=model_named(model), quantities=["parameters"]).parameters.value)
    except ParamscaleError:
        return np.nan


#: "7B", "125M"; "8x7B" says nothing of the whole.
_SIZE = re.compile(r"(?P<times>\d+x)?(?<![\d.])(?P<size>\d+(?:\.\d+)?)\s*-?(?P<unit>[bm])(?![a-z])")


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
    rows = packaged_rows("paramscale.validation", "training_tokens.csv")
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


def loss_added(row: dict[str, str], reference: str) -> float:
    """Return the loss that a row says was added [nats]; NaN where it measured something else.

    Two perplexities of a token are as good; those of a word have other units.
    """
    stated = _number(row.get("delta_loss_nats"))
    before, after = _number(row.get(reference)), _number(row.get("value"))
    if np.isfinite(stated) or (row.get("metric") or "").strip().lower() not in (
        "perplexity",
        "ppl",
    ):
        return stated
    return float(np.log(after / before)) if min(before, after) > 0.0 else np.nan


def quantized(row: dict[str, str]) -> Compressed:
    """Return a row of quantization.csv.

    Raises
    ------
    SpecError
        If it states no size, no bits, or no loss before and after.
    """
    added, size = loss_added(row, "reference_16bit"), _size(row, "params", row["model"])
    effective = _number(row["weight_bits_effective"])
    nominal = _number(row["weight_bits_nominal"])
    words = f"{row['method']} {row['format']}"
    found = (nominal, effective, bits_in(f"{row['format']} {row['method']}"))
    bits = next((each for each in found if np.isfinite(each)), np.nan)
    if not np.isfinite(added):
        raise SpecError(f"the row gives no loss before and after, but {row['metric']}")
    if not (np.isfinite(size) and np.isfinite(bits)):
        raise SpecError("the row states no size, or no bits")
    method = method_named(row["method"])
    spelt = row["method"]
    if not method.known or method.family == "gguf":  # formats tell which block a file is made of
        method, spelt = method_named(words), words
    beside = "same weights" in (row.get("note") or "")  # the reference has them rounded too
    plain = row["format"].strip().lower() in ("fp16", "f16", "bf16", "fp32", "f32")
    change = Quantization(
        method=spelt,
        weight_bits=16.0 if beside or plain or bits >= 15.0 else bits,
        bits_per_weight=16.0 if beside or plain else effective,
        group=_group(row),
        activation_bits=_bits(row["activation_bits"]),
        kv_bits=_bits(row["kv_bits"]),
        importance_matrix=_weighted(row),
        weight_format="" if method.family == "gguf" else _floating(words, bits),
        activation_format=_floating(words, _bits(row["activation_bits"])),
        kv_format="fp8_e5m2" if "KV FP8" in (row.get("note") or "") else "",
    )
    return Compressed(
        row["model"], _base(row["model"]), size, _tokens(row, row["model"]), change,
        _text(row["dataset"]), added, _rounding(row, "value", "reference_16bit"),
        method, row["source"],
    )  # fmt: skip


def _floating(words: str, bits: float) -> str:
    """Return the floating format of so many bits in some words; "" where there is none."""
    names = {4.0: r"(?:nv|mx)?fp4", 6.0: r"(?:mx)?fp6", 8.0: r"mxfp8|fp8|float8|e4m3|e5m2"}
    found = re.search(names.get(bits, "$^"), words.lower())
    return found[0] if found else ""


def _weighted(row: dict[str, str]) -> bool:
    """Tell whether an importance matrix was used: it is said, or the type needs one."""
    words = f"{row['method']} {row['format']} {row.get('note') or ''}".lower()
    if "imatrix=none" in words or "no imatrix" in words:
        return False
    return "imatrix" in words or "importance matrix" in words or " iq" in words.replace("-", " ")


#: Words that tell bits, first those that say it best.
_BITS = tuple(
    (re.compile(pattern), bits)
    for pattern, bits in (
        (r"\bbf16\b|\bfp16\b|\bf16\b|w16a", 16.0),
        (r"\bw(\d+(?:\.\d+)?)(?=a|g|kv|\b)", 0.0),
        (r"(\d+(?:\.\d+)?)\s*-?_?(?:bits?|bpw)\b", 0.0),
        (r"\bi?q(\d)(?=_|\b)", 0.0),
        (r"\bint-?(\d+)", 0.0),
        (r"\btq[12]_0|ternary|1\.58", 1.58),
        (r"nf4|fp4|mxint4", 4.0),
        (r"fp6", 6.0),
        (r"nf3|fp3", 3.0),
        (r"fp8|float8|e4m3|e5m2|llm\.int8|mxint8", 8.0),
        (r"\bi?q(\d)|\b(?:hqq|gptq|awq|exl[23]|e8p)[-_ ]?(\d)\b", 0.0),
    )
)


def bits_in(words: str) -> float:
    """Return the bits of a weight that the name of a format tells; NaN where it tells none.

    Examples
    --------
    >>> bits_in("Q4_K_M"), bits_in("w3g128"), bits_in("3.5 bpw"), bits_in("NVFP4"), bits_in("new")
    (4.0, 3.0, 3.5, 4.0, nan)
    """
    lower = words.lower()
    for pattern, bits in _BITS:
        found = pattern.search(lower)
        if found:
            return bits or float(next(each for each in found.groups() if each))
    return np.nan


def _bits(text: str) -> float:
    """Return the bits that a cell states, as a number or in words; 16 where it states none."""
    found = (_number(text), bits_in(text or ""))
    return next((each for each in found if np.isfinite(each)), 16.0)


def _group(row: dict[str, str]) -> float | None:
    """Return the weights that share a scale; None: a row, or the table does not say."""
    stated = _number(row["group_size"])
    if np.isfinite(stated):  # -1, or 0: a row
        return stated if stated > 1.0 else None
    words = f"{row['format']} {row['method']}".lower()
    found = re.search(r"g(\d+)", words)
    if found and float(found[1]) > 1.0:
        return float(found[1])
    return 64.0 if re.search("nf4|bnb|bitsandbytes", words) else None  # arXiv:2305.14314


#: Words of structures, and what they are counted among; what is not named is single weights,
#: unless the method takes out whole parts.
_STRUCTURES = {
    "2:4": "2:4", "4:8": "4:8", "unstructured": "unstructured", "semi": "2:4", "width": "width",
    "depth": "depth", "layer-drop": "depth", "layer drop": "depth", "layer removal": "depth",
    "layers": "depth", "block": "depth", "head": "heads", "expert": "experts",
    "channel": "width", "neuron": "width", "row": "width", "column": "width",
    "hidden": "width", "slic": "width", "structured": "width",
}  # fmt: skip


def _structure(row: dict[str, str]) -> str:
    """Return the structure that a row means."""
    word = row["structure"].lower().replace("layerwise", "")
    known = next((known for key, known in _STRUCTURES.items() if key in word), None)
    if known is not None:
        return known
    if word.strip() in ("none", "dense", "speed"):
        raise SpecError(f"nothing was cut: the structure is {row['structure']!r}")
    whole = method_named(row["method"], "structured").known
    return "width" if whole else "unstructured"


def _share(row: dict[str, str], structure: str) -> float:
    """Return the share that was cut: as stated, by a pattern, or by what is left."""
    share = _number((row["sparsity_or_ratio"] or "").replace("%", ""))
    if np.isfinite(share):
        return share / 100.0 if share >= 1.0 else share
    found = re.search(r"\b(\d+):(\d+)\b", f"{row['structure']} {row['sparsity_or_ratio']}")
    if found and float(found[2]) > float(found[1]):  # of each m, n are left
        return 1.0 - float(found[1]) / float(found[2])
    if structure == "2:4":
        return 0.5
    left = _number(row["params_after"]) / _number(row["params_before"])
    return 1.0 - left if 0.0 < left < 1.0 else np.nan


def pruned(row: dict[str, str]) -> Compressed:
    """Return a row of pruning.csv.

    Raises
    ------
    SpecError
        If it states no size or share, nothing was cut, or there is no loss before and after.
    """
    added = loss_added(row, "reference_dense")
    size = _size(row, "params_before", row["model"])
    if not np.isfinite(added):
        raise SpecError(f"the row gives no loss before and after, but {row['metric']}")
    structure = _structure(row)
    share = _share(row, structure)
    if not (np.isfinite(size) and np.isfinite(share)):
        raise SpecError("the row states no size, or no sparsity")
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
