"""What the last run of a plan left behind, so that the next one computes only what changed.

Specs are frozen, so that the same object is the same input. Results of grids are not kept: their
arrays may be large, and a grid is asked for once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np

from paramscale.core.interval import Interval
from paramscale.core.spec import array_fields

__all__ = ["Memory", "Remembered"]


class Remembered(NamedTuple):
    """A step that was taken: the call behind its result, and the result."""

    call: Any
    result: Any


class Memory:
    """The steps of the last run, replaced as a whole, so that threads never see half of one."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: tuple[Mapping[str, Any], Mapping[str, Any], list[Remembered | None]] | None
        self._last = None

    def recall(self, start: Mapping[str, Any]) -> tuple[set[str], Iterable[Remembered | None]]:
        """Return what is not as in the last run, and the steps of that run in their order.

        Parameters
        ----------
        start : mapping
            What the new run starts from, by name. Specs are told apart by identity.
        """
        if self._last is None:
            return set(start), repeat(None)
        _, old, steps = self._last
        changed = {name for name, value in start.items() if value is not old.get(name)}
        return changed | (old.keys() - start.keys()), steps

    def keep(
        self, inputs: Mapping[str, Any], start: Mapping[str, Any], steps: list[Remembered | None]
    ) -> None:
        """Keep the steps of a run, unless some input holds an array."""
        known = {} if self._last is None else self._last[0]
        for name, value in inputs.items():
            if value is not known.get(name) and _holds_array(name, value):
                return
        self._last = (inputs, start, steps)


def _holds_array(name: str, value: Any) -> bool:
    if isinstance(value, Interval):  # what depends on its ends would be recalled by its value
        return True
    if isinstance(value, (float, np.ndarray)):
        return np.ndim(value) > 0
    return bool(array_fields(name, value))
