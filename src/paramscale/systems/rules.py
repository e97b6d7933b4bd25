"""What has no meaning: layouts that do not divide a model, contexts beyond it, figures not known.

A rule says where it is kept and, for whoever asks, what to do where it is not. One scenario that
breaks a rule is refused; in a grid the point is NaN, and `reasons_of` tells why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from paramscale.catalogue.formats import as_format
from paramscale.core.reasons import Reason, raises
from paramscale.errors import SpecError, plain_number
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.specs.training import TrainingSpec
from paramscale.typing import Booleans, Floats

__all__ = [
    "Rule", "context_rules", "figure_rules", "format_rules", "head_rules", "layout_rules",
    "reasons_of", "some", "whole",
]  # fmt: skip


class Rule(NamedTuple):
    """Where a rule is kept, and the text for where it is not, made only when it is needed."""

    good: Booleans
    text: Callable[[], str]


def some(condition: Any) -> bool:
    """Return whether a condition holds at any point; ``np.any`` takes ten times as long for one."""
    return bool(condition) if isinstance(condition, np.bool_) else bool(np.any(condition))


def whole(rules: Iterable[Rule]) -> Floats:
    """Return 1 where all rules are kept and NaN elsewhere.

    Raises
    ------
    SpecError
        If a rule is about a single scenario and broken.
    """
    result: Floats = np.float64(1.0)
    for good, text in rules:
        if np.ndim(good) == 0 and not good and raises():
            raise SpecError(text())
        if some(np.logical_not(good)):
            result = np.where(good, result, np.nan)[()]
    return result


def reasons_of(rules: Iterable[Rule]) -> Iterator[Reason]:
    """Yield what is broken where."""
    for good, text in rules:
        if some(np.logical_not(good)):
            yield Reason(np.logical_not(good), text())


def _shown(value: Floats, good: Booleans) -> str:
    """Return a number, or the first few of those of a grid that break a rule."""
    if np.ndim(value) == 0:
        return plain_number(value)
    bad = np.unique(np.broadcast_arrays(value, good)[0][~np.broadcast_arrays(good, value)[0]])
    return ", ".join(map(plain_number, bad[:4])) + (", ..." if bad.size > 4 else "")


def head_rules(model: ModelSpec, parallel: ParallelSpec) -> list[Rule]:
    """Return the rules that heads divide by tensor ranks, all that serving asks for."""
    return _counts(model, "heads", "tensor", parallel.tensor)


def layout_rules(model: ModelSpec, parallel: ParallelSpec) -> list[Rule]:
    """Return the rules of a layout in training.

    Heads must divide by tensor ranks, experts by expert ranks, and layers by pipeline stages and
    virtual stages; embedding, head and drafting layers may stand for a layer each.
    """
    return [
        *head_rules(model, parallel),
        *_counts(model, "experts", "expert", parallel.expert),
        *_stages(model, parallel),
    ]


def _counts(model: ModelSpec, name: str, field: str, ranks: Floats) -> list[Rule]:
    """Return the rules that so many heads or experts of each block divide by ranks."""
    found: list[Rule] = []
    if not some(ranks > 1.0):
        return found
    seen = set()
    for path, item in model.walk():
        count = getattr(item, name, None)
        if count is None or (np.ndim(count) == 0 and float(count) in seen):
            continue
        if np.ndim(count) == 0:
            seen.add(float(count))
        good = (np.remainder(count, ranks) == 0.0) | np.isnan(ranks)
        found.append(Rule(good, _divides(path, count, name, field, ranks, good)))
    return found


def _divides(
    path: str, count: Floats, name: str, field: str, ranks: Floats, good: Booleans
) -> Callable[[], str]:
    return lambda: (
        f"{path} has {_shown(count, good)} {name}, which ParallelSpec.{field}="
        f"{_shown(ranks, good)} does not divide; choose a divisor"
    )


def _stages(model: ModelSpec, parallel: ParallelSpec) -> list[Rule]:
    """Return the rule that layers divide into pipeline stages."""
    stages = parallel.pipeline * parallel.virtual_stages
    if not some(stages > 1.0):
        return []
    spare = 2.0 + len(model.draft)
    good = (np.remainder(-model.depth, stages) <= spare) | np.isnan(stages)

    def text() -> str:
        depth, pipeline, virtual = (
            _shown(each, good) for each in (model.depth, parallel.pipeline, parallel.virtual_stages)
        )
        return (
            f"{depth} layers do not divide into ParallelSpec.pipeline={pipeline} x"
            f" virtual_stages={virtual}, also with embedding and head counted as layers; choose a"
            " divisor"
        )

    return [Rule(good, text)]


def context_rules(model: ModelSpec, serving: ServingSpec) -> list[Rule]:
    """Return the rule that prompt and output fit into the model's context.

    A model without a stated limit has none; lengths that nobody stated are never refused.
    """
    limit = model.max_context
    if limit is None:
        return []
    asked = serving.stated_tokens
    good = np.logical_not(asked > limit)

    def text() -> str:
        return (
            f"ServingSpec asks for {_shown(asked, good)} tokens of prompt and output, beyond the"
            f" context of {model.name}, {_shown(limit, good)} tokens; ask for fewer, or give the"
            " model as attrs.evolve(model, max_context=...) if it is run with more"
        )

    return [Rule(good, text)]


def format_rules(hardware: HardwareSpec, training: TrainingSpec) -> list[Rule]:
    """Return the rule that a machine has units for the format in which it shall train."""
    if training.matmul_format is None and training.precision != "fp8":
        return []
    asked = as_format(training.matmul_format or training.precision)
    if asked.compute_type not in ("fp8", "fp4", "int8"):
        return []
    used = hardware.compute_type(asked)
    field = "precision" if training.matmul_format is None else "matmul_format"

    def text() -> str:
        return (
            f"{hardware.name} has no units for {asked.name} (TrainingSpec.{field}); it would"
            f" multiply in {used}: write {field}={used!r}"
        )

    return [Rule(np.bool_(used not in ("bf16", "fp16", "tf32", "fp32")), text)]


def figure_rules(hardware: HardwareSpec, *formats: Any) -> list[Rule]:
    """Return what must be known of a machine for a time; where it is not, the time is NaN."""
    figures = [("memory_bandwidth_bytes_per_s", hardware.memory_bandwidth_bytes_per_s)]
    for form in map(as_format, formats):
        figures.append((f"peak in {form.name}", hardware.peak_flops_per_s(form)))
    return [Rule(~np.isnan(figure), _unknown(hardware, name)) for name, figure in figures]


def _unknown(hardware: HardwareSpec, name: str) -> Callable[[], str]:
    return lambda: (
        f"HardwareSpec: the {name} of {hardware.name} is not known; give it with"
        " attrs.evolve(hardware, ...)"
    )
