"""The answer as plain text: lines of quantities, columns of sizes, in blocks that fit the width."""

from __future__ import annotations

from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from paramscale.analysis.impact.words import asked, cell, headline, notes, title
from paramscale.units import format_value

if TYPE_CHECKING:
    from paramscale.analysis.impact.lines import Line
    from paramscale.analysis.impact.result import Impact

__all__ = ["impact_text"]

_GAP, _INDENT = 2, 2
_LEAST_WIDTH = 40


def impact_text(impact: Impact, width: int, *, bands: bool = False) -> str:
    """Return header, blocks of the table, the balanced size and notes, none wider than `width`."""
    width = max(width, _LEAST_WIDTH)
    lines = wrap(title(impact), width)
    for label, text in asked(impact.question):
        lines += _labelled(label, text, width)
    table = _Table(impact, bands=bands)
    for places in table.blocks(width):
        lines += ["", *table.block(places)]
    lines += ["", *_balanced(impact, width)]
    for note in notes(impact):
        lines += wrap(note, width, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(lines)


def _labelled(label: str, text: str, width: int) -> list[str]:
    lead = " " * _INDENT + label.ljust(16)
    if width < 60:
        return wrap(f"{label}: {text}", width, initial_indent="  ", subsequent_indent="    ")
    return wrap(
        text, width, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False
    )


def _balanced(impact: Impact, width: int) -> list[str]:
    """Return the balanced size with its reason, and its intervals."""
    choice = impact.balanced
    head = headline(impact) if choice.index is None else f"* {headline(impact)}"
    lines = [head, *wrap(choice.reason, width, initial_indent="  ", subsequent_indent="  ")]
    return [*lines, ""]


class _Table:
    """The cells of all lines, and how wide they are."""

    def __init__(self, impact: Impact, *, bands: bool) -> None:
        self.heads = [
            f"*{label}" if place == impact.star else label
            for place, label in enumerate(impact.labels)
        ]
        self.rows: list[tuple[str, str, list[str]]] = []
        for line in impact.lines:
            row = impact[line.name]
            cells = [cell(row, line, place) for place in range(len(self.heads))]
            self.rows.append((line.topic, line.label, cells))
            if bands and row.has_interval:
                self.rows += _band(impact, line)
        self.label_width = _INDENT + max(len(label) for _, label, _ in self.rows)
        columns = zip(*(cells for _, _, cells in self.rows), strict=True)
        self.widths = [
            max(len(head), *map(len, cells))
            for head, cells in zip(self.heads, columns, strict=True)
        ]

    def blocks(self, width: int) -> list[list[int]]:
        """Return which columns stand together, about equally many in each block."""
        fitting = _parted(self.widths, width - self.label_width)
        if len(fitting) == 1:
            return fitting
        each = -(-len(self.widths) // len(fitting))
        places = list(range(len(self.widths)))
        even = [places[start : start + each] for start in range(0, len(places), each)]
        room = width - self.label_width
        fits = all(sum(self.widths[p] + _GAP for p in block) <= room for block in even)
        return even if fits else fitting

    def block(self, places: list[int]) -> list[str]:
        """Return the lines of some columns, the first of them the sizes."""
        lines: list[str] = []
        for topic, rows in groupby(self.rows, key=lambda row: row[0]):
            heads = self._line(topic, self.heads, places) if not lines else topic
            lines.append(heads)
            lines += [self._line(" " * _INDENT + label, cells, places) for _, label, cells in rows]
        return lines

    def _line(self, label: str, cells: list[str], places: list[int]) -> str:
        shown = (cells[place].rjust(self.widths[place] + _GAP) for place in places)
        return (label.ljust(self.label_width) + "".join(shown)).rstrip()


def _parted(widths: list[int], room: int) -> list[list[int]]:
    """Return columns in as few blocks as fit, at least one column in each."""
    blocks: list[list[int]] = [[]]
    used = 0
    for place, size in enumerate(widths):
        if blocks[-1] and used + size + _GAP > room:
            blocks.append([])
            used = 0
        blocks[-1].append(place)
        used += size + _GAP
    return blocks


def _band(impact: Impact, line: Line) -> list[tuple[str, str, list[str]]]:
    """Return two lines with the ends of the 90 % interval."""
    row = impact[line.name]

    def shown(value: float) -> str:
        text = "–" if np.isnan(value) else format_value(value, row.unit)
        return text.removesuffix(line.drop) if line.drop else text

    return [
        (line.topic, f"  {word}", [shown(value) for value in end])
        for word, end in (("from", row.low), ("to", row.high))
    ]
