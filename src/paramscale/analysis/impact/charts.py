"""The plots of the page: one a quantity, accuracies together, and loss against total cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import attrs
import numpy as np

from paramscale.analysis.impact.lines import LINES
from paramscale.analysis.impact.row import Row
from paramscale.core.svg import Chart, Mark
from paramscale.core.svg import Line as Drawn
from paramscale.units import format_value

if TYPE_CHECKING:
    from paramscale.analysis.impact.lines import Line
    from paramscale.analysis.impact.result import Impact

__all__ = ["LINEAR", "ROUND", "Figure", "figures"]

_TOTALS = ("total_cost_usd", "total_device_s", "total_flops")
#: Units that are drawn from zero or their least value, not in powers of ten.
LINEAR = ("fraction", "nats", "ratio")
#: Losses that spread over powers of ten.
_SPREAD = ("doubling_return_nats", "compression_loss_nats")
#: Rows that are drawn together.
_TIMES = ("ttft_s", "tpot_s")


_HOUR, _DAY, _YEAR, _KWH = 3600.0, 86_400.0, 31_557_600.0, 3.6e6
#: Round numbers by unit, where powers of ten are not.
ROUND: dict[str, tuple[float, ...]] = {
    "s": (
        *(10.0**power for power in range(-9, 2)), 60.0, _HOUR, 10 * _HOUR, 3 * _DAY, 30 * _DAY,
        100 * _DAY, _YEAR, 3 * _YEAR,
        *(_YEAR * 10.0**power for power in range(1, 6)),
    ),
    "device-s": tuple(_HOUR * 10.0**power for power in range(-2, 16)),
    "bytes": tuple(2.0**power for power in range(20, 60)),
    "J": (*(10.0**power for power in range(-9, 4)), *(_KWH * 10.0**power for power in range(12))),
}  # fmt: skip


#: Words that the caption says, so that numbers along an axis need not.
_SAID = (" device-hours", " tokens/s", " USD/M tokens", " USD", "CO2e", " nats", " devices")


class Figure(NamedTuple):
    """A plot with its caption, heading, and what its colours mean."""

    topic: str
    caption: str
    svg: str
    legend: tuple[str, ...]


def figures(impact: Impact) -> list[Figure]:
    """Return all plots for which there are numbers."""
    drawn = [line for line in LINES if line.plotted and line.name in impact]
    found = []
    for line in drawn:
        together = _together(line, drawn)
        if together[0] is line:
            found.append(_over_size(impact, together))
    against = _against_cost(impact)
    return [each for each in [*against, *found] if each.svg]


def _together(line: Line, drawn: list[Line]) -> list[Line]:
    """Return the lines that share a plot with one."""
    if line.name.endswith("compression_loss_nats"):
        return [each for each in drawn if each.name.endswith("compression_loss_nats")]
    if line.name.endswith("_fraction"):
        return [each for each in drawn if each.name.endswith("_fraction")]
    if line.name in _TIMES:
        return [each for each in drawn if each.name in _TIMES]
    return [line]


def _over_size(impact: Impact, lines: list[Line]) -> Figure:
    first = impact[lines[0].name]
    names = [line.label.partition(",")[0] for line in lines]
    if len(lines) == 1:
        caption = _with_unit(first)
    else:
        captions = {"fraction": "Accuracies on benchmarks", "s": "Times in use"}
        caption = captions.get(first.unit, "Loss that compression adds, nats")
    single = len(lines) == 1
    drawn = [_line(impact, line, name, bands=single or first.unit != "fraction")
             for line, name in zip(lines, names, strict=True)]  # fmt: skip
    chart = Chart(
        caption, drawn, _size_text, _text_of(first), "parameters",
        log=first.unit not in LINEAR or first.name.endswith(_SPREAD),
        marks=_marks(impact, lines[0].name), y_ticks=ROUND.get(first.unit, ()),
    )  # fmt: skip
    return Figure(lines[0].topic, caption, chart.svg(), () if single else tuple(names))


def _with_unit(row: Row) -> str:
    """Return the meaning of a row, with the unit that numbers along its axis leave out."""
    unit = {"USD/token": "USD per million tokens", "USD": "USD"}.get(row.unit, "")
    return f"{row.meaning}, {unit}" if unit else row.meaning


def _text_of(row: Row) -> Callable[[float], str]:
    """Return how numbers of a row stand at an axis."""

    def text(value: float) -> str:
        found = format_value(value, row.unit)
        for word in _SAID:
            found = found.removesuffix(word)
        return found

    return text


def _size_text(size: float) -> str:
    return format_value(size, "parameters")


def _line(impact: Impact, line: Line, name: str, *, bands: bool) -> Drawn:
    """Return a row as a line: the whole family where there is one, with dots at what is shown."""
    row, curve = impact[line.name], _curve(impact).get(line.name)
    dots = [
        (size, value, _pointed(label, name, row, place))
        for place, (label, size, value) in enumerate(
            zip(impact.labels, impact.sizes, row.value, strict=True)
        )
    ]
    if curve is None:
        x, shown = impact.sizes, row
    else:
        x, shown = impact.curve["parameters"].value, curve
    low, high = (shown.low, shown.high) if bands and shown.has_interval else (None, None)
    return Drawn(name, x, shown.value, low, high, shown.inside, dots)


def _curve(impact: Impact) -> dict[str, Row]:
    """Return the rows of the family; none for published models, which are their own."""
    return dict(impact.curve) if impact.question.of_family else {}


def _pointed(label: str, name: str, row: Row, place: int) -> str:
    value, low, high = (end[place] for end in (row.value, row.low, row.high))
    text = f"{label}: {name} {format_value(value, row.unit)}"
    if np.isfinite(low) and low < high:
        text += f" ({format_value(low, row.unit)} to {format_value(high, row.unit)})"
    return text if row.inside[place] else f"{text}, outside of its domain"


def _marks(impact: Impact, name: str) -> list[Mark]:
    marks = []
    choice, machine = impact.balanced, impact.question.hardware
    if choice.index is not None:
        marks.append(Mark(choice.parameters, f"balanced: {choice.label}"))
    if name.endswith("memory_bytes") and machine is not None and machine.memory_bytes > 0.0:
        size = format_value(machine.memory_bytes, "bytes")
        marks.append(Mark(float(machine.memory_bytes), f"one device: {size}", across=True))
    return marks


def _against_cost(impact: Impact) -> list[Figure]:
    """Return loss over total cost, the one picture of the trade."""
    name = next((each for each in _TOTALS if each in impact), None)
    if name is None or "loss_nats" not in impact:
        return []
    cost, loss = impact[name], impact["loss_nats"]
    rows = _curve(impact)
    dots = [
        (price, value, f"{label}: {_text_of(loss)(value)} for {_text_of(cost)(price)}")
        for label, price, value in zip(impact.labels, cost.value, loss.value, strict=True)
        if np.isfinite(price)
    ]  # fmt: skip
    x, shown = rows.get(name, cost).value, rows.get("loss_nats", loss)
    order = np.argsort(x)[: int(np.isfinite(x).sum())]
    y = np.minimum.accumulate(shown.value[order])  # the least loss for up to so much
    line = Drawn("loss", x[order], y, inside=shown.inside[order], dots=dots)
    marks = []
    if impact.star is not None:
        marks.append(Mark(float(cost.value[impact.star]), f"balanced: {impact.balanced.label}"))
    caption = "Least loss for a total cost of training and use"
    scale = 3600.0 if cost.unit == "device-s" else 1.0
    line = attrs.evolve(line, x=line.x / scale, dots=[(x / scale, y, t) for x, y, t in line.dots])
    marks = [attrs.evolve(mark, at=mark.at / scale) for mark in marks]
    chart = Chart(
        caption, [line], lambda price: _text_of(cost)(price * scale), _text_of(loss),
        _counted(name), marks=marks,
    )  # fmt: skip
    return [Figure("Training and use together", caption, chart.svg(), ())]


def _counted(name: str) -> str:
    return dict(zip(_TOTALS, ("USD", "device-hours", "FLOPs"), strict=True))[name]
