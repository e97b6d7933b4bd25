"""Bits per weight of number formats, and bits and sizes of files that mix them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from paramscale.analysis.estimate import estimate
from paramscale.catalogue.file_types import file_type, needs_importance_matrix
from paramscale.catalogue.formats import Format, formats
from paramscale.errors import ParamscaleError, UnknownNameError
from paramscale.specs.serving import ServingSpec
from paramscale.validation.names import model_named
from paramscale.validation.row import Cells, Comparison, compare_each, count_of, read_rows, table

__all__ = ["bits_per_weight", "file_sizes"]

_TABLE, _QUANTITY = "capability/formats", "mean_weight_bits"

_MIXED = re.compile(r"GGUF mix (\S+) \((.+), measured\)")

#: Titles of formats that are several of ours.
_SPELT = {"BF16/FP16": "bf16"}

#: Q2_K of files of Llama 2 is the type of 2023, mostly 3 bits (llama.cpp, pull request 2707).
_OLD = {("Q2_K", "Llama-2"): "q2_k-2023"}


@table(f"{_TABLE}.csv")
def bits_per_weight(folder: Path) -> Iterable[Comparison]:
    """Compare blocks by their layout, and file types with the models that they were measured on."""
    return compare_each(read_rows(folder / f"{_TABLE}.csv"), _bits, _QUANTITY, _TABLE)


def _bits(row: Cells) -> Iterator[Comparison]:
    name, truth = row["format"], count_of(row, "bits_per_weight")
    mixed = _MIXED.fullmatch(name)
    group = "file types" if mixed else "block formats"
    try:
        found = _of_file(mixed[1], mixed[2]) if mixed else _titled(name).bits_per_weight
    except ParamscaleError as error:
        yield Comparison(_QUANTITY, _TABLE, name, truth, group=group, refused=str(error))
        return
    yield Comparison(_QUANTITY, _TABLE, name, truth, found, group=group)


@table("capability/quantization.csv")
def file_sizes(folder: Path) -> Iterable[Comparison]:
    """Compare sizes of GGUF files, each once; of other checkpoints it is not said what is whole."""
    rows = read_rows(folder / "capability/quantization.csv")
    found = {(row["model"], row["format"], row["method"]): row for row in rows if _is_file(row)}
    return compare_each(found.values(), _size, "weight_bytes", "capability/quantization")


def _is_file(row: Cells) -> bool:
    return bool(row.get("model_size_GiB")) and row["method"].startswith("GGUF")


def _size(row: Cells) -> Iterator[Comparison]:
    truth = count_of(row, "model_size_GiB") * 2.0**30
    kind = {"FP16": "f16", "F16": "f16"}.get(row["format"], row["format"])
    name = f"{row['model']} {row['format']}"
    place = ("weight_bytes", "capability/quantization", name, truth)
    try:
        found = _stored(kind, row["model"], "weight_bytes", weighted="imatrix" in row["method"])
    except ParamscaleError as error:
        yield Comparison(*place, group="GGUF files", refused=str(error))
        return
    yield Comparison(*place, found, group="GGUF files")


def _of_file(kind: str, named: str) -> float:
    """Return the mean bits of a file; tables use an importance matrix where there must be one."""
    return _stored(kind, named, _QUANTITY, weighted=needs_importance_matrix(kind))


def _stored(kind: str, named: str, quantity: str, *, weighted: bool) -> float:
    found = (
        old for (type_, start), old in _OLD.items() if kind == type_ and named.startswith(start)
    )
    kind = next(found, kind)
    model = model_named(named)
    stored = file_type(kind, model, importance_matrix=weighted)
    made = estimate(model=model, serving=ServingSpec(weight_format=stored), quantities=quantity)
    return float(made[quantity].value)


@cache
def _titles() -> dict[str, Format]:
    return {item.title: item for item in formats.values()}


def _titled(title: str) -> Format:
    """Return the format of a title.

    Raises
    ------
    UnknownNameError
        If it is no format that stores weights: an amount of information, or an unread source.
    """
    title = _SPELT.get(title, title)
    if title in formats:
        return formats[title]
    if title not in _titles():
        raise UnknownNameError("format", title, _titles())
    return _titles()[title]
