"""Plots of lines with bands as SVG text, drawn in the colours of the page around them.

There is no script, no font and no colour in it but what the style classes say, so that one
picture serves light and dark pages and paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.core.ticks import linear_ticks, log_ticks

__all__ = ["SVG_STYLE", "Chart", "Line", "Mark"]

Array = npt.NDArray[np.float64]

WIDTH, HEIGHT = 380.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 60.0, 14.0, 12.0, 34.0
_MOST_TICKS = 6
_GAP = 0.06  # of the height, above and below what is drawn

#: Classes of the drawing; the page sets the variables.
SVG_STYLE = """\
.plot{display:block;width:100%;height:auto;font-family:inherit}
.plot text{fill:var(--soft);font-size:11px}
.plot .grid{stroke:var(--line);stroke-width:1}
.plot .axis{stroke:var(--soft);stroke-width:1}
.plot .line{fill:none;stroke-width:2;stroke-linejoin:round}
.plot .outside{stroke-dasharray:2 4}
.plot .band{stroke:none;fill-opacity:.16}
.plot .mark{stroke:var(--mark);stroke-width:1.5;stroke-dasharray:5 3}
.plot .limit{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:7 3}
.plot .star{fill:var(--mark)}
.plot .note{fill:var(--ink)}
""" + "".join(
    f".plot .s{n}.line{{stroke:var(--c{n})}}.plot .s{n}.band,.plot .s{n}.dot{{fill:var(--c{n})}}\n"
    for n in range(6)
)


@attrs.frozen(eq=False)
class Line:
    """One line of a plot.

    Parameters
    ----------
    name : str
        For the legend.
    x, y : array
        Points in order; where y is NaN the line is broken.
    low, high : array, optional
        The band around it.
    inside : array of bool, optional
        Where the line is drawn through; elsewhere it is dotted.
    dots : sequence of (float, float, str)
        Points with a text that shows when one points at them.
    """

    name: str
    x: Array
    y: Array
    low: Array | None = None
    high: Array | None = None
    inside: npt.NDArray[np.bool_] | None = None
    dots: Sequence[tuple[float, float, str]] = ()


@attrs.frozen
class Mark:
    """A line across the plot: at one x from bottom to top, or at one y from left to right."""

    at: float
    name: str
    across: bool = False


@attrs.frozen(eq=False)
class Chart:
    """A plot of lines over a logarithmic axis.

    Parameters
    ----------
    title : str
        What the picture is, for those who do not see it.
    lines : sequence of Line
        At most six.
    x_text, y_text : callable
        Text of a number on each axis.
    x_name : str
        What stands along the axis.
    log : bool
        Whether the vertical axis is logarithmic; positive values only.
    marks : sequence of Mark
        Lines across.
    y_ticks : sequence of float
        Round numbers of the vertical axis where powers of ten are not round, as for hours.

    Examples
    --------
    >>> chart = Chart("a line", [Line("a", np.array([1.0, 10.0]), np.array([2.0, 3.0]))])
    >>> chart.svg().startswith('<svg class="plot" viewBox="0 0 380 240" role="img"')
    True
    """

    title: str
    lines: Sequence[Line]
    x_text: Callable[[float], str] = "{:g}".format
    y_text: Callable[[float], str] = "{:g}".format
    x_name: str = ""
    log: bool = False
    marks: Sequence[Mark] = ()
    y_ticks: Sequence[float] = ()

    def svg(self) -> str:
        """Return the picture; empty text where no line has a point."""
        frame = self._frame()
        if frame is None:
            return ""
        parts = [
            *frame.grid(self),
            *(text for mark in self.marks for text in frame.mark(mark)),
            *(text for n, line in enumerate(self.lines) for text in frame.band(n, line)),
            *(text for n, line in enumerate(self.lines) for text in frame.line(n, line)),
        ]
        head = f'<svg class="plot" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img"'
        return f'{head} aria-label="{escape(self.title)}">{"".join(parts)}</svg>'

    def _frame(self) -> _Frame | None:
        """Return how numbers become places, from everything that is drawn."""
        xs = np.concatenate([line.x[~np.isnan(line.y)] for line in self.lines])
        ends = [end for line in self.lines for end in (line.y, line.low, line.high)
                if end is not None]  # fmt: skip
        ys = np.concatenate([*ends, [mark.at for mark in self.marks if mark.across]])
        ys = ys[np.isfinite(ys) & ((ys > 0.0) | (not self.log))]
        if not xs.size or not ys.size:
            return None
        low, high = (float(end) for end in (ys.min(), ys.max()))
        if self.log:
            gap = (high / low) ** _GAP if high > low else 2.0
            low, high = low / gap, high * gap
        else:
            gap = _GAP * (high - low) if high > low else 0.5 * abs(high) + 0.5
            low, high = (max(low - gap, 0.0) if low >= 0.0 else low - gap), high + gap
        return _Frame(*_round_ends(float(xs.min()), float(xs.max())), low, high, self.log)


@attrs.frozen
class _Frame:
    """The ends of both axes, and the pieces of the drawing between them."""

    left: float
    right: float
    low: float
    high: float
    log: bool

    def x(self, value: float | Array) -> Array:
        share = np.log(np.asarray(value) / self.left) / np.log(self.right / self.left)
        return np.asarray(_LEFT + (WIDTH - _LEFT - _RIGHT) * share)

    def y(self, value: float | Array) -> Array:
        value = np.asarray(value, dtype=np.float64)
        if self.log:
            value = np.maximum(value, self.low)
            share = np.log(value / self.low) / np.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return np.asarray(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * np.clip(share, 0.0, 1.0))

    def grid(self, chart: Chart) -> Iterator[str]:
        """Yield axes with their numbers."""
        bottom, end = HEIGHT - _BOTTOM, WIDTH - _RIGHT
        for tick in self._y_ticks(chart):
            place = float(self.y(tick))
            yield f'<path class="grid" d="M{_LEFT:g} {place:.1f}H{end:g}"/>'
            yield _text(_LEFT - 6, place + 4, chart.y_text(tick), "end")
        for tick in log_ticks(self.left, self.right, 5):
            place = float(self.x(tick))
            yield f'<path class="axis" d="M{place:.1f} {bottom:g}v4"/>'
            anchor = "end" if place > end - 10.0 else "middle"
            yield _text(place, bottom + 16, chart.x_text(tick), anchor)
        yield f'<path class="axis" d="M{_LEFT:g} {bottom:g}H{end:g}"/>'
        if chart.x_name:
            yield _text(end, HEIGHT - 4, chart.x_name, "end")

    def _y_ticks(self, chart: Chart) -> Array:
        """Return the numbers of the vertical axis: the given ones where enough of them show."""
        given = np.array([each for each in chart.y_ticks if self.low <= each <= self.high])
        if given.size >= 2:
            return given[:: -(-given.size // _MOST_TICKS)]
        return log_ticks(self.low, self.high) if self.log else linear_ticks(self.low, self.high)

    def mark(self, mark: Mark) -> Iterator[str]:
        """Yield a line across, with its name."""
        if mark.across:
            place = float(self.y(mark.at))
            yield f'<path class="limit" d="M{_LEFT:g} {place:.1f}H{WIDTH - _RIGHT:g}"/>'
            yield _text(_LEFT + 4, max(place - 4, _TOP + 8), mark.name, "start", "note")
            return
        place = float(self.x(mark.at))
        if not _LEFT - 1 <= place <= WIDTH - _RIGHT + 1:
            return
        yield (
            f'<path class="mark" d="M{place:.1f} {_TOP:g}V{HEIGHT - _BOTTOM:g}">'
            f"<title>{escape(mark.name)}</title></path>"
        )

    def band(self, number: int, line: Line) -> Iterator[str]:
        """Yield the area between the ends of the interval, broken where they are not known."""
        if line.low is None or line.high is None:
            return
        for run in _runs(np.isfinite(line.low) & np.isfinite(line.high)):
            above = self._points(line.x[run], line.high[run])
            below = self._points(line.x[run], line.low[run])
            yield f'<path class="s{number} band" d="M{"L".join([*above, *below[::-1]])}Z"/>'

    def line(self, number: int, line: Line) -> Iterator[str]:
        """Yield the line, dotted outside, and its dots."""
        inside = np.ones(line.x.shape, dtype=bool) if line.inside is None else line.inside
        known = np.isfinite(line.y)
        for outside in (False, True):
            mine = known & (inside != outside)
            for run in _runs(mine):
                start = run.start - 1 if run.start and known[run.start - 1] else run.start
                joined = slice(start, run.stop)
                points = self._points(line.x[joined], line.y[joined])
                word = " outside" if outside else ""
                yield f'<path class="s{number} line{word}" d="M{"L".join(points)}"/>'
        for x, y, text in line.dots:
            if np.isfinite(y):
                at = f'cx="{float(self.x(x)):.1f}" cy="{float(self.y(y)):.1f}" r="3"'
                told = f"<title>{escape(text)}</title>"
                yield f'<circle class="s{number} dot" {at}>{told}</circle>'

    def _points(self, x: Array, y: Array) -> list[str]:
        return [f"{a:.1f} {b:.1f}" for a, b in zip(self.x(x), self.y(y), strict=True)]


def _round_ends(left: float, right: float) -> tuple[float, float]:
    """Return the ends of the horizontal axis, a power of ten where one is near."""
    if left == right:
        return left / 2.0, right * 2.0
    below, above = 10.0 ** np.floor(np.log10(left)), 10.0 ** np.ceil(np.log10(right))
    return (below if left < 1.5 * below else left), (above if above < 1.5 * right else right)


def _runs(mask: npt.NDArray[np.bool_]) -> Iterator[slice]:
    """Yield the stretches in which a mask is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        yield slice(int(start), int(stop))


def _text(x: float, y: float, text: str, anchor: str, word: str = "") -> str:
    role = f' class="{word}"' if word else ""
    return f'<text{role} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
