"""Losses of the largest models trained with rounded weights, from those of the smaller ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from paramscale.core.interval import Z90
from paramscale.errors import FitError
from paramscale.laws.quantized_training import (
    QuantizedTraining,
    fit_quantized_training,
    quantized_training,
)
from paramscale.validation.row import Comparison, count_of, read_rows, table

__all__ = ["PLAIN", "columns_of", "quantizer_of", "runs_under_rounding"]

_NAME = "capability/qat_quest_runs"
_QUANTITY = "compression_loss_nats"
#: Sizes up to here are those that the library's own law was fitted on.
_FITTED_UP_TO = 2.1e8


def quantizer_of(row: dict[str, str]) -> str:
    """Return quantizers and bits of a run in one word."""
    bits = "/".join(f"{float(row[key]):g}" for key in ("weight_bits", "activation_bits"))
    return f"{row['weight_quantizer']}/{row['activation_quantizer']}/{bits}"


_SIZES = ("params_nonembedding", "training_tokens", "val_loss_nats_per_token")

#: The runs that round nothing.
PLAIN = "NoQuantizer/NoQuantizer/16/16"


def columns_of(rows: list[dict[str, str]]) -> tuple[Any, Any, Any, list[str]]:
    """Return sizes, tokens, losses and quantizers of some runs."""
    size, tokens, loss = (np.array([count_of(row, name) for row in rows]) for name in _SIZES)
    return size, tokens, loss, [quantizer_of(row) for row in rows]


def _is_complete(row: dict[str, str]) -> bool:
    """Tell whether all numbers of a run can be read."""
    numbers = [count_of(row, name) for name in (*_SIZES, "weight_bits", "activation_bits")]
    return bool(np.all(np.isfinite(numbers)) and min(numbers) > 0.0)


@table(f"{_NAME}.csv")
def runs_under_rounding(folder: Path) -> Iterable[Comparison]:
    """Compare whole losses, and losses added to those of 16 bits, of the largest size.

    The law is fitted to the smaller runs of the table itself. Sizes beyond those that the
    library's own law was fitted on are asked of that law.
    """
    rows = [row for row in read_rows(folder / f"{_NAME}.csv") if _is_complete(row)]
    size, tokens, loss, quantizers = columns_of(rows)
    largest = size == size.max()
    beyond = size > _FITTED_UP_TO
    if beyond.any():
        yield from _compare(quantized_training(), rows, beyond, size, tokens, loss, quantizers)
        return
    small = [quantizer for quantizer, out in zip(quantizers, largest, strict=True) if not out]
    try:
        inputs = (size[~largest], tokens[~largest], loss[~largest])
        law = fit_quantized_training(*inputs, small, plain=PLAIN)
    except FitError as error:
        yield Comparison(_QUANTITY, _NAME, "largest size", np.nan, refused=str(error))
        return
    yield from _compare(law, rows, largest, size, tokens, loss, quantizers)


def _compare(
    law: QuantizedTraining,
    rows: list[dict[str, str]],
    asked: Any,
    size: Any,
    tokens: Any,
    loss: Any,
    quantizers: list[str],
) -> Iterator[Comparison]:
    plain = {(size[i], tokens[i]): loss[i] for i in range(len(rows)) if quantizers[i] == PLAIN}
    own = quantized_training()
    for i in np.flatnonzero(asked):
        one_bit = float(rows[i]["weight_bits"]) < 1.5
        width = np.exp(Z90 * (own.one_bit_scatter if one_bit else own.scatter))
        name = f"{quantizers[i]} N={size[i]:.3g} D={tokens[i]:.3g}"
        group = "one bit, whole loss" if one_bit else "whole loss"
        factor = law.factors.get(quantizers[i])
        if factor is None:
            why = f"the quantizer {quantizers[i]!r} has no smaller run"
            yield Comparison(_QUANTITY, _NAME, name, loss[i], group=group, refused=why)
            continue
        value = float(law(size[i], tokens[i], factor))
        yield Comparison(
            _QUANTITY, _NAME, name, loss[i], value, value / width, value * width, group
        )
        reference = plain.get((size[i], tokens[i]))
        if factor != 1.0 and reference is not None:
            added = value - float(law(size[i], tokens[i], 1.0))
            ends = added - (width - 1.0) * value, added + (width - 1.0) * value
            yield Comparison(
                _QUANTITY, _NAME, name, loss[i] - reference, added, *ends, "loss added"
            )
