"""Errors of loss added by compression, each model left out, through the library as it ships.

Run ``python tools/left_out_compression.py`` in the repository (a minute). For each model the laws
are fitted on all others, widths included, and ``paramscale validate`` is asked about its rows: as
they are, with the nearest other format of the model known to ``ps.calibrate``, and with each other
format known, whatever its distance. It needs ``../shared/data``.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np

from fit_compression import law_lines, law_of, read, recovery_lines, sets
from paramscale.laws import compressed, compression
from paramscale.validation.compression_rows import Compressed, pruned, quantized
from paramscale.validation.row import Comparison
from paramscale.validation.tables.quantization import compared, group_of, is_lossy, pairs


def main() -> None:
    """Print the errors of each group."""
    rows = [*read("quantization.csv", quantized), *read("pruning.csv", pruned)]
    rows = [row for row in rows if is_lossy(row)]
    found: dict[str, list[Comparison]] = defaultdict(list)
    groups = sets()
    for base in sorted({row.base for row in rows}):
        others = {kind: [r for r in each if r.base != base] for kind, each in groups.items()}
        rest = [row for row in rows if row.base != base and row.method.family in FAMILIES]
        with mock.patch.object(sys, "stdout"):
            lines = [*recovery_lines(), *law_lines(others)]
        law, _ = law_of(lines, rest)
        with _in_place_of_ours(law):
            for name, each in _asked([row for row in rows if row.base == base]):
                found[name].append(each)
    print("| group | rows | models | median factor | mean | inside | largest |")
    for name, each in sorted(found.items()):
        print(_line(name, each))


FAMILIES = ("scalar", "gguf", "codebook")


def _in_place_of_ours(law: Any) -> Any:
    for module in (compressed, compression):
        for each in vars(module).values():
            if hasattr(each, "cache_clear"):
                each.cache_clear()
    return mock.patch.object(compressed, "compression_law", return_value=law)


def _asked(rows: list[Compressed]) -> Iterator[tuple[str, Comparison]]:
    """Yield the comparisons of one model's rows, with and without a known point."""
    for row in rows:
        yield group_of(row), compared(row, row.name)
    for i, j, near in pairs(rows):
        group = group_of(rows[i])
        known = compared(rows[i], rows[i].name, rows[j])
        if near:
            yield f"{group}, before, of those with a neighbour", compared(rows[i], rows[i].name)
            yield f"{group}, nearest format known", known
        same = rows[i].method.name == rows[j].method.name
        how = "the same method" if same else "another method"
        yield f"{group}, any format of {how} known", known
        yield f"{group}, any format of {how} known, before", compared(rows[i], rows[i].name)


def _line(name: str, rows: list[Comparison]) -> str:
    """Return the errors of a group in a line of a table."""
    truth, value = (np.array([getattr(row, key) for row in rows]) for key in ("truth", "predicted"))
    low, high = (np.array([getattr(row, key) for row in rows]) for key in ("low", "high"))
    with np.errstate(invalid="ignore", divide="ignore"):
        miss = np.abs(np.log(truth / value))
    inside = np.mean((low <= truth) & (truth <= high))
    models = len({row.row for row in rows})
    return (
        f"| {name} | {len(rows)} | {models} | {np.exp(np.median(miss)):.3f} |"
        f" {np.exp(np.mean(miss)):.3f} | {inside:.0%} | {np.exp(np.max(miss)):.1f} |"
    )


if __name__ == "__main__":
    main()
