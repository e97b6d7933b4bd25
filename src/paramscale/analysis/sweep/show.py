"""How a sweep looks: its axes, and what each quantity varies along, from where to where."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from paramscale.core.display import html_page, html_table, short, text_table
from paramscale.units import format_value, unit_of

if TYPE_CHECKING:
    from paramscale.analysis.sweep.result import Sweep

__all__ = ["axis_rows", "coordinate_text", "quantity_rows", "sweep_html", "sweep_text"]

_AXES = ("axis", "places", "from", "to")
_QUANTITIES = ("quantity", "values", "along", "estimator")


def sweep_text(sweep: Sweep) -> str:
    """Return axes and quantities as aligned text tables under a line that counts them."""
    lines = [_title(sweep)]
    if sweep.axes:
        lines.append(text_table(_AXES, axis_rows(sweep)))
    lines.append(text_table(_QUANTITIES, quantity_rows(sweep)))
    lines += [f"refused: {labels}: {short(why, 84)}" for labels, why in sweep.refused.items()]
    return "\n".join(lines)


def sweep_html(sweep: Sweep) -> str:
    """Return the same as an HTML block; every text from outside is escaped."""
    tables = [(_AXES, axis_rows(sweep)), (_QUANTITIES, quantity_rows(sweep))]
    body = "".join(
        html_table(header, [[escape(cell) for cell in row] for row in rows])
        for header, rows in tables
        if rows
    )
    body += "".join(
        f"<p>refused: {escape(labels)}: {escape(why)}</p>" for labels, why in sweep.refused.items()
    )
    return html_page(_title(sweep), body, sweep_text(sweep))


def _title(sweep: Sweep) -> str:
    count, points = len(sweep), sweep.size
    what = f"{count} quantit{'y' if count == 1 else 'ies'}"
    return f"Sweep: {what} at {points:,} point{'' if points == 1 else 's'}"


def axis_rows(sweep: Sweep) -> list[tuple[str, ...]]:
    """Return path, number of values, first and last value of each axis."""
    return [
        (
            path,
            f"{len(values):,}",
            coordinate_text(path, values[0]),
            coordinate_text(path, values[-1]),
        )
        for path, (_, values) in sweep.coordinates.items()
    ]


def coordinate_text(path: str, value: Any) -> str:
    """Return a coordinate with the unit that its field tells."""
    if isinstance(value, str):
        return short(value, 30)
    unit = unit_of(path.rpartition(".")[2])
    return format_value(value, unit.text if unit else "")


def quantity_rows(sweep: Sweep) -> list[tuple[str, ...]]:
    """Return name, range of values, dimensions and estimator of each quantity."""
    return [
        (name, each.summary(), ", ".join(each.dims) or "-", each.estimator)
        for name, each in sweep.items()
    ]
