"""What ``sensitivity`` returns: the inputs of a quantity, the strongest first."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import numpy as np

from paramscale.analysis.search.limits import format_measure
from paramscale.core.display import html_page, html_table, text_table
from paramscale.core.optional import pandas, pyplot
from paramscale.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]

__all__ = ["Sensitivity", "Swing"]


class Swing(NamedTuple):
    """A quantity while one input goes through its values, the others at their base.

    Attributes
    ----------
    texts : tuple of str
        The values of the input.
    values : tuple of float
        The quantity at each.
    """

    texts: tuple[str, ...]
    values: tuple[float, ...]

    @property
    def size(self) -> float:
        """Greatest minus least; NaN where nothing is known."""
        known = [each for each in self.values if np.isfinite(each)]
        return max(known) - min(known) if known else np.nan


@attrs.frozen(eq=False, kw_only=True)
class Sensitivity:
    """How quantities depend on inputs.

    Attributes
    ----------
    inputs : tuple of str
        Paths of the fields that varied.
    base : dict
        By quantity: value, low and high at the base; the interval is that of the estimate itself.
    elasticities : dict
        By quantity and input: per cent for a per cent; labels have none.
    swings : dict
        By quantity and input, a `Swing`.
    first, total : dict
        By quantity and input: share of the variance with its 90 % interval, (value, low, high).
    coefficients : dict
        By quantity: share of the variance by uncertain coefficients, alone and in all; NaN where
        no estimator on the way can draw them.
    """

    inputs: tuple[str, ...]
    base: dict[str, tuple[float, float, float]]
    elasticities: dict[str, dict[str, float]]
    swings: dict[str, dict[str, Swing]]
    first: dict[str, dict[str, tuple[float, float, float]]]
    total: dict[str, dict[str, tuple[float, float, float]]]
    coefficients: dict[str, tuple[float, float]]

    def ranked(self, quantity: str) -> list[str]:
        """Return the inputs of a quantity, those of the largest swing first."""
        if quantity not in self.swings:
            raise UnknownNameError("quantity of this sensitivity", quantity, self.swings)
        size = {path: np.nan_to_num(swing.size) for path, swing in self.swings[quantity].items()}
        return sorted(self.inputs, key=lambda path: -size[path])

    def plain(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON."""
        found = attrs.asdict(self, recurse=False)
        found["swings"] = {
            name: {path: each._asdict() for path, each in swings.items()}
            for name, swings in self.swings.items()
        }
        return found

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row a quantity and input."""
        table = pandas("to_pandas")
        rows = []
        for name in self.base:
            for path in self.ranked(name):
                values = self.swings[name][path].values
                row = {"quantity": name, "input": path, "elasticity": self._elasticity(name, path)}
                row |= {"least": np.nanmin(values), "greatest": np.nanmax(values)}
                if self.first:
                    row |= {"first_order": self.first[name][path][0]}
                    row |= {"total": self.total[name][path][0]}
                rows.append(row)
        return table.DataFrame(rows)

    def plot(self, quantity: str | None = None, axes: Any = None) -> Any:
        """Return axes with a tornado: the swing of a quantity by each input, the largest on top.

        Parameters
        ----------
        quantity : str, optional
            The first one unless given.
        axes : matplotlib axes, optional
            Where to draw; new ones unless given.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from paramscale.analysis.drawing import draw_tornado

        return draw_tornado(pyplot("plot"), self, quantity or next(iter(self.base)), axes)

    def _elasticity(self, name: str, path: str) -> float:
        return self.elasticities[name].get(path, np.nan)

    def __repr__(self) -> str:
        return "\n".join(
            f"{title}\n{text_table(header, rows, indent='  ')}"
            for title, header, rows in self.tables()
        )

    def tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        """Return title, header and rows of each quantity, the largest swing first."""
        return [(self._title(name), *self._table(name)) for name in self.base]

    def _repr_html_(self) -> str:
        body = ""
        for name in self.base:
            header, rows = self._table(name)
            cells = [tuple(map(escape, row)) for row in rows]
            body += f"<p>{escape(self._title(name))}</p>{html_table(header, cells)}"
        return html_page("Sensitivity", body, repr(self))

    def _title(self, name: str) -> str:
        value, low, high = self.base[name]
        ends = ""
        if low < high:
            ends = f" [{format_measure(name, low)}, {format_measure(name, high)}]"
        return f"Sensitivity of {name} = {format_measure(name, value)}{ends}"

    def _table(self, name: str) -> tuple[list[str], list[list[str]]]:
        """Return header and rows, the largest swing first; coefficients last."""
        header = ["input", "from", "to", "swing", "elasticity"]
        header += ["alone", "in all"] if self.first else []
        rows = []
        for path in self.ranked(name):
            swing = self.swings[name][path]
            texts, ends = _extremes(swing)
            elasticity = self._elasticity(name, path)
            row = [path, *texts, " to ".join(format_measure(name, end) for end in ends)]
            if swing.size == 0.0:
                row = [path, swing.texts[0], swing.texts[-1], "none"]
            row.append("" if np.isnan(elasticity) else f"{elasticity:+.2f}")
            if self.first:
                row += [_share(x[name][path]) for x in (self.first, self.total)]
            rows.append(row)
        if name in self.coefficients:
            alone, whole = self.coefficients[name]
            known = np.isfinite(alone)
            pad = [f"{alone:.0%}", f"{whole:.0%}"] if known else ["not known", ""]
            empty = ["coefficients", "", "", "", ""]
            rows.append([*empty, *pad])
            header += [] if self.first else ["alone", "in all"]
            rows = [[*row, *[""] * (len(header) - len(row))] for row in rows]
        return header, rows


def _extremes(swing: Swing) -> tuple[tuple[str, str], tuple[float, float]]:
    """Return where a quantity is least and greatest, in the order of the input's values."""
    values = np.array(swing.values)
    if np.isnan(values).all():
        return (swing.texts[0], swing.texts[-1]), (np.nan, np.nan)
    first, last = sorted([int(np.nanargmin(values)), int(np.nanargmax(values))])
    return (swing.texts[first], swing.texts[last]), (swing.values[first], swing.values[last])


def _share(each: tuple[float, float, float]) -> str:
    value, low, high = each
    return "" if np.isnan(value) else f"{value:.0%} ± {max(high - value, value - low):.0%}"
