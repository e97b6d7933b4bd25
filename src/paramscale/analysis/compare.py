"""``compare``: scenarios side by side, what differs most first, and whether it is a difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.estimate import collect_inputs, estimate_with
from paramscale.core.collection import ESTIMATORS
from paramscale.core.display import html_page, html_table, text_table
from paramscale.core.estimates import Estimate, Estimates
from paramscale.core.optional import pandas
from paramscale.core.record import Estimator
from paramscale.errors import SpecError, UnknownNameError
from paramscale.units import format_value

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]

__all__ = ["Compared", "Difference", "compare"]

Array = npt.NDArray[np.float64]

#: Whether two values differ: by more than their intervals, by less, not at all; ``"?"`` where an
#: interval is not known, or a value.
Verdict = Literal["clear", "within", "equal", "?"]


@attrs.frozen(eq=False)
class Difference:
    """One quantity of all scenarios.

    Attributes
    ----------
    name, unit : str
    value, low, high : array
        One a scenario; NaN where it could not be estimated.
    ratio : array
        Value over that of the reference.
    verdicts : tuple of str
        Against the reference: ``"clear"``, ``"within"`` (the intervals overlap), ``"equal"``, or
        ``"?"``.
    """

    name: str
    unit: str
    value: Array
    low: Array
    high: Array
    ratio: Array
    verdicts: tuple[Verdict, ...]

    @property
    def size(self) -> float:
        """Largest ratio to the reference, up or down, as a logarithm; NaN where none is known."""
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes = np.abs(np.log(self.ratio))
        known = np.isfinite(sizes)  # the reference itself is one of them
        return float(sizes[known].max()) if known.sum() > 1 else np.nan


@attrs.frozen(eq=False)
class Compared:
    """Scenarios side by side.

    Attributes
    ----------
    names : tuple of str
        What the scenarios are called.
    reference : int
        Place of the one that the others are compared with.
    differences : tuple of Difference
        Those that differ most first, equal ones last.
    estimates : tuple of Estimates
        All of each scenario.
    """

    names: tuple[str, ...]
    reference: int
    differences: tuple[Difference, ...]
    estimates: tuple[Estimates, ...]

    def __getitem__(self, quantity: str) -> Difference:
        """Return one quantity of all scenarios."""
        found = {each.name: each for each in self.differences}
        if quantity not in found:
            raise UnknownNameError("compared quantity", quantity, found)
        return found[quantity]

    def plain(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON."""
        rows = [attrs.asdict(each) for each in self.differences]
        return {"names": self.names, "reference": self.names[self.reference], "quantities": rows}

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row a quantity: a value, ratio and verdict of each scenario."""
        rows = []
        for each in self.differences:
            row: dict[str, Any] = {"quantity": each.name, "unit": each.unit}
            for place, name in enumerate(self.names):
                row[name] = each.value[place]
                if place != self.reference:
                    row[f"{name} ratio"] = each.ratio[place]
                    row[f"{name} verdict"] = each.verdicts[place]
            rows.append(row)
        return pandas("to_pandas").DataFrame(rows).set_index("quantity")

    def text(self, width: int = 10_000) -> str:
        """Return the table; scenarios that do not fit a width follow in tables of their own."""
        header, rows = self._table()
        kept, blocks = [0, 1], []
        for column in range(2, len(header)):
            if _wide(header, rows, [*kept, column]) > width and len(kept) > 2:
                blocks.append(kept)
                kept = [0, 1]
            kept = [*kept, column]
        tables = [
            text_table([header[k] for k in block], [[row[k] for k in block] for row in rows])
            for block in [*blocks, kept]
        ]
        return "\n".join([self._title(), "\n\n".join(tables), *self._notes()])

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        header, rows = self._table()
        body = html_table(header, [tuple(map(escape, row)) for row in rows])
        body += "".join(f"<p>{escape(each)}</p>" for each in self._notes())
        return html_page(self._title(), body, repr(self))

    def _title(self) -> str:
        return f"Compared: {len(self.names)} scenarios against {self.names[self.reference]}"

    def _table(self) -> tuple[list[str], list[list[str]]]:
        order = [self.reference, *(k for k in range(len(self.names)) if k != self.reference)]
        rows = []
        for each in self.differences:
            if not all(verdict == "equal" for verdict in each.verdicts):
                rows.append([each.name, *(self._cell(each, place) for place in order)])
        return ["quantity", *(self.names[place] for place in order)], rows

    def _cell(self, each: Difference, place: int) -> str:
        shown = format_value(each.value[place], each.unit)
        if place == self.reference or np.isnan(each.value[place]):
            return "-" if np.isnan(each.value[place]) else shown
        sign = {"clear": "", "within": " ~", "equal": " =", "?": " ?"}[each.verdicts[place]]
        known = np.isfinite(each.ratio[place]) and each.verdicts[place] != "equal"
        return f"{shown} (×{each.ratio[place]:.3g}){sign}" if known else f"{shown}{sign}"

    def _notes(self) -> list[str]:
        verdicts = {verdict for each in self.differences for verdict in each.verdicts}
        notes = []
        if "within" in verdicts:
            notes.append("~ the 90 % intervals overlap: the difference is smaller than they are")
        if "?" in verdicts:
            notes.append("? no interval is known, or a value is missing")
        same = [x.name for x in self.differences if all(each == "equal" for each in x.verdicts)]
        return [*notes, *([f"equal in all: {', '.join(same)}"] if same else [])]


def compare(
    scenarios: Iterable[Any] | Mapping[str, Any],
    /,
    *,
    quantities: str | Iterable[str] | None = None,
    reference: str | int = 0,
    use: Mapping[str, str | Estimator] | None = None,
    options: Mapping[str, Any] | None = None,
    **specs: Any,
) -> Compared:
    """Return scenarios side by side, what differs most first.

    Parameters
    ----------
    scenarios : iterable, or mapping of name to one
        Each a Scenario, a model (or the name of one), another spec, or a mapping of specs by name.
    quantities : str or iterable of str, optional
        What to compare; all that is usually estimated unless given, ``"all"`` with detail.
    reference : str or int
        Name or place of the scenario that the others are compared with.
    use, options
        As for ``estimate``.
    **specs
        What is the same in all of them, where they do not say otherwise.

    Returns
    -------
    Compared

    Notes
    -----
    A difference is clear where the 90 % intervals do not overlap. Estimates of one calibrated
    estimator often err in the same direction, so this is careful: a difference within the
    intervals may well be there.

    Raises
    ------
    SpecError
        If there are fewer than two, or one is a grid.

    Examples
    --------
    >>> import paramscale as ps
    >>> found = ps.compare(["llama-3.1-8b", "llama-3.1-70b"], hardware="h100-sxm",
    ...                    quantities=["parameters", "kv_cache_bytes", "tpot_s"])
    >>> [each.name for each in found.differences]
    ['parameters', 'tpot_s', 'kv_cache_bytes']
    >>> found["kv_cache_bytes"].ratio
    array([1. , 2.5])
    """
    ESTIMATORS.registry.load()
    named = scenarios if isinstance(scenarios, Mapping) else _named(list(scenarios))
    if len(named) < 2:
        raise SpecError(f"compare takes two scenarios or more, not {len(named)}")
    names = tuple(named)
    found = [
        estimate_with(ESTIMATORS, None, _specs(each, specs), quantities=quantities, use=use,
                      options=options)
        for each in named.values()
    ]  # fmt: skip
    for name, each in zip(names, found, strict=True):
        if any(size > 1 for size in each.axes.shape):
            raise SpecError(f"{name} is a grid; compare takes single scenarios, sweep takes grids")
    at = _place(reference, names)
    rows = [_difference(name, found, at) for name in dict.fromkeys(q for e in found for q in e)]
    rows.sort(key=lambda each: -np.inf if np.isnan(each.size) else each.size, reverse=True)
    return Compared(names, at, tuple(rows), tuple(found))


def _wide(header: Sequence[str], rows: Sequence[Sequence[str]], columns: Sequence[int]) -> int:
    """Return how wide a table of some columns is."""
    return sum(max(len(row[k]) for row in [header, *rows]) + 2 for k in columns) - 2


def _named(scenarios: Sequence[Any]) -> dict[str, Any]:
    """Return scenarios by what to call them, numbered where two would be called the same."""
    named: dict[str, Any] = {}
    for each in scenarios:
        base = text = _name(each)
        count = 1
        while text in named:
            count += 1
            text = f"{base} ({count})"
        named[text] = each
    return named


def _name(thing: Any) -> str:
    if isinstance(thing, str):
        return thing
    if isinstance(thing, Mapping):
        return ", ".join(map(_name, thing.values()))
    if hasattr(thing, "name"):
        return str(thing.name)
    parts = [getattr(thing, each, None) for each in ("model", "hardware")]
    return ", ".join(_name(each) for each in parts if each is not None) or type(thing).__name__


def _specs(thing: Any, shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the specs of one scenario, over what is the same in all."""
    if isinstance(thing, str):
        return {**shared, "model": thing}
    if isinstance(thing, Mapping):
        return {**shared, **thing}
    for name, kind in ESTIMATORS.kinds.items():
        if isinstance(thing, kind.cls):
            return {**shared, name: thing}
    own = {name: getattr(thing, name, None) for name in ESTIMATORS.kinds}
    given = {name: value for name, value in own.items() if value is not None}
    if not given:
        collect_inputs(ESTIMATORS, thing, {})  # refuses it
    return {**shared, **given}


