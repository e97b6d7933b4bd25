"""Fit the laws of compression and write ``laws/data/compression.csv``.

Run ``python tools/fit_compression.py`` in the repository (seconds); ``--left-out`` writes nothing
and prints the errors with each model left out. It needs ``../shared/data``.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from compression_fit import (
    ACCURACY,
    KINDS,
    Array,
    Design,
    Fitted,
    design,
    left_out,
    noise_of,
    solve,
)
from paramscale.catalogue.file_types import file_type, file_types
from paramscale.catalogue.formats import formats
from paramscale.catalogue.models import models
from paramscale.core.interval import Z90
from paramscale.errors import ParamscaleError
from paramscale.laws.compression import NOISE, TOKENS, MethodFit, law_of_rows
from paramscale.laws.noise import floating_noise, rounding_noise
from paramscale.laws.quantized_training import bits_factor, quantized_training
from paramscale.validation.compression_rows import Compressed, pruned, quantized

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "capability"
OUT = ROOT / "src" / "paramscale" / "laws" / "data" / "compression.csv"
#: Scatter of ln(loss added) that is assumed while fitting; widths come from models left out.
SCATTER = 0.2
#: Methods trained from scratch or from better data with rounded weights: loss may even fall.
TRAINED = ("ParetoQ", "BitNet", "BitCPM")
#: A model whose files say what bits a type of llama.cpp takes.
LIKE = "llama-3.1-8b"
#: How many rows of its own a method needs to weigh as much as its family in its scatter.
SHARED = 10.0


def read(name: str, parse: Callable[[dict[str, str]], Compressed]) -> list[Compressed]:
    """Return the rows of a table that state a loss added."""
    found = []
    with (DATA / name).open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            try:
                found.append(parse(row))
            except ParamscaleError:
                continue
    return found


def of_weights(row: Compressed) -> bool:
    """Tell whether weights alone were rounded, and the loss added is more than its rounding."""
    change = row.change
    plain = change.activation_bits >= 16.0 and change.kv_bits >= 16.0
    rotated = row.method.name == "rotated" and change.activation_bits >= 8.0  # which lose little
    rounded = change.weight_bits < 16.0 and (plain or rotated)
    floor = 3e-4 if row.method.family == "gguf" else 0.0
    clear = row.added > max(2.0 * row.rounding, floor)
    return bool(rounded and clear and not any(word in change.method for word in TRAINED))


#: Of a table of accuracies of many methods on the same models: its chance [per cent], a rate near
#: the fitted one, and the deviations of a mean accuracy and of the logarithm of the rate.
BENCHMARKS, CHANCE, RATE, POINTS, SPREAD = "11-task avg", 33.0, 0.5, 0.25, 0.3


def from_accuracies() -> Iterator[Compressed]:
    """Yield losses added as accuracies tell them, of methods whose losses nobody states.

    Only how methods compare is used: the rate between accuracy and loss is fitted beside.
    """
    with (DATA / "quantization.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["dataset"] == BENCHMARKS]
    for row in rows:
        before, after = float(row["reference_16bit"]) - CHANCE, float(row["value"]) - CHANCE
        if before - after < 4.0 * POINTS or after < 0.2 * before:
            continue  # within noise, or near chance
        ours = row | {"method": row["method"].replace("Ours", "AutoRound")}
        added = float(np.log(before / after)) / RATE
        noise = float(np.hypot(POINTS / (before - after), SPREAD))
        parsed = quantized(ours | {"delta_loss_nats": f"{added}"})
        yield parsed._replace(text=ACCURACY, rounding=noise * added)


def sets() -> dict[str, list[Compressed]]:
    """Return the rows of each fit."""
    rounded = [row for row in read("quantization.csv", quantized) if of_weights(row)]
    cut = read("pruning.csv", pruned)
    return {
        "rounded": [*rounded, *from_accuracies()],
        "cut": [row for row in cut if row.method.family == "cut"],
        "structured": [row for row in cut if row.method.family == "structured"],
    }


def label(row: Compressed) -> str:
    """Return under which name a row's error is reported."""
    if row.text == ACCURACY:
        return "told from accuracies"
    return row.method.family if row.method.family in ("gguf", "codebook") else row.method.name


def report(rows: list[Compressed], made: Design, miss: Array) -> None:
    """Print median factors and coverage, each model left out."""
    labels = np.array([label(row) for row in rows])
    width = np.array([scatter_of(rows, made, miss, row.method.name) for row in rows])
    for name in np.unique(labels):
        here = labels == name
        inside = np.abs(miss) <= Z90 * np.hypot(width, made.rounding)
        factor, mean = np.exp(np.median(np.abs(miss[here]))), np.exp(np.mean(np.abs(miss[here])))
        models = len({row.base for row, use in zip(rows, here, strict=True) if use})
        print(f"| {name} | {here.sum()} | {models} | {factor:.3f} | {mean:.3f} |"
              f" {np.mean(inside[here]):.0%} |")  # fmt: skip


