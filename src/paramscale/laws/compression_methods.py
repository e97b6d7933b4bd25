"""Methods of rounding and cutting by the words in which papers and tables name them."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from paramscale.core.packaged import packaged_rows

__all__ = ["FAMILIES", "Method", "method_named"]

#: Kinds of methods: whole-number codes with scales, block formats of llama.cpp, codes of several
#: weights at once, single weights set to zero, and whole channels, heads or layers taken out.
FAMILIES = ("scalar", "gguf", "codebook", "cut", "structured")


class Method(NamedTuple):
    """A method of compression.

    Attributes
    ----------
    name : str
        By which coefficients are kept; that of the family where the method has none of its own.
    family : str
        One of `FAMILIES`.
    known : bool
        Whether the words were recognised.
    alike : bool
        Whether it was not measured itself, and is taken for one of the same kind that was.
    """

    name: str
    family: str
    known: bool
    alike: bool = False


@cache
def _table() -> tuple[tuple[re.Pattern[str], Method], ...]:
    rows = packaged_rows("paramscale.laws", "compression_methods.csv")
    return tuple(
        (
            re.compile(row["pattern"]),
            Method(row["method"], row["family"], True, row["alike"] == "yes"),
        )
        for row in rows
    )


@cache
def method_named(words: str, among: str = "") -> Method:
    """Return the method that some words mean; that of a whole family where they are not known.

    Parameters
    ----------
    words : str
        As papers write it: ``"AQLM+PV-Tuning"``, ``"GPTQ-R"``.
    among : str
        A family to look in; empty: all that round.

    Examples
    --------
    >>> method_named("AQLM+PV-Tuning").name, method_named("GPTQ-R").name, method_named("new").known
    ('aqlm-pv', 'gptq', False)
    """
    lower = words.lower()
    for pattern, method in _table():
        here = method.family == among if among else method.family in FAMILIES[:3]
        if here and pattern.search(lower):
            return method
    family = among or "scalar"
    return Method(family, family, False)
