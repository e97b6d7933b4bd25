"""Rows: one quantity over the sizes, made from estimates or by the analysis itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.estimate import estimate_with
from paramscale.analysis.impact.lines import OWN
from paramscale.analysis.impact.question import Group, Question
from paramscale.core.estimate import Estimate
from paramscale.core.estimator import ESTIMATORS
from paramscale.core.quantity import Quantity
from paramscale.core.reasons import Reason
from paramscale.specs.parallel import ParallelSpec

__all__ = ["ENDS", "Row", "estimated", "joined", "own_row", "without"]

Array = npt.NDArray[np.float64]

#: What of a row runs over the sizes.
ENDS = ("value", "low", "high", "inside")


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
        parts: dict[str, Any] = {name: getattr(self, name)[which] for name in ENDS}
        reasons = tuple(Reason(np.asarray(where)[which], text) for where, text in self.reasons)
        return attrs.evolve(self, reasons=reasons, **parts)


def own_row(name: str, value: Any, low: Any = None, high: Any = None, **about: Any) -> Row:
    """Return a row of what the analysis itself finds."""
    value = np.asarray(value, dtype=np.float64)
    low, high = (value if end is None else np.asarray(end) for end in (low, high))
    inside = about.pop("inside", np.ones(value.shape, dtype=bool))
    return Row(OWN[name], value, low, high, inside, **about)


def without(row: Row, where: Any, why: str) -> Row:
    """Return a row that has no number at some sizes, for a reason."""
    if not np.any(where):
        return row
    value, low, high = (np.where(where, np.nan, end) for end in (row.value, row.low, row.high))
    reasons = (Reason(where, why), *row.reasons)
    return attrs.evolve(row, value=value, low=low, high=high, reasons=reasons)


def estimated(
    question: Question,
    group: Group,
    parallel: ParallelSpec,
    names: Sequence[str],
    *,
    full: bool = False,
) -> tuple[dict[str, Row], dict[str, str]]:
    """Return rows of quantities on one layout, and what was missing for the others."""
    run = question.training_of(group)
    specs = {**question.inputs, "model": group.model, "parallel": parallel}
    specs["training"] = attrs.evolve(run, recomputation="full") if full else run
    found = estimate_with(
        ESTIMATORS, None, specs, quantities=names, use=question.use, options=question.options,
        strict=False,
    )  # fmt: skip
    size = group.nominal.size
    return {name: _row(each, size) for name, each in found.items()}, found.missing


def _row(each: Estimate, size: int) -> Row:
    value, low, high, inside = (
        np.broadcast_to(np.atleast_1d(getattr(each, name)), (size,)) for name in ENDS
    )
    reasons = tuple(
        Reason(np.broadcast_to(np.atleast_1d(where), (size,)), text) for where, text in each.reasons
    )
    return Row(
        each.quantity, value, low, high, inside, reasons, each.estimator, each.kind, each.source
    )  # fmt: skip


def joined(rows: Sequence[Row | None], counts: Sequence[int]) -> Row:
    """Return rows of several groups as one; a group without the quantity is NaN."""
    known = next(row for row in rows if row is not None)
    filled = []
    for row, count in zip(rows, counts, strict=True):
        unknown = np.full(count, np.nan)
        none = attrs.evolve(
            known, value=unknown, low=unknown, high=unknown, inside=unknown == unknown, reasons=()
        )
        filled.append(none if row is None else row)
    ends: dict[str, Any] = {
        name: np.concatenate([getattr(row, name) for row in filled]) for name in ENDS
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
