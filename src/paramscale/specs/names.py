"""Names in specs: a room further up says how to find what they name.

Specs stand below the catalogue and do not know its rows; the catalogue fills these hooks, and a
wrong name is then refused where the spec is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from paramscale.errors import SpecError

__all__ = ["FINDERS", "format_name"]

#: Finds the thing that a name stands for, by kind of thing; raises ``UnknownNameError``.
FINDERS: dict[str, Callable[[Any], Any]] = {}


def format_name(default: str | None, *, doc: str = "") -> Any:
    """Return an attrs field that names a number format, or holds one.

    Parameters
    ----------
    default : str, optional
        Name of the format when none is given; None: the field may be None.
    doc : str
        What is stored in that format.
    """

    def check(instance: Any, attribute: Any, value: Any) -> None:
        if value is None and default is None:
            return
        if isinstance(value, str):
            if finder := FINDERS.get("format"):
                finder(value)
        elif not hasattr(value, "bits_per_weight"):
            raise SpecError(
                f"{type(instance).__name__}.{attribute.name} must be the name of a number format,"
                f" such as 'bf16', or a Format, not {value!r}"
            )

    return attrs.field(default=default, validator=check, metadata={"doc": doc})
