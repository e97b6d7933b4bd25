"""The decorator that makes a plain function an estimator, and the shared collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar

import numpy as np

from paramscale.core.collection import ESTIMATORS, Estimators
from paramscale.core.domain import Domain
from paramscale.core.quantity import Quantity
from paramscale.core.reasons import Refusals
from paramscale.core.record import Claims, Estimator, Interval, Kind, Parts
from paramscale.core.source import SourceLike

__all__ = ["ESTIMATORS", "Estimator", "Estimators", "Interval", "Kind", "estimator", "sampler"]

F = TypeVar("F", bound=Callable[..., Any])

#: Takes a number of draws and a generator; returns a callable like the estimator it samples.
Sample: TypeAlias = Callable[[int, np.random.Generator], Callable[..., Any]]


def sampler(of: Callable[..., Any]) -> Callable[[Sample], Sample]:
    """Return a decorator that gives an estimator, a plain function, its ``sample(n, rng)``.

    What it returns takes the inputs of the estimator; its results carry a leading axis of n draws.
    Inside the result of an internal quantity every array does, lone numbers apart.
    """

    def attach(sample: Sample) -> Sample:
        of.__dict__["sample"] = sample
        return sample

    return attach


def estimator(
    *,
    gives: Quantity | str,
    source: SourceLike | None = None,
    name: str | None = None,
    rank: float | None = None,
    kind: Kind | None = None,
    domain: Domain | None = None,
    parts: Parts | None = None,
    refusals: Refusals | None = None,
    needs: Iterable[str] = (),
    into: Estimators | None = None,
) -> Callable[[F], F]:
    """Return a decorator that registers a function, or callable object, as an estimator.

    The function itself is returned unchanged. It takes specs by annotation, other quantities by
    name, and options as keyword-only parameters with defaults; it returns a float64 number or
    array, or an `Interval`. An object may carry `name`, `source`, `domain`, `kind` and `rank`
    itself; what is written here wins. If it has a method ``sample(n, rng)``, that returns a
    callable with the same inputs whose results carry a new leading axis of n draws.

    Parameters
    ----------
    gives : Quantity or str
        The one quantity that it gives.
    source : str, Source or several
        Paper and equation, or table row; required.
    name : str, optional
        Unique for the quantity; the function's name unless given.
    rank : float
        Lower comes first when nobody chooses; 0 unless given. Of equal ranks the built-in ones
        come first, then the earlier registered.
    kind : {"exact", "bound", "law", "calibrated"}
        How the number is meant; ``"exact"`` unless given.
    domain : Domain, optional
        Where it was fitted; its names are quantities or ``"spec.field"``.
    parts : callable, optional
        Takes some of the same inputs, returns a mapping of component to share of the value;
        called only when a breakdown is shown.
    refusals : callable, optional
        Takes some of the same inputs, returns a `Reason` for each thing that makes points of a
        grid NaN; called only when somebody asks why.
    needs : sequence of str
        Fields, as ``"spec.field"``, that may not be None.
    into : Estimators, optional
        The collection; the shared one unless given.

    Examples
    --------
    >>> own = Estimators()
    >>> area = Quantity("area_ratio", "Area over that of the unit square")
    >>> @estimator(gives=area, source="Euclid, Elements I.35", into=own)
    ... def square(*, side=3.0):
    ...     '''Area of a square.'''
    ...     return side**2
    >>> own.named("area_ratio", "square").summary
    'Area of a square.'
    """
    collection = ESTIMATORS if into is None else into
    claims = Claims(
        gives=gives, source=source, name=name, rank=rank, kind=kind, domain=domain, parts=parts,
        refusals=refusals, needs=tuple(needs),
    )  # fmt: skip

    def register(function: F) -> F:
        collection.register(function, claims)
        return function

    return register
