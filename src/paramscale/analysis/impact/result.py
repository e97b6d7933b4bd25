"""The answer: rows over sizes, the balanced size, and how they are shown and handed on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from paramscale.analysis.impact.choose import Choice
from paramscale.analysis.impact.question import Question
from paramscale.analysis.impact.row import Row
from paramscale.analysis.impact.rows import Gathered, shown_lines
from paramscale.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]
    import xarray as xr

    from paramscale.analysis.impact.lines import Line

__all__ = ["Impact"]

Array = npt.NDArray[np.float64]


class Impact(Mapping[str, Row]):
    """What the number of parameters does: a mapping of quantity name to its row over the sizes.

    Attributes
    ----------
    question : Question
        What was asked, with all defaults.
    labels : sequence of str
        What the shown sizes are called.
    balanced : Choice
        The balanced size; ``balanced.parameters``, ``.low``, ``.high``, ``.label``.
    curve : mapping of str to Row
        The same rows over the whole family, closely spaced, for plots.
    missing : mapping of str to str
        Why other quantities are not there.
    """

    def __init__(
        self,
        question: Question,
        labels: tuple[str, ...],
        found: Gathered,
        curve: Gathered,
        choice: Choice,
    ) -> None:
        shown = question.shown
        if choice.index is not None:  # the balanced size is shown too
            shown = np.unique([*shown, choice.index])
        self.question, self.balanced, self.missing = question, choice, found.missing
        self.labels = tuple(labels[index] for index in shown)
        self.shown: npt.NDArray[np.int_] = shown
        self.curve: Mapping[str, Row] = curve.rows
        self.layouts = Gathered(
            {name: row.take(shown) for name, row in found.rows.items()}, found.missing,
            *(each[shown] for each in found[2:]),
        )  # fmt: skip
        self._rows = self.layouts.rows

    def __getitem__(self, name: str) -> Row:
        if name not in self._rows:
            error = UnknownNameError("row of the impact", name, self._rows)
            if name in self.missing:
                error.text = self.missing[name]
            raise error
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def reason(self) -> str:
        """Why the balanced size is the balanced one, in a sentence or two."""
        return self.balanced.reason

    @property
    def sizes(self) -> Array:
        """Parameters of the shown sizes."""
        return self._rows["parameters"].value

    @property
    def lines(self) -> list[Line]:
        """The lines that tables show, in order."""
        return shown_lines(self._rows, self.question)

    @property
    def star(self) -> int | None:
        """Place of the balanced size among the shown ones."""
        index = self.balanced.index
        return None if index is None else int(np.flatnonzero(self.shown == index)[0])

    def why_nan(self, name: str, place: int) -> str:
        """Return why a row has no number at one of the shown sizes; empty where it has one."""
        from paramscale.analysis.impact.words import why_nan

        return why_nan(self, name, place)

    def text(self, width: int = 80, *, bands: bool = False) -> str:
        """Return the answer as plain text of at most `width` columns."""
        from paramscale.analysis.impact.text import impact_text

        return impact_text(self, width, bands=bands)

    def plain(self) -> dict[str, Any]:
        """Return the answer as plain lists, numbers and text, for JSON."""
        from paramscale.analysis.impact.words import plain

        return plain(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row a size; ``name_low`` and ``name_high`` are the intervals."""
        from paramscale.analysis.impact.tables import to_pandas

        return to_pandas(self)

    def to_xarray(self) -> xr.Dataset:
        """Return a dataset over ``size``; ``name_low`` and ``name_high`` are the intervals."""
        from paramscale.analysis.impact.tables import to_xarray

        return to_xarray(self)

    def to_html(self) -> str:
        """Return one self-contained HTML page with plots: no script, nothing from outside."""
        from paramscale.analysis.impact.page import impact_html

        return impact_html(self)

    def plot(self, *names: str) -> Any:
        """Return a matplotlib figure with a panel a quantity, those of the page unless named."""
        from paramscale.analysis.impact.drawing import draw

        return draw(self, names)

    def _repr_html_(self) -> str:
        from paramscale.analysis.impact.page import notebook_html

        return notebook_html(self)

    def __repr__(self) -> str:
        return self.text(100)
