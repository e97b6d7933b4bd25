"""What one spec leaves open and another one says: filled in before estimators see them.

A model that was quantized knows its number format; a file type becomes bits only with a model.
Estimators shall not care, so a room that knows both specs registers here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["COMPLETERS", "completes"]

F = TypeVar("F", bound=Callable[[dict[str, Any]], None])

#: Called with the inputs of every run, by name, which they may replace. They must be fast where
#: there is nothing to do, and give the same object for the same specs: results are kept by it.
COMPLETERS: list[Callable[[dict[str, Any]], None]] = []


def completes(function: F) -> F:
    """Register a function that fills in what specs leave open."""
    COMPLETERS.append(function)
    return function