def method_levels(rows: list[Compressed], miss: Array) -> list[float]:
    """Return by how much ln(loss added) of each method lies off, fitted without the method."""
    names = np.array(["" if row.text == ACCURACY else row.method.name for row in rows])
    alone = {"", *(row.method.family for row in rows)}
    return [float(np.median(miss[names == name])) for name in np.unique(names) if name not in alone]


def scatter_of(rows: list[Compressed], made: Design, miss: Array, method: str) -> float:
    """Return the deviation whose 90 % interval holds 90 % of the models left out."""
    clear = (made.rounding < 0.3) & np.array([row.text != ACCURACY for row in rows])
    family = next(row.method.family for row in rows if method in row.method)
    pooled = clear & np.array([row.method.family == family for row in rows])
    own = clear & np.array([row.method.name == method for row in rows])
    models = len({row.base for row, use in zip(rows, pooled, strict=True) if use})
    new = np.sqrt(1.0 + 1.0 / models)  # a further model, by a level that so many were fitted for
    wide = new * float(np.quantile(np.abs(miss[pooled]), 0.9)) / Z90
    if not own.any() or method == family:
        return wide
    mine, count = new * float(np.quantile(np.abs(miss[own]), 0.9)) / Z90, float(own.sum())
    return (count * mine + SHARED * wide) / (count + SHARED)


def method_lines(
    rows: list[Compressed], made: Design, fitted: Fitted, miss: Array
) -> Iterator[tuple[str, str, float, float]]:
    """Yield method, coefficient, value and error of each method and family."""
    families = {row.method.family: row.method.family for row in rows}
    names = families | {row.method.name: row.method.family for row in rows}
    for name, family in names.items():
        where = [row for row in rows if row.method.family == family]
        own = [row for row in where if row.method.name == name] or where
        x = [float(np.log(noise_of(row) / NOISE)) for row in own]
        yield name, "scatter", scatter_of(rows, made, miss, name), 0.0
        yield from ((name, "low", min(x), 0.0), (name, "high", max(x), 0.0))
        for field in ("level", "slope"):
            mine = [f"{field}:{family}"] + [f"{field}:{name}"] * (name != family)
            yield name, field, sum(fitted.value[each] for each in mine), fitted.error[mine[-1]]
        for field in ("bend", "size", "size_slope", "data"):
            yield name, field, *_of(fitted, f"{field}:{family}")
        yield from ((name, field, *_of(fitted, field)) for field in ("memorised", "ordinary"))
        yield from _offset_lines(name, family, fitted)


def _offset_lines(
    name: str, family: str, fitted: Fitted
) -> Iterator[tuple[str, str, float, float]]:
    if family == "gguf":  # of kinds that no row has, what was believed before
        kinds = {kind: mean for kind, mean in KINDS.items() if kind not in fitted.columns}
        if "importance" not in fitted.columns:
            kinds["importance"] = -0.2
        yield from ((name, kind, mean, 0.25) for kind, mean in kinds.items())
    for column in fitted.columns:
        if family == "gguf" and column.startswith(("kind:", "format:", "importance")):
            yield name, column, fitted.value[column], fitted.error[column]
        if column == f"no_group:{name}":
            yield name, "no_group", fitted.value[column], fitted.error[column]


def file_lines() -> Iterator[tuple[str, str, float, float]]:
    """Yield the bits a weight of files of each type of llama.cpp, and of blocks of its name."""
    for name in file_types():
        bits = float(file_type(name, models[LIKE]).bits_per_weight)
        if bits < 16.0:
            yield "gguf", f"bits:{name}", bits, 0.0
            block = formats[name].bits_per_weight if name in formats else 0.0
            if 0.0 < block < bits:
                yield "gguf", f"block:{name}", block + 1e-6, 0.0


def trained_lines() -> Iterator[tuple[str, str, float, float]]:
    """Yield how far models trained under rounding lie from the law that others were fitted for."""
    law, logs, nats = quantized_training(), [], []
    for row in read("quantization.csv", quantized):
        change = row.change
        if row.method.name != "trained" or change.weight_bits >= 16.0:
            continue
        tokens = row.tokens if np.isfinite(row.tokens) else TOKENS
        factor = bits_factor(change.weight_bits, change.activation_bits)
        loss = float(law(row.parameters, tokens, factor) - law(row.parameters, tokens, 1.0))
        nats.append(abs(row.added - loss))
        if row.added > 0.02:
            logs.append(abs(np.log(row.added / loss)))
    yield "", "trained_scatter", float(np.quantile(logs, 0.8)) / Z90, 0.0
    yield "", "trained_floor", float(np.quantile(nats, 0.5)), 0.0


