"""What comes out: labelled estimates, made from the raw results of a plan when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from paramscale.core.axes import Axes, name_axes
from paramscale.core.collection import Estimators
from paramscale.core.draws import quantiles
from paramscale.core.estimate import Estimate
from paramscale.core.plan import Plan, Results, domain_mask, is_exact
from paramscale.core.reasons import Reason, reasons
from paramscale.core.record import Estimator
from paramscale.core.source import cite_text
from paramscale.core.spec import array_fields
from paramscale.errors import UnknownNameError, did_you_mean
from paramscale.typing import Booleans, Floats

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]
    import xarray as xr

__all__ = ["Estimate", "Estimates"]


class Estimates(Mapping[str, Estimate]):
    """The estimates of a scenario: a mapping of quantity name to `Estimate`.

    ``estimates["ttft_s"]`` and ``estimates.ttft_s`` are the same. Nothing but the raw numbers is
    made before it is asked for.
    """

    __slots__ = ("_axes", "_drawn", "_masks", "_plan", "_results", "_world")

    def __init__(
        self,
        plan: Plan,
        results: Results,
        world: Estimators,
        *,
        drawn: dict[str, Any] | None = None,
        axes: Axes | None = None,
    ) -> None:
        self._plan = plan
        self._results = results
        self._world = world
        self._drawn = drawn or {}
        self._axes = axes
        self._masks: dict[str, Booleans] = {}

    def __getitem__(self, name: str) -> Estimate:
        if name not in self:
            raise self._unknown(name)
        return self.computed(name)

    def __contains__(self, name: object) -> bool:
        return name in self._plan.wanted and name not in self._results.failed

    def __getattr__(self, name: str) -> Estimate:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(str(error)) from None

    def __iter__(self) -> Iterator[str]:
        failed = self._results.failed
        return (name for name in self._plan.wanted if name not in failed)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def _unknown(self, name: object) -> UnknownNameError:
        """Return the error about a name: never known, not asked for, or not to be had."""
        error = UnknownNameError("estimate", name, self)
        if name in self.missing:
            error.text = self.missing[str(name)]
        elif name in self._world.vocabulary:
            error.text = (
                f"{name} was not asked for; write estimate(..., quantities=[{name!r}, ...])"
            )
        else:
            hint = did_you_mean(name, [*self._world.vocabulary]) or "."
            error.text = f"no quantity is called {name!r}{hint} Estimated: {', '.join(self)}"
        error.args = (error.text,)
        return error

    @property
    def missing(self) -> dict[str, str]:
        """For each quantity that could not be estimated: what is missing for it."""
        words = self._world.vocabulary
        failed = self._results.failed.items()
        return {
            **self._plan.missing,
            **{name: text for name, text in failed if not words[name].internal},
        }

    @property
    def axes(self) -> Axes:
        """Names of the dimensions of the points, and coordinates along them."""
        if self._axes is None:
            arrays = []
            for name, value in self._results.values.items():
                if name in self._world.kinds:
                    arrays += array_fields(name, value)
                elif name not in self._results.chosen and np.ndim(value):
                    arrays.append((name, np.asarray(value)))
            self._axes = name_axes(arrays)
        return self._axes

    @property
    def chosen(self) -> dict[str, Estimator]:
        """The estimators that gave what was computed, asked for or on the way, by quantity."""
        return {name: call.record for name, call in self._results.chosen.items()}

    def input_values(self, name: str) -> dict[str, Any]:
        """Return what the estimator of a quantity was given, specs and numbers, by name."""
        call = self._results.chosen.get(name)
        return {} if call is None else {key: self._results.values[key] for key in call.inputs}

    def remarks(self, name: str) -> tuple[str, ...]:
        """Return what a quantity's scenario left unsaid or nobody measured, as its inputs tell.

        An input tells it by an attribute ``remarks``, texts that each gave a reason to widen the
        interval.
        """
        inputs = self.input_values(name).values()
        return tuple(text for value in inputs for text in getattr(value, "remarks", ()))

    def reasons(self, name: str) -> tuple[Reason, ...]:
        """Return why points of a quantity have no value, each reason with the points it is about.

        Empty where every point has one. A single scenario that has no meaning raises instead.
        """
        return reasons(self._results, name, _floats(self._results.values[name]))

    def counted(self, name: str | None = None) -> tuple[str, ...]:
        """Return what is inside the boundaries of a quantity, or of all of these, in words.

        An input tells it by an attribute ``boundary_in_words``, as the rates of accounts of
        energy, carbon, water and money do.
        """
        names = self if name is None else (name,)
        inputs = (value for each in names for value in self.input_values(each).values())
        texts = (text for value in inputs for text in getattr(value, "boundary_in_words", ()))
        return tuple(dict.fromkeys(texts))

    def computed(self, name: str) -> Estimate:
        """Return the estimate of anything that was computed, asked for or on the way."""
        call = self._results.chosen.get(name)
        value = _floats(self._results.values[name])
        low, high = self._ends(name, value)
        drawn = self._drawn.get(name)
        quantity = self._world.vocabulary[name]
        record = call.record if call else None
        return Estimate(
            quantity, value, low, high, self._inside(name), drawn, record,
            lambda: self._parts(name), lambda: self.reasons(name),
        )  # fmt: skip

    def _ends(self, name: str, value: Floats) -> tuple[Floats, Floats]:
        """Return the ends of the interval: of the draws, else as the estimator gave them."""
        if name in self._drawn:
            low, high = quantiles(self._drawn[name])
            return _shaped(low, value), _shaped(high, value)
        if name in self._results.intervals:
            interval = self._results.intervals[name]
            return _floats(interval.low), _floats(interval.high)
        known = value if self._is_exact(name) else value * np.nan
        return known, known

    def _is_exact(self, name: str) -> bool:
        return is_exact(name, self._results.intervals, self._results.chosen)

    def _inside(self, name: str) -> Booleans:
        """Return whether each point is in the domains of all that the value came from."""
        if name not in self._masks:
            call = self._results.chosen.get(name)
            mask: Booleans = np.bool_(True)
            if call is not None:
                mask = domain_mask(call.record, self._results.values)
                for source in call.inputs:
                    mask = mask & self._inside(source)
            self._masks[name] = mask
        return self._masks[name]

    def _parts(self, name: str) -> dict[str, Any]:
        call = self._results.chosen.get(name)
        if call is None or call.record.parts is None or call.record.parts_signature is None:
            return {}
        signature = call.record.parts_signature
        options = {key: call.options[key] for key in signature.options if key in call.options}
        inputs = [self._results.values[key] for key in signature.inputs]
        return {key: _floats(part) for key, part in call.record.parts(*inputs, **options).items()}

    def explain(self, name: str, *, depth: int = 3) -> str:
        """Return how a quantity came about: formula, inputs, source, domain, parts, ancestors.

        Parameters
        ----------
        name : str
            One of these estimates.
        depth : int
            How many levels of what it came from to show.
        """
        from paramscale.core.explain import explain

        return explain(self, self[name].name, depth)

    def cite(self, style: Literal["text", "bibtex"] = "text") -> str:
        """Return the distinct sources of everything that was used, one a line."""
        calls = self._results.chosen.values()
        return cite_text((source for call in calls for source in call.record.sources), style)

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row a point: coordinates, then quantities.

        Where an interval is known, columns ``name_low`` and ``name_high`` follow.
        """
        from paramscale.core.tables import to_pandas

        return to_pandas(self)

    def to_xarray(self) -> xr.Dataset:
        """Return a dataset: one variable a quantity, over only the dimensions it varies along.

        Where an interval is known, variables ``name_low`` and ``name_high`` are added; where a
        point leaves a domain, ``name_inside``.
        """
        from paramscale.core.tables import to_xarray

        return to_xarray(self)

    def __repr__(self) -> str:
        from paramscale.core.show import estimates_text

        return estimates_text(self)

    def _repr_html_(self) -> str:
        from paramscale.core.show import estimates_html

        return estimates_html(self)


def _floats(value: Any) -> Floats:
    """Return a raw result as a float64 number or array."""
    array = np.asarray(value, dtype=np.float64)
    return np.float64(array) if array.ndim == 0 else array


def _shaped(end: npt.NDArray[np.float64], value: Floats) -> Floats:
    """Return an end of an interval without the dimensions that drawing put in front."""
    extra = end.ndim - np.ndim(value)
    axes = tuple(index for index in range(max(extra, 0)) if end.shape[index] == 1)
    return _floats(end.squeeze(axis=axes))
