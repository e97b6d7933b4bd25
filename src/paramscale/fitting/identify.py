"""Which coefficients the runs cannot determine, said before anything is fitted."""

from __future__ import annotations

import warnings

import attrs
import numpy as np

from paramscale.errors import FitError, IdentifiabilityWarning
from paramscale.fitting.objective import Array
from paramscale.fitting.runs import Runs

__all__ = ["Problem", "check", "problems", "sound_draws", "sound_point"]

_LINE = 0.03  # scatter of log D about a line in log N below which the two are one variable
_NARROW = 0.3
_LEVELS = 3  # E, A and alpha need three sizes; E, B and beta three amounts of data
_SAME = 0.01  # relative difference below which two sizes count as one
_SPAN = np.log(4.0)
_LEAST_FLOOR = 1e-3  # share of the lowest loss
_LOST = 0.02


@attrs.frozen
class Problem:
    """What is not determined, in words; `fatal` unless a prior supplies what is missing."""

    text: str
    coefficients: tuple[str, ...]
    fatal: bool


def check(runs: Runs, *, has_prior: bool) -> tuple[Problem, ...]:
    """Raise, or warn of, what the runs leave open; return the problems.

    Raises
    ------
    FitError
        For a fatal problem without a prior.

    Examples
    --------
    >>> from paramscale.fitting.runs import as_runs
    >>> sizes = np.array([1e8, 2e8, 4e8, 8e8, 1.6e9, 3.2e9])
    >>> check(as_runs(sizes, 20 * sizes, 2 + 400 / sizes**0.3), has_prior=False)
    Traceback (most recent call last):
    paramscale.errors.FitError: all runs have 20 tokens a parameter: the terms A/N^alpha and ...
    """
    found = problems(runs)
    for problem in found:
        if problem.fatal and not has_prior:
            raise FitError(
                f"{problem.text}. Add runs that tell them apart, or write prior='published' "
                "to have exponents and floor pulled towards those of other laws",
                coefficients=problem.coefficients,
            )
    for problem in found:
        rests = "they rest on the prior" if has_prior else "their values mean little alone"
        warnings.warn(IdentifiabilityWarning(f"{problem.text}; {rests}"), stacklevel=4)
    return found


def problems(runs: Runs) -> tuple[Problem, ...]:
    """Return the problems of a law with a floor, a size term and a data term, worst first."""
    size, data = np.log(runs.parameters), np.log(runs.tokens)
    points = len({(round(n / _SAME), round(d / _SAME)) for n, d in zip(size, data, strict=True)})
    sizes, amounts = _levels(size), _levels(data)
    found = []
    if points < 5:
        found.append(
            Problem(
                f"there are {points} distinct runs for the 5 coefficients E, A, alpha, B, beta: "
                "they do not determine all of them",
                ("E", "A", "alpha", "B", "beta"), True,
            )
        )  # fmt: skip
    found += _few("size", "N", sizes, float(np.exp(size[0])), ("A", "alpha"), "parameters")
    found += _few("amount of data", "D", amounts, float(np.exp(data[0])), ("B", "beta"), "tokens")
    if sizes > 1 and amounts > 1 and not found:
        found += _one_line(size, data)
    if not found:
        found += _narrow(size, "sizes", ("A", "alpha"))
        found += _narrow(data, "amounts of data", ("B", "beta"))
    return tuple(found)


def _levels(logs: Array) -> int:
    """Return how many distinct values there are, near ones taken together."""
    ordered = np.sort(logs)
    return 1 + int(np.count_nonzero(np.diff(ordered) > _SAME))


def _few(
    what: str, symbol: str, levels: int, first: float, terms: tuple[str, str], unit: str
) -> list[Problem]:
    if levels >= _LEVELS:
        return []
    names = ("E", *terms)
    where = (
        f"all runs have one {what} ({symbol} = {first:.4g} {unit})"
        if levels == 1
        else f"the runs have only {levels} different values of {symbol}"
    )
    text = f"{where}: E, {terms[0]} and {terms[1]} cannot be told apart"
    return [Problem(text, names, True)]


def _one_line(size: Array, data: Array) -> list[Problem]:
    """Return the problem that log D is a line in log N, so that one term can stand for both."""
    slope, level = np.polyfit(size, data, 1)
    scatter = float(np.std(data - slope * size - level))
    if scatter >= _NARROW:
        return []
    if float(np.std(data - size)) < max(scatter * 2.0, _LINE):
        ratio = float(np.exp(np.median(data - size)))
        where = f"all runs have {ratio:.3g} tokens a parameter"
    else:
        where = f"tokens follow size as D ∝ N^{slope:.2f} in all runs"
    fatal = scatter < _LINE
    word = "cannot" if fatal else "can hardly"
    text = f"{where}: the terms A/N^alpha and B/D^beta {word} be told apart"
    return [Problem(text, ("A", "alpha", "B", "beta"), fatal)]


def _narrow(logs: Array, what: str, names: tuple[str, str]) -> list[Problem]:
    span = float(np.ptp(logs))
    if span >= _SPAN:
        return []
    text = (
        f"the {what} of the runs span only a factor of {np.exp(span):.3g}: "
        f"E, {names[0]} and {names[1]} can hardly be told apart"
    )
    return [Problem(text, ("E", *names), False)]


def sound_point(names: tuple[str, ...], best: Array, lowest: float) -> tuple[str, ...]:
    """Raise, or warn of, a best fit at the edge of what has a meaning; return its coefficients.

    Examples
    --------
    >>> sound_point(("E", "A", "alpha"), np.array([1.8, np.inf, 44.0]), 2.0)
    Traceback (most recent call last):
    paramscale.errors.FitError: the best fit has A = inf: ...
    """
    for name, value in zip(names, best, strict=True):
        if not np.isfinite(value):
            raise FitError(
                f"the best fit has {name} = {value}: an exponent ran away, so the runs do not "
                "determine that term. Add runs, or write prior='published'",
                coefficients=(name,),
            )
    if best[0] > _LEAST_FLOOR * lowest:
        return ()
    text = (
        f"the best fit has its floor E at zero ({best[0]:.2g}): the runs do not determine E, and "
        "losses far beyond them come out too low"
    )
    warnings.warn(IdentifiabilityWarning(text), stacklevel=4)
    return ("E",)


def sound_draws(drawn: Array) -> Array:
    """Return the bootstrap fits without those in which an exponent ran away to infinity.

    Where they are many, a warning says so: the intervals then understate what is not known.
    """
    sound = np.isfinite(drawn).all(axis=1)
    lost = len(drawn) - int(sound.sum())
    if lost > _LOST * len(drawn):
        text = (
            f"in {lost} of {len(drawn)} bootstraps an exponent ran away: the runs hardly "
            "determine alpha or beta, and intervals are too narrow"
        )
        warnings.warn(IdentifiabilityWarning(text), stacklevel=4)
    return drawn[sound]
