"""What ``optimize`` returns for one goal: the best point, how firm it is, and what holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.search.limits import Limit, format_measure
from paramscale.core.display import html_details, html_page, html_table, text_table
from paramscale.core.estimates import Estimates
from paramscale.core.optional import pandas, pyplot
from paramscale.errors import SpecError
from paramscale.specs.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]

__all__ = ["Choice", "Held", "Optimum"]

Array = npt.NDArray[np.float64]


@attrs.frozen(eq=False)
class Held:
    """A limit at the best point.

    Attributes
    ----------
    limit : Limit
    value : float
        The measure there.
    slack : float
        What is left to the bound, as a fraction of it.
    binds : bool
        Whether a better point is next to it that this limit forbids.
    """

    limit: Limit
    value: float
    slack: float
    binds: bool

    def __repr__(self) -> str:
        shown = format_measure(self.limit.measure, self.value)
        left = f"{100 * self.slack:.3g} % left" if self.limit.bound else "holds"
        return f"{self.limit}: {shown}, {'binds' if self.binds else left}"


@attrs.frozen(eq=False)
class Choice:
    """The best that one choice of labels allows.

    Attributes
    ----------
    labels : mapping of str to str
        What was chosen, by path.
    value : float
        The goal; NaN where no point holds the limits.
    tied : bool
        Whether it is within the band of the best.
    """

    labels: Mapping[str, str]
    value: float
    tied: bool


@attrs.frozen(eq=False, kw_only=True)
class Optimum:
    """The best point that was found.

    Attributes
    ----------
    goal : str
        What was minimised or maximised.
    maximized : bool
    value, low, high : float
        Of the goal there, with its 90 % interval.
    at : dict
        Value of each field that varied, by its path.
    texts : dict of str to str
        The same as texts.
    specs : dict
        The whole point: ``ps.estimate(**optimum.specs, use=optimum.use)``.
    use : dict of str to str
        Estimators by quantity, where there was a choice: those that cover most of what was
        searched.
    estimates : Estimates
        Of the goal and all that was limited, there.
    limits : tuple of Held
        What each limit leaves, and whether it binds.
    bands : dict of str to (float, float)
        For each numeric field the range about the best point in which the goal stays within
        `within` of it, if the other numeric fields are chosen anew.
    profiles : dict of str to (array, array)
        For each numeric field its values from end to end, and the best goal at each if the other
        numeric fields are chosen anew; NaN where no point holds the limits.
    within : float
        Share of the goal's value by which points of the band are worse.
    choices : tuple of Choice
        The best of each choice of labels, best first.
    at_end : dict of str to str
        Fields that lie at the ``"lower"`` or ``"upper"`` end of what was tried: there may be
        better ones beyond.
    points, holding : int
        Points of the coarse grid, and how many of them hold all limits.
    """

    goal: str
    maximized: bool
    value: float
    low: float
    high: float
    at: dict[str, Any]
    texts: dict[str, str]
    specs: dict[str, Any]
    scenario: Scenario
    use: dict[str, str]
    estimates: Estimates
    limits: tuple[Held, ...]
    bands: dict[str, tuple[float, float]]
    profiles: dict[str, tuple[Array, Array]] = attrs.field(repr=False)
    within: float
    choices: tuple[Choice, ...]
    at_end: dict[str, str]
    points: int
    holding: int

    def __getitem__(self, path: str) -> Any:
        """Return the value of a field that varied."""
        return self.at[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.at)

    def plain(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON."""
        held = [
            {"limit": str(x.limit), "measure": x.limit.measure, "sign": x.limit.sign,
             "bound": x.limit.bound, "value": x.value, "slack": x.slack, "binds": x.binds}
            for x in self.limits
        ]  # fmt: skip
        at = {path: x if isinstance(x, float) else self.texts[path] for path, x in self.at.items()}
        estimates = {
            name: {"value": x.value, "low": x.low, "high": x.high, "unit": x.unit}
            for name, x in self.estimates.items()
        }
        names = ("goal", "maximized", "value", "low", "high", "bands", "within", "at_end", "points",
                 "holding", "use")  # fmt: skip
        choices = [attrs.asdict(x) for x in self.choices]
        own = {name: getattr(self, name) for name in names}
        return {**own, "at": at, "limits": held, "choices": choices, "estimates": estimates}

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row a choice of labels: the labels, the goal, whether tied."""
        rows = [{**x.labels, self.goal: x.value, "tied": x.tied} for x in self.choices]
        return pandas("to_pandas").DataFrame(rows)

    def plot(self, axes: Any = None) -> Any:
        """Return axes, one for each numeric field: the best goal at each value, and the band.

        Parameters
        ----------
        axes : sequence of matplotlib axes, optional
            Where to draw, one a numeric field; new ones unless given.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        SpecError
            If no field that varied is numeric.
        """
        from paramscale.analysis.drawing import draw_profiles

        if not self.profiles:
            raise SpecError("nothing to plot along: only labels varied; see to_pandas()")
        return draw_profiles(pyplot("plot"), self, axes)

    def __repr__(self) -> str:
        lines = [self._title()]
        lines += [f"  {line}" for line in text_table([], self._point_rows()).splitlines()]
        lines += [f"  {held!r}" for held in self.limits]
        return "\n".join([*lines, *(f"  {each}" for each in self._remarks())])

    def _repr_html_(self) -> str:
        rows = [tuple(map(escape, row)) for row in self._point_rows()]
        body = html_table(("field", "best", "band"), rows)
        if self.limits:
            body += html_table(("limit",), [(escape(repr(held)),) for held in self.limits])
        body += "".join(f"<p>{escape(each)}</p>" for each in self._remarks())
        estimates = self.estimates
        rows = [(escape(n), escape(repr(e))) for n, e in estimates.items()]
        body += html_details(f"{len(rows)} estimates", html_table(("quantity", "estimate"), rows))
        return html_page(self._title(), body, repr(self))

    def _title(self) -> str:
        word = "most" if self.maximized else "least"
        ends = ""
        if self.low < self.high:
            low, high = (format_measure(self.goal, x) for x in (self.low, self.high))
            ends = f" [{low}, {high}]"
        return f"Optimum: {word} {self.goal} = {format_measure(self.goal, self.value)}{ends}"

    def _point_rows(self) -> list[tuple[str, str, str]]:
        rows = []
        for path, text in self.texts.items():
            band = ""
            if path in self.bands and self.bands[path][0] < self.bands[path][1]:
                low, high = (format_measure(path, end) for end in self.bands[path])
                band = f"{low} to {high} within {100 * self.within:.3g} %" if low != high else ""
            rows.append((path, text, band))
        return rows

    def _remarks(self) -> list[str]:
        remarks = [f"{path} is at the {end} end of its range" for path, end in self.at_end.items()]
        tied = [x for x in self.choices[1:] if x.tied]
        if tied:
            names = "; ".join(", ".join(each.labels.values()) for each in tied[:4])
            remarks.append(f"within {100 * self.within:.3g} % of it also: {names}")
        if self.limits and not any(held.binds for held in self.limits):
            remarks.append("no limit binds")
        searched = f"{self.holding:,} of {self.points:,} points of the coarse grid hold the limits"
        return [*remarks, searched] if self.limits else remarks
