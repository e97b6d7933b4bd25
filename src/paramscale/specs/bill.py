"""Reductions over a bill of work: every count, size and amount of work is one of these sums."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias, overload

import numpy as np

from paramscale.specs.block import NOTHING, Operation
from paramscale.typing import Floats

__all__ = ["Bill", "SequenceBill", "by_part", "total"]

#: What a model does in one pass: how often, and what.
Bill: TypeAlias = Sequence[tuple[Floats, Operation]]

Amount: TypeAlias = Callable[[Operation], Floats]


class SequenceBill(Sequence[tuple[Floats, Operation]]):
    """The bill of a pass of many sequences, of which the part of one is known.

    All that an operation does grows with the sequences (blocks promise it), but for the weights
    that it reads. Sums over the bill of one need not be taken along an axis of batches, so that
    whoever knows what grows takes `one`; for everybody else this is the bill of all.

    Parameters
    ----------
    one : Bill
        Of one sequence.
    sequences : Floats
        How many there are.
    make : callable
        Returns the bill of all, which is made when somebody looks at it.
    """

    def __init__(self, one: Bill, sequences: Floats, make: Callable[[], Bill]) -> None:
        self.one, self.sequences, self._make = one, sequences, make
        self._all: Bill | None = None

    @property
    def _made(self) -> Bill:
        if self._all is None:
            self._all = self._make()
        return self._all

    def __iter__(self) -> Iterator[tuple[Floats, Operation]]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self.one)

    @overload
    def __getitem__(self, index: int) -> tuple[Floats, Operation]: ...

    @overload
    def __getitem__(self, index: slice) -> Bill: ...

    def __getitem__(self, index: int | slice) -> tuple[Floats, Operation] | Bill:
        return self._made[index]


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
