"""The measured accuracies that the law is fitted on: one row a model and benchmark.

Read from ``shared/data/capability/downstream.csv`` beside the repository. Names of one model are
merged, so that near-duplicates count once; leaderboards win over the makers' own reports, which
are used only where no leaderboard has the model. Base models only, at the end of their training.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from paramscale.laws.releases import release_of
from paramscale.validation.benchmarks import benchmark_of

TABLE = Path(__file__).parents[2] / "shared" / "data" / "capability" / "downstream.csv"

#: Accuracy of a guess. BBH and MMLU-Pro mix questions of several sizes: the score of the smallest
#: models of Open LLM Leaderboard v2 there.
CHANCE = {
    "mmlu": 0.25, "arc_challenge": 0.25, "hellaswag": 0.25, "winogrande": 0.5, "gsm8k": 0.0,
    "humaneval": 0.0, "mmlu_pro": 0.11, "bbh": 0.30, "math_hard": 0.0, "arc_easy": 0.25,
    "piqa": 0.5, "lambada": 0.0,
}  # fmt: skip
CORE = tuple(CHANCE)[:6]

#: Slips of the table, seen from the name of the model.
SIZES = {"stablelm-2-1_6b": 1.6e9, "open_llama_7b_v2": 7e9}
#: Spellings, and near-duplicates: the same weights trained on longer contexts.
SPELLINGS = (
    ("meta-llama", "llama"), ("llama2", "llama-2"), ("llama-1-", "llama-"),
    ("llama-33b", "llama-30b"), ("llama-3.1-", "llama-3-"), ("-200k", ""),
)  # fmt: skip
LEFT_OUT = re.compile(r"mixtral|mistral|moe-paper|raven|intermediate|@step(?!143000)|chat")


@attrs.frozen(eq=False)
class Rows:
    """Columns of the table."""

    names: tuple[str, ...]
    model: np.ndarray[Any, Any]
    family: np.ndarray[Any, Any]
    benchmark: np.ndarray[Any, Any]
    parameters: np.ndarray[Any, Any]
    active: np.ndarray[Any, Any]
    tokens: np.ndarray[Any, Any]
    year: np.ndarray[Any, Any]
    code: np.ndarray[Any, Any]
    report: np.ndarray[Any, Any]
    score: np.ndarray[Any, Any]

    def take(self, mask: Any) -> Rows:
        """Return the rows of a mask."""
        columns = {f.name: getattr(self, f.name)[mask] for f in attrs.fields(Rows)[1:]}
        return attrs.evolve(self, **columns)


def canonical(name: str) -> str:
    """Return one name for all spellings of a model."""
    name = name.lower().rpartition("/")[2].replace("sloth:", "")
    name = re.sub(r"-(hf|base)\b|-deduped|@step143000", "", name)
    for old, new in SPELLINGS:
        name = name.replace(old, new)
    return name


def read_rows(names: tuple[str, ...] = tuple(CHANCE)) -> Rows:
    """Return the rows of some benchmarks, sorted by model."""
    scores: dict[tuple[str, str, bool], list[float]] = defaultdict(list)
    sizes: dict[str, tuple[float, float, float]] = {}
    with TABLE.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name, report = benchmark_of(row)
            if row["stage"] != "base" or name not in names or LEFT_OUT.search(row["model"].lower()):
                continue
            model = canonical(row["model"])
            scores[model, name, report].append(float(row["score"]))
            if row["training_tokens"] and (row["params_total"] or model in SIZES):
                total = SIZES.get(model) or float(row["params_total"])
                active = SIZES.get(model) or float(row["params_active"])
                sizes.setdefault(model, (total, active, float(row["training_tokens"])))
    return _columns(names, scores, sizes)


def _columns(names: tuple[str, ...], scores: Any, sizes: Any) -> Rows:
    found = []
    for (model, name, report), values in sorted(scores.items()):
        family = release_of(model)
        if model not in sizes or family is None or (report and (model, name, False) in scores):
            continue
        place = names.index(name)
        found.append(
            (model, family[0], place, *sizes[model], *family[1:3], report, np.mean(values))
        )
    return Rows(
        tuple(f"{name}_fraction" for name in names), *map(np.array, zip(*found, strict=True))
    )
