"""Measured losses after quantization and pruning against those that the noise of weights adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from paramscale.analysis.calibrate import calibrate
from paramscale.analysis.estimate import estimate
from paramscale.errors import ParamscaleError
from paramscale.laws.compressed import noise_of_weights
from paramscale.specs.changes import Quantization
from paramscale.specs.model import ModelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.validation.compression_rows import Compressed, loss_added, pruned, quantized
from paramscale.validation.row import Comparison, read_rows, table

__all__ = ["compare", "compared", "group_of", "is_lossy", "pairs", "pruning", "quantization"]

_QUANTITY = "compression_loss_nats"
#: A measured difference of which rounding of the table leaves more than this open is no truth.
_OPEN = 1.0 / 3.0
#: Largest distance of the known point, in logarithms of noise.
_NEAR = 3.0


@table("capability/quantization.csv")
def quantization(folder: Path) -> Iterable[Comparison]:
    """Compare losses added by quantization, by method."""
    return compare(folder / "capability/quantization.csv", quantized, "capability/quantization")


@table("capability/pruning.csv")
def pruning(folder: Path) -> Iterable[Comparison]:
    """Compare losses added by pruning, by method."""
    return compare(folder / "capability/pruning.csv", pruned, "capability/pruning")


def compare(
    path: Path, parse: Callable[[dict[str, str]], Compressed], name: str
) -> Iterator[Comparison]:
    """Yield each loss added beside its estimate, and beside that with one other point known."""
    rows: list[tuple[str, Compressed]] = []
    for place, cells in enumerate(read_rows(path), start=2):
        before = "reference_dense" if parse is pruned else "reference_16bit"
        if not np.isfinite(loss_added(cells, before)):
            continue  # it measured something else: accuracy, speed
        label = f"{place}: {cells['model']} {cells['method']}"
        try:
            rows.append((label, parse(cells)))
        except ParamscaleError as error:
            yield Comparison(_QUANTITY, name, label, np.nan, refused=str(error))
    rows = [(label, row) for label, row in rows if is_lossy(row)]
    for label, row in rows:
        yield compared(row, label, table=name)
    for i, j, near in pairs([row for _, row in rows]):
        if near:
            yield compared(*rows[i][::-1], rows[j][1], table=name)


def compared(
    row: Compressed, label: str, known: Compressed | None = None, *, table: str = ""
) -> Comparison:
    """Return a loss added beside its estimate, after calibration on another point if one is known.

    Parameters
    ----------
    row, known : Compressed
        What is asked about, and a measured point of the same model.
    label, table : str
        By which the row is named.
    """
    group = group_of(row) if known is None else f"{group_of(row)}, one point known"
    try:
        points = [] if known is None else [(_scenario(known), _QUANTITY, known.added)]
        found = estimate(**_scenario(row), quantities=[_QUANTITY], use=calibrate(points))[_QUANTITY]
    except ParamscaleError as error:
        return Comparison(_QUANTITY, table, label, row.added, group=group, refused=str(error))
    ends = float(found.low), float(found.high)
    return Comparison(_QUANTITY, table, label, row.added, float(found.value), *ends, group)


def is_lossy(row: Compressed) -> bool:
    """Tell whether anything was done: tables list 16 bits beside the rest."""
    change = row.change
    if not isinstance(change, Quantization):
        return True
    return bool(min(change.weight_bits, change.activation_bits, change.kv_bits) < 16.0)


def _scenario(row: Compressed) -> dict[str, Any]:
    """Return what is known of a row: its size, what was done, and tokens where stated."""
    given: dict[str, Any] = {
        "model": ModelSpec(width=1, layers=(), name=row.name, changes=[row.change]),
        "parameters": row.parameters,
        "options": {"compressed.text": row.text},
    }
    if np.isfinite(row.tokens):
        given["training"] = TrainingSpec(tokens=row.tokens)
    return given


def group_of(row: Compressed) -> str:
    """Return the group in which a row is scored."""
    change = row.change
    if isinstance(change, Quantization):
        kind = _kind(row, change)
    elif row.method.family == "cut":
        kind = "magnitude" if row.method.name == "magnitude" else "single weights"
    else:
        kind = "channels"
    return f"{kind}, within rounding" if row.added < row.rounding / _OPEN else kind


def _kind(row: Compressed, change: Quantization) -> str:
    if row.method.name == "trained":
        return "trained under rounding"
    if change.kv_bits < 16.0 and row.method.name != "rotated":
        alone = change.method.startswith("EXL2")
        return "out_of_scope: caches alone" if alone else "out_of_scope: W4A4 plain"
    if change.activation_bits < 8.0:
        return "W4A4 rotated" if row.method.name == "rotated" else "out_of_scope: W4A4 plain"
    if change.activation_bits < 16.0:
        return "W8A8" if change.weight_bits >= 8.0 else "W4A8 rotated"
    names = {"gguf": "GGUF", "codebook": "codebook"}
    own = {"gptq": "GPTQ", "awq": "AWQ", "rtn": "RTN", "qat": "tuned after rounding"}
    return names.get(row.method.family) or own.get(row.method.name, "other scalar")


def pairs(rows: list[Compressed]) -> Iterator[tuple[int, int, bool]]:
    """Yield rows with each other format of the same model, source and kind; is it the nearest?"""
    clear = [
        i for i, row in enumerate(rows)
        if row.added > row.rounding / _OPEN and isinstance(row.change, Quantization)
        and ":" not in group_of(row) and row.change.activation_bits >= 16.0
        and row.change.weight_bits < 16.0
        and row.method.name != "trained"
    ]  # fmt: skip
    noise = {i: float(np.log(noise_of_weights(rows[i].change, rows[i].method))) for i in clear}
    for i in clear:
        apart = {j: abs(noise[i] - noise[j]) for j in clear if _same(rows[i], rows[j])}
        apart = {j: distance for j, distance in apart.items() if distance > 0.1}
        nearest = min(apart, key=apart.__getitem__, default=None)
        for j, distance in apart.items():
            yield i, j, j == nearest and distance < _NEAR


def _same(one: Compressed, other: Compressed) -> bool:
    return (
        one.name == other.name
        and one.method.family == other.method.family
        and one.text == other.text
        and one.source == other.source
    )
