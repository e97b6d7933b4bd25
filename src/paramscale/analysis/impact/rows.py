"""From a question to rows: every quantity at every size, with its interval and where it is from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.estimate import estimate_with
from paramscale.analysis.impact.layouts import Held, Run, training_layout, use_layout
from paramscale.analysis.impact.lines import LINES, OWN, Line, line_of
from paramscale.analysis.impact.question import Group, Question
from paramscale.core.estimate import Estimate
from paramscale.core.estimator import ESTIMATORS
from paramscale.core.quantity import VOCABULARY, Quantity
from paramscale.core.reasons import Reason, refusals_as_nan
from paramscale.specs.parallel import ParallelSpec

__all__ = ["Gathered", "Row", "gather", "own_row"]

Array = npt.NDArray[np.float64]

#: Quantities that stand where a model does not fit: they say what it would take.
_SAY_ANYWAY = {"weight_bytes", "kv_cache_bytes", "serving_memory_bytes"}
#: Beside the lines, what the reckoning of total cost needs.
_ENDS = ("value", "low", "high", "inside")
_BESIDE = ("prefill_flops", "decode_flops", "non_embedding_parameters")


@attrs.frozen(eq=False)
class Row:
    """One quantity over the sizes.

    Attributes
    ----------
    quantity : Quantity
        What it is, with its unit and meaning.
    value, low, high : array
        At each size; NaN where it is not known, or where no interval is.
    inside : array of bool
        Whether each size lies in the domain of all that the value came from.
    reasons : sequence of Reason
        Why sizes have no value.
    estimator, kind, source : str
        What gave it, and from where.
    """

    quantity: Quantity
    value: Array
    low: Array
    high: Array
    inside: npt.NDArray[np.bool_]
    reasons: tuple[Reason, ...] = ()
    estimator: str = "impact"
    kind: str = "exact"
    source: str = "from the other rows"

    @property
    def name(self) -> str:
        """Name of the quantity."""
        return self.quantity.name

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return self.quantity.unit

    @property
    def meaning(self) -> str:
        """What the quantity is, in a sentence."""
        return self.quantity.meaning

    @property
    def has_interval(self) -> bool:
        """Whether an interval is known at any size."""
        known = ~np.isnan(self.low) & (self.low < self.high)
        return bool(known.any())

    def take(self, which: Any) -> Row:
        """Return the row at some of the sizes."""
        parts: dict[str, Any] = {name: getattr(self, name)[which] for name in _ENDS}
        reasons = tuple(Reason(np.asarray(where)[which], text) for where, text in self.reasons)
        return attrs.evolve(self, reasons=reasons, **parts)


class Gathered(NamedTuple):
    """Rows by name, why others are missing, and the layouts of all sizes."""

    rows: dict[str, Row]
    missing: dict[str, str]
    held: npt.NDArray[np.bool_]
    pipeline: Array
    recomputed: npt.NDArray[np.bool_]
    training_fits: npt.NDArray[np.bool_]


def own_row(name: str, value: Any, low: Any = None, high: Any = None, **about: Any) -> Row:
    """Return a row of what the analysis itself finds."""
    value = np.asarray(value, dtype=np.float64)
    low, high = (value if end is None else np.asarray(end) for end in (low, high))
    inside = about.pop("inside", np.ones(value.shape, dtype=bool))
    return Row(OWN[name], value, low, high, inside, **about)


def gather(
    question: Question,
    groups: Sequence[Group],
    progress: Callable[[int, int], None] | None = None,
) -> Gathered:
    """Return the rows of all sizes: each group is estimated at once, then they are joined."""
    parts = []
    for group in groups:
        parts.append(_of_group(question, group))
        if progress is not None:
            progress(len(parts), len(groups))
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    rows = {name: _joined([p.rows.get(name) for p in parts], parts) for name in _names(parts)}
    missing = {name: text for p in parts for name, text in p.missing.items() if name not in rows}
    ends = [np.concatenate([getattr(p, field) for p in parts]) for field in first._fields[2:]]
    return Gathered(rows, missing, *ends)


def _names(parts: Iterable[Gathered]) -> list[str]:
    have = {name for part in parts for name in part.rows}
    return [*(line.name for line in LINES if line.name in have),
            *(name for name in _BESIDE if name in have)]  # fmt: skip


def _joined(rows: list[Row | None], parts: list[Gathered]) -> Row:
    """Return rows of several groups as one; a group without the quantity is NaN."""
    known = next(row for row in rows if row is not None)
    filled = []
    for row, part in zip(rows, parts, strict=True):
        unknown = np.full(part.held.size, np.nan)
        none = attrs.evolve(
            known, value=unknown, low=unknown, high=unknown, inside=unknown == unknown, reasons=()
        )
        filled.append(none if row is None else row)
    ends: dict[str, Any] = {
        name: np.concatenate([getattr(row, name) for row in filled]) for name in _ENDS
    }
    return attrs.evolve(known, reasons=tuple(_joined_reasons(filled)), **ends)


def _joined_reasons(rows: list[Row]) -> Iterator[Reason]:
    """Yield the reasons of rows that are joined, each about the sizes of its own row."""
    for text in dict.fromkeys(text for row in rows for _, text in row.reasons):
        masks = []
        for row in rows:
            mine = [where for where, other in row.reasons if other == text]
            masks.append(np.any(mine, axis=0) if mine else np.zeros(row.value.shape, dtype=bool))
        yield Reason(np.concatenate(masks), text)


def _of_group(question: Question, group: Group) -> Gathered:
    held, run = use_layout(question, group), training_layout(question, group)
    used, lacking = _estimated(question, group, held.parallel, _wanted("use"), full=False)
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


def _estimated(
    question: Question, group: Group, parallel: ParallelSpec, names: list[str], *, full: bool
) -> tuple[dict[str, Row], dict[str, str]]:
    """Return rows of quantities on one layout, and what was missing for the others."""
    run = question.training_of(group)
    specs = {**question.inputs, "model": group.model, "parallel": parallel}
    specs["training"] = attrs.evolve(run, recomputation="full") if full else run
    with refusals_as_nan():  # a model whose context is too short is a gap, not an error
        found = estimate_with(
            ESTIMATORS, None, specs, quantities=names, use=question.use, options=question.options,
            strict=False,
        )  # fmt: skip
    size = group.nominal.size
    return {name: _row(each, size) for name, each in found.items()}, found.missing


def _row(each: Estimate, size: int) -> Row:
    value, low, high, inside = (
        np.broadcast_to(np.atleast_1d(getattr(each, name)), (size,)) for name in _ENDS
    )
    reasons = tuple(
        Reason(np.broadcast_to(np.atleast_1d(where), (size,)), text) for where, text in each.reasons
    )
    return Row(
        each.quantity, value, low, high, inside, reasons, each.estimator, each.kind, each.source
    )  # fmt: skip


def _trained(question: Question, group: Group, run: Run) -> tuple[dict[str, Row], dict[str, str]]:
    """Return the rows of training, each size with the recomputation that it needs."""
    names = _wanted("training")
    rows, missing = _estimated(question, group, run.parallel, names, full=False)
    if run.recomputed.any():
        other, _ = _estimated(question, group, run.parallel, names, full=True)
        rows = {name: _merged(row, other[name], run.recomputed) for name, row in rows.items()}
    return rows, missing


def _merged(plain: Row, full: Row, recomputed: Any) -> Row:
    pairs: dict[str, Any] = {
        name: np.where(recomputed, getattr(full, name), getattr(plain, name)) for name in _ENDS
    }
    return attrs.evolve(plain, **pairs)


def _where_held(row: Row, held: Held) -> Row:
    """Return a row of use without the sizes that no layout holds."""
    line = line_of(row.name)
    if line is None or line.side != "use" or row.name in _SAY_ANYWAY or held.held.all():
        return row
    ends = [np.where(held.held, end, np.nan) for end in (row.value, row.low, row.high)]
    return attrs.evolve(row, value=ends[0], low=ends[1], high=ends[2])


def _own(question: Question, group: Group, held: Held, run: Run) -> dict[str, Row]:
    """Return what the analysis itself finds of a group."""
    tokens = np.broadcast_to(question.tokens_of(group.parameters), (group.nominal.size,))
    rows = {"training_tokens": own_row("training_tokens", tokens)}
    if question.hardware is not None:
        rows["training_least_devices"] = own_row("training_least_devices", run.least_devices)
        rows["serving_devices"] = own_row("serving_devices", held.devices)
        rows["tensor_devices"] = own_row("tensor_devices", np.where(held.held, held.tensor, np.nan))
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