def alike_line(rows: list[Compressed]) -> tuple[str, str, float, float]:
    """Return how much methods that look at activations differ, doing the same to one model."""
    losses: dict[Any, dict[str, float]] = {}
    for row in rows:
        if row.method.name not in ("cut", "magnitude"):
            key = row.base, row.change.structure, float(row.change.sparsity)
            losses.setdefault(key, {})[row.method.name] = float(np.log(row.added))
    apart = [a - b for each in losses.values() for a in each.values() for b in each.values()]
    return "", "alike_method", float(np.sqrt(np.mean(np.square([d for d in apart if d])))), 0.0


def _of(fitted: Fitted, column: str) -> tuple[float, float]:
    return fitted.value.get(column, 0.0), fitted.error.get(column, 0.0)


def part_lines(law: Any, rows: list[Compressed]) -> Iterator[tuple[str, str, float, float]]:
    """Yield what activations and caches add: medians of what the weights do not explain."""
    left: dict[str, list[float]] = {}
    for row in rows:
        change = row.change
        if any(word in change.method for word in TRAINED):
            continue
        name, noise = _part(row)
        if not name:
            continue
        fit: MethodFit = law.methods["scalar"]
        tokens = row.tokens if np.isfinite(row.tokens) else None
        weights = 0.0
        if change.weight_bits < 16.0 and name != "cache":
            added = law.added(row.method, noise_of(row), row.parameters, tokens, text=row.text)
            weights = float(np.exp(added.log))
        sensitive = law.sensitivity(fit, row.parameters, tokens, row.text)
        extra = max(row.added - weights, row.rounding, 3e-4)
        left.setdefault(name, []).append(float(np.log(extra) - sensitive - np.log(noise / NOISE)))
    for name, logs in left.items():
        middle = float(np.median(logs))
        yield "part", name, middle, float(np.quantile(np.abs(np.array(logs) - middle), 0.9) / Z90)


def _part(row: Compressed) -> tuple[str, float]:
    """Return which part a row tells of, and the noise of that part."""
    change = row.change
    if row.change.method.startswith("EXL2"):
        eight = change.kv_bits == 8.0
        return "cache", floating_noise(2.0) if eight else rounding_noise(4.0, 32.0)
    if change.activation_bits >= 16.0 or change.kv_bits < 16.0:
        return "", 0.0
    kind = {"rotated": "rotated", "smoothquant": "smooth"}.get(row.method.name, "plain")
    if kind == "smooth" and change.activation_bits < 8.0:
        kind = "plain"
    return f"activation_{kind}", float(rounding_noise(change.activation_bits, 4096.0))


#: Datasets of quantization.csv that compare likelihoods, with their mean chance [per cent]; those
#: that want an answer: MMLU.
LIKELIHOOD = {
    "5 zero-shot tasks avg": 35.0, "8 zero-shot reasoning tasks": 36.0, "5 QA tasks avg": 35.0,
    "AC/AE/HE/QA/WI mean (computed from the row)": 35.0,
}  # fmt: skip


