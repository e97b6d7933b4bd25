"""Axes as words of a command line: ``serving.batch=1,2,4``, ``model.parameters=1e8:1e12:50log``."""

from __future__ import annotations

import argparse
import re
from typing import Any

from paramscale.cli.values import count

__all__ = ["axis", "grid_rows"]

_HOW = (
    "write PATH=VALUE,VALUE,... or PATH=FIRST:LAST:COUNT, with log behind the count for equal"
    " ratios: serving.batch=1,8,64 or model.parameters=1e8:1e12:50log"
)
_NONE, _TRUTHS = "none", {"true": True, "false": False}


def axis(text: str) -> tuple[str, list[Any]]:
    """Return the path and the values of an axis.

    Examples
    --------
    >>> axis("serving.batch=1,8,64")
    ('serving.batch', [1.0, 8.0, 64.0])
    >>> axis("model.parameters=1e8:1e10:3log")[1]
    [100000000.0, 1000000000.0, 10000000000.0]
    >>> axis("hardware=h100-sxm,b200")
    ('hardware', ['h100-sxm', 'b200'])
    """
    path, sign, values = (part.strip() for part in text.partition("="))
    if not (path and sign and values):
        raise argparse.ArgumentTypeError(f"{text!r} is no axis; {_HOW}")
    if values.count(":") == 2:
        return path, _range(text, *values.split(":"))
    return path, [_value(each.strip()) for each in values.split(",") if each.strip()]


def _value(text: str) -> Any:
    """Return a number where the text is one, None, a truth, or the text: a name."""
    low = text.lower()
    if low == _NONE or low in _TRUTHS:
        return _TRUTHS.get(low)
    try:
        return count(text)
    except argparse.ArgumentTypeError:
        return text


def _range(text: str, first: str, last: str, places: str) -> list[float]:
    import numpy as np

    ratio = places.strip().endswith("log")
    try:
        low, high, number = count(first), count(last), int(places.strip().removesuffix("log"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no axis; {_HOW}") from None
    if number < 1 or (ratio and not (low > 0.0 and high > 0.0)):
        raise argparse.ArgumentTypeError(
            f"{text!r}: the count must be at least 1, and the ends of equal ratios positive"
        )
    spaced = np.geomspace(low, high, number) if ratio else np.linspace(low, high, number)
    return [float(each) for each in spaced]


def grid_rows(header: list[str], rows: list[list[str]], width: int, fixed: int) -> list[str]:
    """Return a table in as many blocks as its columns need, the first columns in each.

    Parameters
    ----------
    header, rows : list
        Texts.
    width : int
        Columns of the terminal.
    fixed : int
        How many columns, the coordinates, begin each block.

    Examples
    --------
    >>> print("\\n".join(grid_rows(["a", "x", "y"], [["1", "22", "3"]], 6, 1)))
    a  x
    1  22
    <BLANKLINE>
    a  y
    1  3
    """
    cells = [max((len(row[i]) for row in rows), default=0) for i in range(len(header))]
    heads = [_broken(name, max(size, _NARROW)) for name, size in zip(header, cells, strict=True)]
    sizes = [max(size, *map(len, head)) for size, head in zip(cells, heads, strict=True)]
    tall = max(map(len, heads))
    top = [[head[i - tall] if i >= tall - len(head) else "" for head in heads] for i in range(tall)]
    lead = list(range(fixed))
    blocks: list[list[int]] = [[]]
    for place in range(fixed, len(header)):
        used = sum(sizes[i] + 2 for i in [*lead, *blocks[-1]])
        if blocks[-1] and used + sizes[place] > width:
            blocks.append([])
        blocks[-1].append(place)
    lines: list[str] = []
    for block in blocks:
        shown = [*lead, *block]
        lines += [""] if lines else []
        for row in [*top, *rows]:
            lines.append("  ".join(row[i].ljust(sizes[i]) for i in shown).rstrip())
    return lines


_NARROW = 12


def _broken(name: str, width: int) -> list[str]:
    """Return a name in lines, broken behind its dots and underscores."""
    lines = [""]
    for piece in re.findall(r"[^._]*[._]?", name):
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return lines