def _place(reference: str | int, names: Sequence[str]) -> int:
    if isinstance(reference, str):
        if reference not in names:
            raise UnknownNameError("scenario", reference, names)
        return names.index(reference)
    if not -len(names) <= reference < len(names):
        raise SpecError(f"reference is {reference}; there are {len(names)} scenarios, from 0")
    return reference % len(names)


def _difference(name: str, found: Sequence[Estimates], at: int) -> Difference:
    estimates = [each.get(name) for each in found]
    ends = np.array([_ends(each) for each in estimates])
    value, low, high = (ends[:, k] for k in range(3))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = value / value[at]
    verdicts = tuple(_verdict(ends[at], each) for each in ends)
    unit = next(each.unit for each in estimates if each is not None)
    return Difference(name, unit, value, low, high, ratio, verdicts)


def _ends(each: Estimate | None) -> tuple[float, float, float]:
    if each is None:
        return (np.nan,) * 3
    return tuple(float(np.ravel(end)[0]) for end in (each.value, each.low, each.high))  # type: ignore[return-value]


def _verdict(one: Array, other: Array) -> Verdict:
    """Return whether two values with their intervals differ."""
    if one[0] == other[0]:
        return "equal"
    if np.isnan([one, other]).any():
        return "?"
    apart = one[2] < other[1] or other[2] < one[1]
    return "clear" if apart else "within"
