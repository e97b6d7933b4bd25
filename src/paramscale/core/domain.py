"""The domain on which a law or calibration was fitted, and whether a point lies inside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from paramscale.errors import RegistrationError
from paramscale.typing import Booleans
from paramscale.units import format_value, unit_of

__all__ = ["Domain"]


@attrs.frozen(eq=False)
class Domain:
    """Ranges over inputs, ends included.

    Parameters
    ----------
    bounds : mapping of str to (float, float)
        Name of a quantity, or ``"spec.field"``, to least and greatest value; ``None`` leaves an
        end open.
    note : str
        What else limits it, in words.

    Examples
    --------
    >>> import numpy as np
    >>> fitted = Domain({"parameters": (1e7, 1e10)}, note="decoder-only, English")
    >>> fitted.inside({"parameters": np.array([1e8, 1e12])})
    array([ True, False])
    >>> fitted.describe({"parameters": 1e12})
    'parameters = 1 T is above 10 B by a factor of 100'
    """

    bounds: Mapping[str, tuple[float | None, float | None]]
    note: str = ""
    #: The bounds as (name of a quantity or spec, field or "", least, greatest), for quick checks.
    limits: tuple[tuple[str, str, float, float], ...] = attrs.field(
        init=False, repr=False, eq=False
    )

    def __attrs_post_init__(self) -> None:
        ends = {}
        for name, (low, high) in self.bounds.items():
            low, high = -math.inf if low is None else low, math.inf if high is None else high
            if not low <= high:
                raise RegistrationError(f"the domain of {name!r} is empty: {low} to {high}")
            ends[name] = (float(low), float(high))
        object.__setattr__(self, "bounds", ends)
        parted = ((*name.partition(".")[::2], *pair) for name, pair in ends.items())
        object.__setattr__(self, "limits", tuple(parted))

    def inside(self, values: Mapping[str, Any]) -> Booleans:
        """Return for each point whether every bounded value lies in its range.

        Parameters
        ----------
        values : mapping of str to float or array
            By the names in `bounds`; they broadcast. NaN lies outside. A field that is None, or
            absent, limits nothing.
        """
        mask: Booleans = np.bool_(True)
        for name, (low, high) in self.closed().items():
            value = values.get(name)
            if value is not None:
                mask = mask & ((value >= low) & (value <= high))
        return mask

    def describe(self, values: Mapping[str, Any]) -> str:
        """Return which bounds are left, and by how much; the empty text when none is."""
        texts = []
        for name, (low, high) in self.closed().items():
            value = values.get(name)
            if value is not None:
                texts += _left(name, np.asarray(value, dtype=np.float64), low, high)
        return "; ".join(texts)

    def text(self) -> str:
        """Return the ranges and the note in words."""
        ranges = []
        for name, (low, high) in self.closed().items():
            unit = _unit(name)
            ranges.append(f"{name} {format_value(low, unit)} to {format_value(high, unit)}")
        return "; ".join([*ranges, self.note] if self.note else ranges)

    def closed(self) -> dict[str, tuple[float, float]]:
        """Return the bounds with open ends as infinities."""
        return self.bounds  # type: ignore[return-value]  # __attrs_post_init__ closed the ends


def _unit(name: str) -> str:
    unit = unit_of(name.rpartition(".")[2])
    return unit.text if unit else ""


def _left(name: str, value: np.ndarray[Any, Any], low: float, high: float) -> list[str]:
    """Return a text for each end of one bound that some point leaves, and for unknown points."""
    texts, unit = [], _unit(name)
    sides = (("below", low, np.nanmin, value < low), ("above", high, np.nanmax, value > high))
    for word, end, farthest, beyond in sides:
        count = int(np.count_nonzero(beyond))
        if count:
            worst = float(farthest(value))
            where = f" ({count} of {value.size} points)" if value.ndim else ""
            reached, limit = format_value(worst, unit), format_value(end, unit)
            texts.append(f"{name} = {reached}{where} is {word} {limit}{_by(worst, end)}")
    unknown = int(np.count_nonzero(np.isnan(value)))
    if unknown:
        texts.append(f"{name} is not known at {unknown} of {value.size} points")
    return texts


def _by(worst: float, end: float) -> str:
    """Return by how much a value passes an end: as a factor where that has a meaning."""
    if worst * end <= 0:
        return f" by {abs(worst - end):.3g}"
    ratio = max(worst / end, end / worst)
    return f" by a factor of {ratio:.3g}"
