"""Plain text that fits the terminal: headings, and columns of which the last one wraps."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import wrap

from paramscale.errors import FileFormatError

__all__ = ["columns", "heading", "paragraph", "terminal_width", "within_width", "write_text"]

_LEAST = 40
_MOST = 120
_GAP = 2


def terminal_width() -> int:
    """Return the columns to write in: those of the terminal, 80 where there is none."""
    return max(_LEAST, min(_MOST, shutil.get_terminal_size((80, 24)).columns))


def heading(text: str, width: int) -> list[str]:
    """Return an empty line and a heading.

    Examples
    --------
    >>> heading("Memory, per device", 40)
    ['', 'Memory, per device']
    """
    return ["", *paragraph(text, width)]


def paragraph(text: str, width: int, indent: str = "", hanging: str | None = None) -> list[str]:
    """Return a text in lines of at most `width`, the further ones indented by `hanging`.

    Examples
    --------
    >>> paragraph("a text that is long", 12, "- ", "  ")
    ['- a text', '  that is', '  long']
    """
    further = indent if hanging is None else hanging
    lines = wrap(
        text, width, initial_indent=indent, subsequent_indent=further, break_on_hyphens=False
    )
    return lines or [indent.rstrip()]


def columns(rows: Iterable[Sequence[str]], width: int, indent: str = "  ") -> list[str]:
    """Return aligned columns; the last one takes what is left of the width, and wraps.

    Where too little is left for it, it begins on a line of its own.

    Examples
    --------
    >>> rows = [("loss", "2 nats", "by a law of two terms"), ("time", "1 s", "")]
    >>> print("\\n".join(columns(rows, 36, indent="")))
    loss  2 nats  by a law of two terms
    time  1 s
    >>> print("\\n".join(columns(rows, 34, indent="")))
    loss  2 nats  by a law of two
                  terms
    time  1 s
    """
    table = [list(row) for row in rows]
    if not table:
        return []
    widths = [max(map(len, column)) for column in zip(*table, strict=True)][:-1]
    start = len(indent) + sum(widths) + _GAP * len(widths)
    lines = []
    for *cells, last in table:
        padded = [cell.ljust(size) for cell, size in zip(cells, widths, strict=True)]
        lead = indent + "".join(cell + " " * _GAP for cell in padded)
        if width - start >= _LEAST // 2 or len(lead + last) <= width:
            lines += _beside(lead, last, width)
        else:
            lines += paragraph(lead.strip(), width, indent, indent * 2)
            lines += paragraph(last, width, indent * 3 or " " * 4) if last else []
    return lines


def _beside(lead: str, last: str, width: int) -> list[str]:
    """Return one row, the last cell wrapped in its own column."""
    first, *more = wrap(last, max(1, width - len(lead)), break_on_hyphens=False) or [""]
    return [(lead + first).rstrip(), *(" " * len(lead) + line for line in more)]


def within_width(text: str, width: int) -> list[str]:
    """Return the lines of a text, those that are too long wrapped and indented further.

    Examples
    --------
    >>> within_width("short\\n  a line that is long", 14)
    ['short', '  a line that', '      is long']
    """
    lines = []
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        short = len(line) <= width
        lines += [line] if short else paragraph(line.strip(), width, indent, indent + "    ")
    return lines


def write_text(path: str, text: str) -> None:
    """Write a file.

    Raises
    ------
    FileFormatError
        If it cannot be written; it says why.
    """
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileFormatError(f"cannot write {path!r}: {error.strerror or error}") from error
