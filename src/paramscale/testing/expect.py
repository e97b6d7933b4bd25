"""How a check fails: with the rule, and what was found."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["agree", "expect"]


def expect(holds: Any, rule: str) -> None:
    """Raise ``AssertionError`` with the rule unless it holds; also under ``python -O``."""
    if not np.all(holds):
        raise AssertionError(rule)


def agree(found: Any, wanted: Any, rule: str, tolerance: float = 1e-12) -> None:
    """Expect equality up to a relative tolerance, NaN equal to NaN, with both in the message."""
    a, b = np.asarray(found, float), np.asarray(wanted, float)
    if np.array_equal(a, b):  # the common case, at the least cost
        return
    a, b = np.broadcast_arrays(a, b)
    close = np.isclose(a, b, rtol=tolerance, atol=0.0, equal_nan=True)
    if not np.all(close):
        first = tuple(np.argwhere(~close)[0]) if close.ndim else ()
        raise AssertionError(f"{rule}: {a[first]!r}, not {b[first]!r}, at {first}")
