"""Benchmark scores of open models against the accuracies that size, tokens and recipe give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from paramscale.analysis.estimate import estimate
from paramscale.errors import ParamscaleError, SpecError
from paramscale.laws.releases import release_of
from paramscale.specs.training import TrainingSpec
from paramscale.validation.benchmarks import benchmark_of
from paramscale.validation.row import Cells, Comparison, compare_each, count_of, read_rows, table

__all__ = ["benchmark_scores"]

_TABLE = "capability/downstream"


@table(f"{_TABLE}.csv")
def benchmark_scores(folder: Path) -> Iterable[Comparison]:
    """Compare the scores of base models on the benchmarks that have a law."""
    return compare_each(read_rows(folder / f"{_TABLE}.csv"), _scores, "mmlu_fraction", _TABLE)


def _scores(row: Cells) -> Iterator[Comparison]:
    benchmark, _ = benchmark_of(row)
    if benchmark is not None and row["stage"] == "base":
        yield _compare(row, f"{benchmark}_fraction")


def _compare(row: Cells, quantity: str) -> Comparison:
    release = release_of(row["model"])
    group = "release known" if release else "release not known"
    name, truth = f"{row['model']} {row['benchmark']}", count_of(row, "score")
    try:
        found = estimate(**_scenario(row, release), quantities=[quantity])[quantity]
    except ParamscaleError as error:
        return Comparison(quantity, _TABLE, name, truth, group=group, refused=str(error))
    ends = float(found.low), float(found.high)
    return Comparison(quantity, _TABLE, name, truth, float(found.value), *ends, group)


def _scenario(row: Cells, release: Any) -> dict[str, Any]:
    """Return the quantities and the training that a row states."""
    if not row["params_total"] or not row["training_tokens"]:
        raise SpecError("the row states no size, or no tokens of training")
    facts = {}
    if release is not None:
        facts = {"release_year": release.release_year, "code_fraction": release.code_fraction}
    total = count_of(row, "params_total")
    return {
        "parameters": total,
        "active_parameters": count_of(row, "params_active", total),
        "training": TrainingSpec(tokens=count_of(row, "training_tokens"), **facts),
    }