def accuracy_lines(law: Any) -> Iterator[tuple[str, str, float, float]]:
    """Yield the rates at which accuracy above chance shrinks, as medians over rows."""
    rates: dict[str, list[float]] = {"likelihood": [], "answers": []}
    with (DATA / "quantization.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    key = ("model", "method", "format", "source")
    measured = {tuple(r[k] for k in key): r for r in rows if r["delta_loss_nats"]}
    for row in rows:
        chance = LIKELIHOOD.get(row["dataset"], 25.0 if row["dataset"].startswith("MMLU") else None)
        if chance is None or not row["reference_16bit"] or row["activation_bits"] not in ("16", ""):
            continue
        given = measured.get(tuple(row[k] for k in key)) or row | {"delta_loss_nats": "0.1"}
        try:
            parsed = quantized(given)
        except ParamscaleError:
            continue
        if given not in measured.values():
            tokens = parsed.tokens if np.isfinite(parsed.tokens) else None
            log = law.added(parsed.method, noise_of(parsed), parsed.parameters, tokens).log
            parsed = parsed._replace(added=float(np.exp(log)))
        scale = 100.0 if float(row["reference_16bit"]) <= 1.0 else 1.0
        before, after = (scale * float(row[k]) - chance for k in ("reference_16bit", "value"))
        if 0.05 < parsed.added < 1.0 and after > 0.0 and before > 5.0:
            kind = "likelihood" if row["dataset"] in LIKELIHOOD else "answers"
            rates[kind].append(max(float(np.log(before / after)), 0.005) / parsed.added)
    for kind, found in rates.items():
        logs = np.log(np.array(found))
        middle = float(np.median(logs))
        spread = float(np.quantile(np.abs(logs - middle), 0.9)) / Z90
        rate = np.exp(middle)
        print(f"accuracy, {kind}: {len(found)} rows, rate {rate:.2f}, scatter {spread:.2f}")
        yield "accuracy", kind, float(np.exp(middle)), spread


def recovery_lines() -> Iterator[tuple[str, str, float, float]]:
    """Yield how training after pruning recovers: shares of the accuracy lost that stay lost."""
    before: dict[tuple[str, str, str], float] = {}
    points = []
    with (DATA / "pruning.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if not row["reference_dense"] or row["metric"] not in ("accuracy", "percent"):
                continue
            key = (row["model"], row["params_after"], row["dataset"])
            lost = float(row["reference_dense"]) - float(row["value"])
            tokens = float(row["recovery_training_tokens"] or 0.0)
            if tokens == 0.0:
                before[key] = lost
            elif before.get(key, 0.0) > 0.05 * float(row["reference_dense"]) and lost > 0.0:
                points.append((tokens / float(row["params_after"]), lost / before[key]))
    t, left = np.log(np.array(points)).T
    left = np.minimum(left, -0.02)
    logit = -np.log(np.exp(-left) - 1.0)  # of the share that stays: -exponent (t - t1)
    slope, level = np.polyfit(t, logit, 1)
    scatter = float(np.quantile(np.abs(left + np.log1p(np.exp(-slope * t - level))), 0.9)) / Z90
    yield "", "recovery_exponent", -float(slope), 0.0
    yield "", "recovery_tokens", float(np.exp(-level / slope)), 0.0
    yield "", "recovery_scatter", scatter, 0.0
    print(f"recovery: {len(points)} points, exponent {-slope:.3f}, scatter {scatter:.2f}")


HEAD = ("method", "coefficient", "value", "standard_error", "fitted_on")
COMMON = {
    "floor": 1.5e-3, "unknown_data": 0.4, "per_noise": 0.25,
    "per_size": 0.15,
}  # fmt: skip


def law_lines(
    groups: dict[str, list[Compressed]], *, told: bool = False
) -> list[tuple[str, str, float, float]]:
    """Return all coefficients of single changes fitted on some rows; `told`: print the errors."""
    lines: list[tuple[str, str, float, float]] = [("", name, v, 0.0) for name, v in COMMON.items()]
    lines += [*file_lines(), *trained_lines(), alike_line(groups["cut"])]
    sizes, levels = [], []
    for rows in groups.values():
        made = design(rows)
        miss = left_out(rows, made, SCATTER)
        if told:
            report(rows, made, miss)
        levels += method_levels(rows, left_out(rows, made, SCATTER, "method"))
        fitted = solve(made, np.ones(len(rows), dtype=bool), SCATTER)
        lines += method_lines(rows, made, fitted, miss)
        sizes += [float(np.log(row.parameters)) for row in rows]
    unknown = float(np.sqrt(np.mean(np.square(levels))))
    if told:
        print(f"methods left out: {len(levels)}, deviation of their levels {unknown:.2f}")
    lines.append(("", "unknown_method", unknown, 0.0))
    lines += [("", "sizes_low", min(sizes), 0.0), ("", "sizes_high", max(sizes), 0.0)]
    return lines


def cells_of(lines: list[tuple[str, str, float, float]]) -> list[tuple[str, ...]]:
    """Return coefficients as cells of the table."""
    return [(m, c, f"{v:.6g}", f"{e:.3g}", SOURCE) for m, c, v, e in lines]


def law_of(lines: list[tuple[str, str, float, float]], rows: list[Compressed]) -> Any:
    """Return the law of coefficients, with activations and caches as `rows` have them."""
    none = [(kind, name, 0.0, 0.0) for kind, name in NONE]
    first = law_of_rows(_dicts([*lines, *none]))
    parts = list(part_lines(first, rows))
    return law_of_rows(_dicts([*lines, *none, *parts])), parts


def _dicts(lines: list[tuple[str, str, float, float]]) -> list[dict[str, str]]:
    return [dict(zip(HEAD, cell, strict=True)) for cell in cells_of(lines)]


NONE = (("part", "none"), ("accuracy", "likelihood"), ("accuracy", "answers"))
SOURCE = "tools/fit_compression.py on capability/quantization.csv and capability/pruning.csv"


def main() -> None:
    """Fit, report, write."""
    print("| method | rows | models | median factor | mean factor | inside |")
    lines = [*recovery_lines(), *law_lines(sets(), told=True)]
    law, parts = law_of(lines, read("quantization.csv", quantized))
    cells = cells_of([*lines, *parts, *accuracy_lines(law)])
    if "--left-out" in sys.argv:
        return
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEAD)
        writer.writerows(cells)


if __name__ == "__main__":
    main()
