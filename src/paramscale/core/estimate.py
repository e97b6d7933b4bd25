"""One estimate: a value with its interval, unit, source and domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.core.quantity import Quantity
from paramscale.core.reasons import Reason
from paramscale.core.record import Estimator
from paramscale.core.source import Source
from paramscale.typing import Booleans, Floats
from paramscale.units import format_value

__all__ = ["Estimate"]

_GIVEN = Source("given by the caller")


@attrs.frozen(eq=False, repr=False)
class Estimate:
    """One quantity at the points of a scenario.

    Attributes
    ----------
    value, low, high : float64 or array
        In `unit`. `low` and `high` are the ends of the 90 % interval: equal to `value` where it
        and all it came from is exact arithmetic, NaN where no interval is known.
    inside : bool or array of bool
        Whether the point lies in the domain of every estimator on the way to this value.
    draws : array or None
        The draws themselves, along a leading axis.
    record : Estimator or None
        The estimator that gave it; None for a value that the caller gave.
    """

    quantity: Quantity
    value: Floats
    low: Floats
    high: Floats
    inside: Booleans
    draws: npt.NDArray[np.float64] | None
    record: Estimator | None
    _parts: Callable[[], dict[str, Any]]
    _reasons: Callable[[], tuple[Reason, ...]] = tuple

    @property
    def name(self) -> str:
        return self.quantity.name

    @property
    def unit(self) -> str:
        return self.quantity.unit

    @property
    def meaning(self) -> str:
        return self.quantity.meaning

    @property
    def estimator(self) -> str:
        """Name of the estimator, as for ``use={quantity: name}``."""
        return self.record.name if self.record else "given"

    @property
    def kind(self) -> str:
        """``"exact"``, ``"bound"``, ``"law"``, ``"calibrated"``, or ``"given"``."""
        return self.record.kind if self.record else "given"

    @property
    def sources(self) -> tuple[Source, ...]:
        return self.record.sources if self.record else (_GIVEN,)

    @property
    def source(self) -> str:
        """Where it comes from, as text."""
        return "; ".join(source.text for source in self.sources)

    @property
    def parts(self) -> dict[str, Any]:
        """Breakdown by component; empty where the estimator has none. Computed when asked."""
        return self._parts()

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why points have no value, each with the points; empty where all have one."""
        return self._reasons()

    @property
    def has_interval(self) -> bool:
        """Whether an interval is known that is more than the value itself."""
        return not (np.all(np.isnan(self.low)) or np.array_equal(self.low, self.high))

    def __float__(self) -> float:
        return float(self.value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.value, dtype=dtype, copy=True)

    def __repr__(self) -> str:
        ends = ""
        if self.has_interval:
            low, high = format_value(self.low, self.unit), format_value(self.high, self.unit)
            ends = f" [{low}, {high}]"
        return f"<{self.name} = {format_value(self.value, self.unit)}{ends}, {self.estimator}>"
