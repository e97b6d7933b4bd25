"""Why there is no value: what was refused at which points of a grid.

A single wrong scenario raises. In a grid the points that have no meaning are NaN, and whoever
refused them can say why: a spec by its attribute ``refused``, an estimator by its ``refusals``.
Both are asked only when somebody looks. A study of many scenarios, such as a sweep, runs inside
:func:`refusals_as_nan`, so that one of them which has no meaning does not stop the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from paramscale.typing import Booleans, Floats

if TYPE_CHECKING:
    from paramscale.core.plan import Results

__all__ = ["Reason", "Refusals", "raises", "reason_lines", "reasons", "refusals_as_nan"]

_RAISES: ContextVar[bool] = ContextVar("paramscale refusals raise", default=True)


@contextmanager
def refusals_as_nan() -> Iterator[None]:
    """Let single scenarios, and values of a spec, that have no meaning become NaN with a reason.

    Examples
    --------
    >>> from paramscale.specs.serving import ServingSpec
    >>> with refusals_as_nan():
    ...     spec = ServingSpec(batch=[0, 8])
    >>> spec.batch, spec.refused[0].text
    (array([nan,  8.]), 'ServingSpec.batch must be a whole number greater than 0, not 0...')
    """
    token = _RAISES.set(False)
    try:
        yield
    finally:
        _RAISES.reset(token)


def raises() -> bool:
    """Return whether what has no meaning raises, as it does outside of :func:`refusals_as_nan`."""
    return _RAISES.get()


class Reason(NamedTuple):
    """Points without a value, and what was wrong with them.

    Attributes
    ----------
    where : bool or array of bool
        Where there is no value for this reason.
    text : str
        What was wrong, what is allowed, what to write instead.
    """

    where: Booleans
    text: str


#: Takes some inputs of an estimator and returns what it refuses.
Refusals: TypeAlias = Callable[..., Iterable[Reason]]


def reasons(results: Results, name: str, value: Floats) -> tuple[Reason, ...]:
    """Return why points of a quantity have no value; empty where all have one.

    Parameters
    ----------
    results : Results
        What a run of a plan left.
    name : str
        The quantity.
    value : float or array
        Its value; `where` of each reason is of its shape.
    """
    nothing = np.isnan(value)
    if not np.any(nothing):
        return ()
    found: dict[str, Booleans] = {}
    unexplained = nothing
    for reason in _told(results, name, set()):
        where = np.broadcast_arrays(nothing & reason.where, nothing)[0]
        if np.any(where):
            found[reason.text] = found.get(reason.text, np.False_) | where
            unexplained = unexplained & ~_within(reason.where, nothing)
    told = [Reason(where, text) for text, where in found.items()]
    if np.any(unexplained):
        told.append(Reason(unexplained, "a figure that it needs is not known (NaN)"))
    return tuple(told)


def _within(where: Booleans, whole: Booleans) -> Booleans:
    """Return a mask in the shape of `whole`; one of more dimensions does not explain a point."""
    if np.ndim(where) <= np.ndim(whole):
        return np.broadcast_to(where, np.shape(whole))
    return np.zeros_like(whole)


def _told(results: Results, name: str, seen: set[str]) -> Iterator[Reason]:
    """Yield what specs and estimators on the way to a quantity refuse."""
    if name in seen:
        return
    seen.add(name)
    call = results.chosen.get(name)
    if call is None:
        yield from getattr(results.values.get(name), "refused", ())
        return
    for each in call.inputs:
        yield from _told(results, each, seen)
    record = call.record
    if record.refusals is not None and record.refusals_signature is not None:
        taken = record.refusals_signature.inputs
        yield from record.refusals(*[results.values[key] for key in taken])


def reason_lines(found: Iterable[Reason]) -> list[str]:
    """Return each reason in a line, with how many points it is about.

    Examples
    --------
    >>> reason_lines([Reason(np.array([True, False]), "no such layout")])
    ['no such layout (1 of 2 points)']
    """
    return [_line(each.where, each.text) for each in found]


def _line(where: Any, text: str) -> str:
    if not np.ndim(where):
        return text
    return f"{text} ({np.count_nonzero(where)} of {np.size(where)} points)"
