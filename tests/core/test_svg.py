"""Ticks are round and few; charts draw what they are given, and nothing where there is nothing."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from paramscale.core.svg import Chart, Line, Mark
from paramscale.core.ticks import linear_ticks, log_ticks

POSITIVE = st.floats(1e-12, 1e18)


@given(POSITIVE, st.floats(1.01, 1e9))
def test_ticks_are_round_few_and_inside(low: float, factor: float) -> None:
    high = low * factor
    for ticks in (linear_ticks(low, high), log_ticks(low, high)):
        assert 1 <= ticks.size <= 8
        assert (ticks >= low * 0.99).all()
        assert (ticks <= high * 1.01).all()
        digits = ticks[ticks > 0] / 10.0 ** np.floor(np.log10(ticks[ticks > 0] * (1 + 1e-9)))
        assert (np.abs(digits * 1e4 - np.round(digits * 1e4)) < 1e-4).all()


@given(st.lists(st.one_of(st.just(np.nan), POSITIVE), min_size=1, max_size=12), st.booleans())
def test_charts_are_well_formed_whatever_is_missing(values: list[float], log: bool) -> None:
    y = np.array(values)
    x = np.geomspace(1.0, 10.0, y.size)
    line = Line("a", x, y, y / 2, y * 2, inside=x < 5, dots=[(1.0, y[0], "<first>")])
    svg = Chart("a & b", [line], log=log, marks=[Mark(2.0, "<m>"), Mark(3.0, "n", True)]).svg()
    if np.isnan(y).all():
        assert svg == ""
        return
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == "a & b"
    assert "nan" not in svg


def test_lines_break_where_nothing_is_known() -> None:
    y = np.array([1.0, 2.0, np.nan, 3.0, 4.0])
    svg = Chart("broken", [Line("a", np.geomspace(1, 10, 5), y)]).svg()
    assert svg.count('class="s0 line"') == 2
