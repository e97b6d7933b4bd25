"""Figures of results, drawn with a matplotlib that the caller found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from paramscale.units import display_scale, unit_of

if TYPE_CHECKING:
    from paramscale.analysis.front import Front
    from paramscale.analysis.optimum import Optimum
    from paramscale.analysis.sensitivity.result import Sensitivity

__all__ = ["axis_scale", "draw_front", "draw_profiles", "draw_tornado"]

COLOURS = ("#2a6f97", "#e09f3e", "#6a994e", "#d1495b", "#7b5ea7", "#8d6e63", "#4db6ac", "#555555")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def axis_scale(name: str, values: Any) -> tuple[float, str]:
    """Return the factor that a quantity is shown in, and the label of its axis.

    Examples
    --------
    >>> axis_scale("tpot_s", [0.004, 0.02])
    (0.001, 'tpot_s [ms]')
    """
    unit = unit_of(name.rpartition(".")[2])
    if unit is None:
        return 1.0, name
    factor, label = display_scale(values, unit.text)
    return factor, f"{name} [{label}]" if label else name


def draw_front(pyplot: Any, front: Front, axes: Any = None) -> Any:
    """Return axes with the first two goals of a front, its knee ringed."""
    axes = pyplot.subplots(figsize=(7.2, 4.8))[1] if axes is None else axes
    (x_name, x), (y_name, y) = list(front.values.items())[:2]
    (x_factor, x_label), (y_factor, y_label) = axis_scale(x_name, x), axis_scale(y_name, y)
    axes.plot(x / x_factor, y / y_factor, "-", color="#bbbbbb", linewidth=1, zorder=1)
    kinds = [", ".join(_labels(front, place).values()) for place in range(len(front))]
    for at, kind in enumerate(dict.fromkeys(kinds)):
        here = np.array([each == kind for each in kinds])
        style = {"color": COLOURS[at % len(COLOURS)], "marker": MARKERS[at % len(MARKERS)]}
        axes.scatter(x[here] / x_factor, y[here] / y_factor, s=22, label=kind or None, **style)
    at_knee = x[front.knee] / x_factor, y[front.knee] / y_factor
    axes.scatter(*at_knee, s=150, facecolors="none", edgecolors="black", label="knee")
    for values, which in ((x, "x"), (y, "y")):
        if (values > 0).all() and values.max() > 10.0 * values.min():
            _logarithmic(axes, which)
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.legend(frameon=False, fontsize=8)
    return axes


def _logarithmic(axes: Any, which: str) -> None:
    """Give an axis a logarithmic scale with plain numbers at 1, 2 and 5."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    low, high = axis.get_view_interval()
    steps = (1.0, 2.0, 5.0) if high < 300.0 * max(low, 1e-300) else (1.0,)
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _labels(front: Front, place: int) -> dict[str, str]:
    """Return the fields of a point that hold labels."""
    point = front.points[place]
    return {k: t for k, t in front.texts[place].items() if not isinstance(point[k], float)}


def draw_tornado(pyplot: Any, found: Sensitivity, name: str, axes: Any = None) -> Any:
    """Return axes with a bar for the swing of each input, and the estimate's own interval."""
    ranked = found.ranked(name)[::-1]
    axes = pyplot.subplots(figsize=(7.2, 1.2 + 0.5 * len(ranked)))[1] if axes is None else axes
    value, low, high = found.base[name]
    known = [value, *(x for path in ranked for x in found.swings[name][path].values)]
    factor, label = axis_scale(name, known)
    if low < high:
        axes.axvspan(low / factor, high / factor, color="#eeeeee", zorder=0, label="90 % interval")
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    for at, path in enumerate(ranked):
        swing = found.swings[name][path]
        ends = [(x, text) for x, text in zip(swing.values, swing.texts, strict=True) if x == x]
        if not ends:
            continue
        for (x, text), side in ((min(ends), "right"), (max(ends), "left")):
            axes.barh(at, (x - value) / factor, left=value / factor, height=0.55, zorder=2,
                      color=COLOURS[0] if x < value else COLOURS[1])  # fmt: skip
            pad = (4, 0) if side == "left" else (-4, 0)
            axes.annotate(text, (x / factor, at), pad, textcoords="offset points", ha=side,
                          va="center", fontsize=7)  # fmt: skip
    axes.axvline(value / factor, color="black", linewidth=0.8, zorder=3)
    axes.set_yticks(range(len(ranked)), ranked)
    axes.set_xlabel(label)
    axes.margins(x=0.22)
    return axes


def draw_profiles(pyplot: Any, best: Optimum, axes: Any = None) -> Any:
    """Return axes with the best goal along each numeric field, its band shaded, the best dotted."""
    count = len(best.profiles)
    if axes is None:
        size = (4.2 * count, 3.6)
        axes = pyplot.subplots(1, count, figsize=size, squeeze=False, layout="constrained")[1][0]
    goals = np.concatenate([goal for _, goal in best.profiles.values()])
    y_factor, y_label = axis_scale(best.goal, goals)
    for place, (path, (values, goal)) in enumerate(best.profiles.items()):
        here = axes[place]
        factor, label = axis_scale(path, values)
        here.plot(values / factor, goal / y_factor, color=COLOURS[0])
        here.axvspan(*(end / factor for end in best.bands[path]), color="#eeeeee", zorder=0)
        here.plot(best.at[path] / factor, best.value / y_factor, "o", color=COLOURS[3])
        if values.min() > 0.0 and values.max() > 20.0 * values.min():
            _logarithmic(here, "x")
        here.set(xlabel=label, ylabel=y_label if place == 0 else "")
    return axes
