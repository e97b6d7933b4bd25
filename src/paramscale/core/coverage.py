"""Which of several estimators covers all points of a scenario, asked at every run of a plan.

There may be dozens of laws for one quantity, and most bound the same few inputs. Each input is
therefore looked up once, as its least and greatest value, and the domains are compared with plain
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import attrs
import numpy as np

from paramscale.core.domain import Domain

__all__ = ["Coverage"]

#: Place of an input among those bounded, and the range that it must keep to.
_Limit: TypeAlias = tuple[int, float, float]


@attrs.frozen(eq=False)
class Coverage:
    """Several domains in the order of their rank.

    Parameters
    ----------
    inputs : tuple of (str, str)
        Name of a quantity or spec, and field of it or "", of everything that some domain bounds.
    limits : tuple of tuple
        For each domain its limits, by the place of what they bound among `inputs`.

    Examples
    --------
    >>> small, large = Domain({"parameters": (0.0, 1e9)}), Domain({"parameters": (1e9, 1e12)})
    >>> Coverage.of([small, large]).first({"parameters": np.array([2e9, 5e9])})
    1
    """

    inputs: tuple[tuple[str, str], ...]
    limits: tuple[tuple[_Limit, ...], ...]

    @classmethod
    def of(cls, domains: Sequence[Domain | None]) -> Coverage:
        """Return the domains made ready; None covers everything."""
        places: dict[tuple[str, str], int] = {}
        limits = tuple(
            tuple(
                (places.setdefault((head, field), len(places)), low, high)
                for head, field, low, high in (() if domain is None else domain.limits)
            )
            for domain in domains
        )
        return cls(tuple(places), limits)

    def first(self, values: Mapping[str, Any]) -> int:
        """Return the place of the first domain that covers every point; if none does, 0.

        An input that is absent or None bounds nothing; NaN lies in no range.
        """
        ends = [_ends(values.get(head), field) for head, field in self.inputs]
        for place, limits in enumerate(self.limits):
            for which, low, high in limits:
                found = ends[which]
                if found is not None and not (low <= found[0] and found[1] <= high):
                    break
            else:
                return place
        return 0


def _ends(value: Any, field: str) -> tuple[float, float] | None:
    """Return the least and the greatest value of an input, NaN if any is; None if it is absent."""
    if field:
        value = getattr(value, field, None)
    if value is None:
        return None
    if isinstance(value, np.ndarray):
        if not value.size:
            return None
        return float(value.min()), float(value.max())
    number = float(value)
    return number, number
