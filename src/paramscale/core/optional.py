"""Packages that are not needed to compute, imported where a result is handed on."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["pandas", "pyplot"]


def pandas(method: str) -> Any:
    """Return pandas, or say what a method needs and how to install it."""
    return _imported("pandas", method, "pandas", "tables")


def pyplot(method: str) -> Any:
    """Return ``matplotlib.pyplot``, or say what a method needs and how to install it."""
    return _imported("matplotlib.pyplot", method, "matplotlib", "plot")


def _imported(module: str, method: str, package: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f'{method}() needs {package}, which is not installed; pip install "paramscale[{extra}]"'
        ) from error
