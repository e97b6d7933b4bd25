"""From a question to rows: every quantity at every size, with its interval and where it is from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.impact.compress import compressed
from paramscale.analysis.impact.layouts import NOT_HELD, Held, Run, training_layout, use_layout
from paramscale.analysis.impact.lines import LINES, Line, line_of
from paramscale.analysis.impact.question import Group, Question
from paramscale.analysis.impact.row import ENDS, Row, estimated, joined, own_row, without
from paramscale.core.quantity import VOCABULARY
from paramscale.core.reasons import refusals_as_nan

__all__ = ["Gathered", "gather", "shown_lines"]

Array = npt.NDArray[np.float64]

#: Quantities that stand where a model does not fit: they say what it would take.
_SAY_ANYWAY = {"weight_bytes", "kv_cache_bytes", "serving_memory_bytes"}
#: Beside the lines, what the reckoning of total cost needs.
_BESIDE = ("prefill_flops", "decode_flops", "non_embedding_parameters")


class Gathered(NamedTuple):
    """Rows by name, why others are missing, and the layouts of all sizes."""

    rows: dict[str, Row]
    missing: dict[str, str]
    held: npt.NDArray[np.bool_]
    pipeline: Array
    recomputed: npt.NDArray[np.bool_]
    training_fits: npt.NDArray[np.bool_]


def gather(
    question: Question,
    groups: Sequence[Group],
    progress: Callable[[int, int], None] | None = None,
) -> Gathered:
    """Return the rows of all sizes: each group is estimated at once, then they are joined.

    What a single group refuses is an error; among several it is a gap with its reason.
    """
    if len(groups) == 1:
        return _of_group(question, groups[0])
    parts = []
    for group in groups:
        with refusals_as_nan():
            parts.append(_of_group(question, group))
        if progress is not None:
            progress(len(parts), len(groups))
    first, counts = parts[0], [part.held.size for part in parts]
    rows = {name: joined([p.rows.get(name) for p in parts], counts) for name in _names(parts)}
    missing = {name: text for p in parts for name, text in p.missing.items() if name not in rows}
    ends = [np.concatenate([getattr(p, field) for p in parts]) for field in first._fields[2:]]
    return Gathered(rows, missing, *ends)


def _names(parts: Iterable[Gathered]) -> list[str]:
    have = {name for part in parts for name in part.rows}
    return [*(line.name for line in LINES if line.name in have),
            *(name for name in _BESIDE if name in have)]  # fmt: skip


def _of_group(question: Question, group: Group) -> Gathered:
    held, run = use_layout(question, group), training_layout(question, group)
    used, lacking = estimated(question, group, held.parallel, _wanted("use"))
    trained, more = _trained(question, group, run)
    rows = {**trained, **used}
    rows = {name: _where_held(row, held) for name, row in rows.items()}
    rows |= _own(question, group, held, run)
    ordered = {name: rows[name] for name in (*(line.name for line in LINES), *_BESIDE)
               if name in rows}  # fmt: skip
    missing = {name: why for name, why in {**lacking, **more}.items() if name not in ordered}
    return Gathered(ordered, missing, held.held, held.pipeline, run.recomputed, run.fits)


def _wanted(side: str) -> list[str]:
    names = [line.name for line in LINES if line.side == side and line.name in VOCABULARY]
    return names + list(_BESIDE) * (side == "use")


def _trained(question: Question, group: Group, run: Run) -> tuple[dict[str, Row], dict[str, str]]:
    """Return the rows of training, each size with the recomputation that it needs."""
    names = _wanted("training")
    rows, missing = estimated(question, group, run.parallel, names)
    if run.recomputed.any():
        other, _ = estimated(question, group, run.parallel, names, full=True)
        rows = {name: _merged(row, other[name], run.recomputed) for name, row in rows.items()}
    return rows, missing


def _merged(plain: Row, full: Row, recomputed: Any) -> Row:
    pairs: dict[str, Any] = {
        name: np.where(recomputed, getattr(full, name), getattr(plain, name)) for name in ENDS
    }
    return attrs.evolve(plain, **pairs)


def _where_held(row: Row, held: Held) -> Row:
    """Return a row of use without the sizes that no layout holds."""
    line = line_of(row.name)
    if line is None or line.side != "use" or row.name in _SAY_ANYWAY:
        return row
    return without(row, ~held.held, NOT_HELD)


def _own(question: Question, group: Group, held: Held, run: Run) -> dict[str, Row]:
    """Return what the analysis itself finds of a group."""
    tokens = np.broadcast_to(question.tokens_of(group.parameters), (group.nominal.size,))
    rows = {"training_tokens": own_row("training_tokens", tokens)}
    if question.hardware is not None:
        rows["training_least_devices"] = own_row("training_least_devices", run.least_devices)
        rows["serving_devices"] = own_row("serving_devices", held.devices)
        rows["tensor_devices"] = own_row("tensor_devices", held.tensor)
        for name in ("serving_devices", "tensor_devices"):
            rows[name] = without(rows[name], ~held.held, NOT_HELD)
        rows |= compressed(question, group)
    return rows


def shown_lines(rows: Mapping[str, Row], question: Question) -> list[Line]:
    """Return the lines that say something: no copy of another, nothing that is the same zero."""
    return [line for line in LINES if line.name in rows and _says(line.name, rows, question)]


def _says(name: str, rows: Mapping[str, Row], question: Question) -> bool:
    if name == "active_parameters":
        return not np.array_equal(rows[name].value, rows["parameters"].value)
    if name == "training_tokens":
        return question.rule[0] != "tokens"
    if name.startswith("overfitting"):
        return question.training.unique_tokens is not None
    if name == "tensor_devices":
        return not np.array_equal(rows[name].value, rows["serving_devices"].value, equal_nan=True)
    return True
