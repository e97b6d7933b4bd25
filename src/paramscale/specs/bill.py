"""Reductions over a bill of work: every count, size and amount of work is one of these sums."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np

from paramscale.specs.block import NOTHING, Operation
from paramscale.typing import Floats

__all__ = ["Bill", "by_part", "total"]

#: What a model does in one pass: how often, and what.
Bill: TypeAlias = tuple[tuple[Floats, Operation], ...]

Amount: TypeAlias = Callable[[Operation], Floats]


def total(bill: Iterable[tuple[Floats, Operation]], amount: Amount) -> Floats:
    """Return the sum of `amount` over all operations of a bill, as often as they occur."""
    result: Floats = NOTHING
    for count, op in bill:
        value = amount(op)
        if value is not NOTHING:
            result = result + count * value
    return result


def by_part(bill: Iterable[tuple[Floats, Operation]], amount: Amount) -> dict[str, Floats]:
    """Return the same sum for each component of the model, leaving out those with nothing."""
    parts: dict[str, Floats] = {}
    for count, op in bill:
        parts[op.part] = parts.get(op.part, np.float64(0.0)) + count * amount(op)
    return {part: value for part, value in parts.items() if np.any(value)}
