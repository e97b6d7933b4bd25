"""How estimates look: a text table, and an HTML table with collapsed breakdowns."""

from __future__ import annotations

from html import escape
from typing import TypeAlias

import numpy as np

from paramscale.core.display import html_details, html_page, html_table, short, text_table
from paramscale.core.estimates import Estimate, Estimates
from paramscale.core.explain import share_rows
from paramscale.units import format_value

__all__ = ["estimates_html", "estimates_text"]

Row: TypeAlias = tuple[str, ...]

_HEADER = ("quantity", "value", "90 % interval", "kind", "estimator", "domain", "source")


def estimates_text(estimates: Estimates) -> str:
    """Return the estimates as an aligned text table under a line that counts them."""
    rows = [_row(estimate, 44) for estimate in estimates.values()]
    lines = [_title(estimates)]
    if rows:
        lines.append(text_table(*_without_empty_columns(rows)))
    lines += [f"counted: {text}" for text in estimates.counted()]
    lines += [f"not estimated: {short(', '.join(estimates.missing), 84)}"] * bool(estimates.missing)
    return "\n".join(lines)


def _without_empty_columns(rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows without the columns that say nothing."""
    kept = [index for index in range(len(_HEADER)) if index < 2 or any(row[index] for row in rows)]
    return [_HEADER[index] for index in kept], [[row[index] for index in kept] for row in rows]


def estimates_html(estimates: Estimates) -> str:
    """Return the estimates as an HTML block; every text from outside is escaped."""
    rows = []
    for estimate in estimates.values():
        name, value, interval, *others = map(escape, _row(estimate, 200))
        shown = f'<span title="{escape(estimate.meaning)}">{name}</span>'
        shares = share_rows(estimate)
        if shares:
            cells = [[escape(cell) for cell in row] for row in shares]
            parts = html_table(("part", "value", "share"), cells)
            value = html_details(_value(estimate), parts)
        rows.append((shown, value, interval, *others))
    body = html_table(*_without_empty_columns(rows))
    if counted := estimates.counted():
        body += "".join(f"<p>counted: {escape(text)}</p>" for text in counted)
    if estimates.missing:
        reasons = "".join(f"<pre>{escape(text)}</pre>" for text in estimates.missing.values())
        body += html_details(f"{len(estimates.missing)} not estimated", reasons)
    return html_page(_title(estimates), body, estimates_text(estimates))


def _title(estimates: Estimates) -> str:
    axes, count = estimates.axes, len(estimates)
    points = int(np.prod(axes.shape))
    along = zip(axes.dims, axes.shape, strict=True)
    over = ", ".join(f"{name} ({size})" for name, size in along if name)
    what = f"{count} quantit{'y' if count == 1 else 'ies'}"
    where = f"{points:,} point{'' if points == 1 else 's'}"
    return f"Estimates: {what} at {where}" + (f" over {over}" if over else "")


def _row(estimate: Estimate, width: int) -> Row:
    interval = ""
    if estimate.has_interval:
        low, high = (_range(end, estimate.unit) for end in (estimate.low, estimate.high))
        interval = f"{low} to {high}"
    out = int(np.size(estimate.inside) - np.count_nonzero(estimate.inside))
    some = f" at {out} of {np.size(estimate.inside)}" if np.ndim(estimate.inside) else ""
    domain = f"outside{some}" if out else ""
    source = short(estimate.source, width)
    name, value = estimate.name, _value(estimate)
    return name, value, interval, estimate.kind, estimate.estimator, domain, source


def _value(estimate: Estimate) -> str:
    return format_value(estimate.value, estimate.unit)


def _range(end: object, unit: str) -> str:
    """Return one end of an interval; of many, the farthest ends without the shape."""
    text = format_value(end, unit)  # type: ignore[arg-type]
    return text.partition(": ")[2] or text
