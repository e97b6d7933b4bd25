"""What ``optimize`` returns for several goals: the front of best trade-offs, with its knee."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.search.limits import format_measure
from paramscale.analysis.search.study import Study, scenario_of
from paramscale.core.display import html_page, html_table, text_table
from paramscale.core.optional import pandas, pyplot
from paramscale.specs.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]

__all__ = ["Front"]

_SHOWN = 14


@attrs.frozen(eq=False, kw_only=True)
class Front:
    """Points of which no other is better in one goal and worse in none, by the first goal.

    Attributes
    ----------
    goals : dict of str to {"minimize", "maximize"}
    values : dict of str to array
        Of each goal, one value a point.
    points : tuple of dict
        Value of each field that varied, by path, of each point.
    texts : tuple of dict
        The same as texts.
    knee : int
        Place of the point that bulges most from the line (or plane) through the ends of the
        front: beyond it much of one goal is paid for little of another.
    """

    goals: dict[str, Literal["minimize", "maximize"]]
    values: dict[str, npt.NDArray[np.float64]]
    points: tuple[dict[str, Any], ...]
    texts: tuple[dict[str, str], ...]
    knee: int
    cases: tuple[Study, ...] = attrs.field(repr=False)

    def __len__(self) -> int:
        return len(self.points)

    def specs(self, place: int) -> dict[str, Any]:
        """Return the whole point at a place: ``ps.estimate(**front.specs(front.knee))``."""
        return self.cases[place].specs_at(self.points[place])

    def scenario(self, place: int) -> Scenario:
        """Return the scenario at a place."""
        return scenario_of(self.specs(place))

    def plain(self) -> dict[str, Any]:
        """Return goals, knee and points as plain data, for JSON."""
        points = [
            {**fields, **{name: float(x[place]) for name, x in self.values.items()}}
            for place, fields in enumerate(self._fields())
        ]
        return {"goals": self.goals, "knee": self.knee, "points": points}

    def _fields(self) -> list[dict[str, Any]]:
        """Return the fields of each point, labels as texts."""
        return [
            {path: x if isinstance(x, float) else text[path] for path, x in point.items()}
            for point, text in zip(self.points, self.texts, strict=True)
        ]

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row a point: its fields as they are, then the goals."""
        table = pandas("to_pandas")
        frame = table.DataFrame(self._fields())
        for name, values in self.values.items():
            frame[name] = values
        frame["knee"] = np.arange(len(self)) == self.knee
        return frame

    def plot(self, axes: Any = None) -> Any:
        """Return axes with the front of the first two goals, coloured by the labels.

        Parameters
        ----------
        axes : matplotlib axes, optional
            Where to draw; new ones unless given.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from paramscale.analysis.drawing import draw_front

        return draw_front(pyplot("plot"), self, axes)

    def __repr__(self) -> str:
        return "\n".join([self._title(), text_table(*self._table(), indent="  ")])

    def _repr_html_(self) -> str:
        header, rows = self._table()
        cells = [tuple(map(escape, row)) for row in rows]
        return html_page(self._title(), html_table(header, cells), repr(self))

    def _title(self) -> str:
        goals = ", ".join(f"{word} {name}" for name, word in self.goals.items())
        return f"Front: {len(self)} point{'s'[: len(self) != 1]} ({goals})"

    def _table(self) -> tuple[list[str], list[list[str]]]:
        """Return header and rows: the ends, the knee, and points spread between them."""
        places = np.rint(np.linspace(0, len(self) - 1, min(_SHOWN, len(self)))).astype(int)
        fields = list(self.texts[0]) if self.texts else []
        rows = []
        for place in sorted({*places.tolist(), self.knee}):
            goals = [format_measure(n, values[place]) for n, values in self.values.items()]
            cells = [self.texts[place][field] for field in fields]
            rows.append([*goals, *cells, "knee" if place == self.knee else ""])
        return [*self.values, *fields, ""], rows
