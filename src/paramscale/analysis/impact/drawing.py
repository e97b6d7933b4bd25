"""The plots with matplotlib, which is imported only here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from paramscale.analysis.impact.charts import LINEAR, ROUND
from paramscale.analysis.impact.lines import LINES, line_of
from paramscale.errors import UnknownNameError
from paramscale.units import format_value

if TYPE_CHECKING:
    from paramscale.analysis.impact.result import Impact

__all__ = ["draw"]

_COLUMNS = 3


def draw(impact: Impact, names: tuple[str, ...]) -> Any:
    """Return a figure with a panel for each quantity.

    Raises
    ------
    ImportError
        If matplotlib is not installed; it says how to get it.
    UnknownNameError
        If there is no row of a name.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            'plot() needs matplotlib, which is not installed; pip install "paramscale[plot]"'
        ) from error
    chosen = names or tuple(
        line.name for line in LINES
        if line.plotted and line.name in impact and not np.isnan(impact[line.name].value).all()
    )  # fmt: skip
    for name in chosen:
        if name not in impact:
            raise UnknownNameError("row of the impact", name, impact)
    rows = -(-len(chosen) // _COLUMNS)
    across = min(len(chosen), _COLUMNS)
    figure = Figure(figsize=(4.2 * across, 3.0 * rows), layout="constrained")
    panels = figure.subplots(rows, across, squeeze=False).ravel()
    for panel, name in zip(panels, chosen, strict=False):
        _panel(panel, impact, name)
    for panel in panels[len(chosen) :]:
        panel.set_axis_off()
    return figure


def _panel(panel: Any, impact: Impact, name: str) -> None:
    rows = impact.curve if impact.question.of_family and name in impact.curve else impact
    row, sizes = rows[name], rows["parameters"].value
    panel.plot(sizes, row.value, ":", color="C0")
    panel.plot(sizes, np.where(row.inside, row.value, np.nan), "-", color="C0")
    panel.plot(impact.sizes, impact[name].value, "o", color="C0", markersize=4)
    if row.has_interval:
        panel.fill_between(sizes, row.low, row.high, color="C0", alpha=0.15, linewidth=0)
    if impact.balanced.index is not None:
        panel.axvline(impact.balanced.parameters, color="C3", linestyle="--", linewidth=1)
    panel.set_xscale("log")
    if row.unit not in LINEAR and np.nanmin(row.value) > 0.0:
        panel.set_yscale("log")
        _round_ticks(panel, ROUND.get(row.unit, ()))
    panel.xaxis.set_major_formatter(lambda x, _: format_value(x, "parameters"))
    panel.yaxis.set_major_formatter(lambda y, _: format_value(y, row.unit))
    panel.yaxis.set_minor_formatter(lambda y, _: "")
    panel.set_xlabel("parameters")
    line = line_of(name)
    panel.set_title(f"{line.topic}: {line.label}" if line is not None else name, fontsize=10)
    panel.grid(alpha=0.3)


def _round_ticks(panel: Any, ticks: Sequence[float]) -> None:
    """Put numbers at the round values of a unit where powers of ten are not round."""
    low, high = panel.get_ylim()
    inside = [tick for tick in ticks if low <= tick <= high]
    if len(inside) >= 2:
        panel.set_yticks(inside[:: -(-len(inside) // 6)])
        panel.set_yticks([], minor=True)
