"""A weak prior on floor and exponents, for runs that do not determine them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal, TypeAlias

import attrs
import numpy as np

from paramscale.core.packaged import packaged_rows
from paramscale.errors import FitError
from paramscale.fitting.objective import Array

__all__ = ["Prior", "PriorLike", "as_prior"]

#: ``"published"``, or the mean and spread of some of E (spread of its logarithm), alpha, beta.
PriorLike: TypeAlias = "Literal['published'] | Mapping[str, tuple[float, float]] | None"

_PLACES = {"E": 0, "alpha": 2, "beta": 4}
_SCATTER = 0.005  # relative scatter of runs about their law: sets what a pull weighs against


@attrs.frozen(eq=False)
class Prior:
    """Normal priors on the unknowns ``(e, a, alpha, b, beta)`` of the fit; infinite spread is none.

    Attributes
    ----------
    mean, spread : array, (5,)
        Of each unknown; e is the logarithm of E.
    """

    mean: Array
    spread: Array

    def pull(self, delta: float, unit: float) -> Array:
        """Return what multiplies ½(θ − mean)² in an objective that turns linear at `delta`.

        `unit` is 1 for residuals of log loss, and a typical loss for residuals of loss.
        """
        scatter = _SCATTER * unit
        found: Array = min(delta, scatter) * scatter / self.spread**2
        return found

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        """Return centres that are drawn from the prior, (count, 5)."""
        held = np.where(np.isfinite(self.spread), self.spread, 0.0)
        found: Array = self.mean + held * rng.standard_normal((count, len(self.mean)))
        return found


@cache
def _published() -> dict[str, tuple[float, float]]:
    return {
        row["coefficient"]: (float(row["value"]), float(row["spread"] or "nan"))
        for row in packaged_rows("paramscale.fitting", "prior.csv")
    }


def as_prior(given: PriorLike, lowest: float) -> Prior | None:
    """Return the prior of a law with floor, size and data term.

    Parameters
    ----------
    given : "published", mapping or None
        ``{"alpha": (0.3, 0.1)}`` is a mean and a spread; that of E is the spread of log E.
    lowest : float
        The lowest loss of the runs; with ``"published"`` the floor stays a share below it.

    Examples
    --------
    >>> as_prior({"alpha": (0.3, 0.1)}, 2.0).spread
    array([inf, inf, 0.1, inf, inf])
    """
    if given is None:
        return None
    if isinstance(given, str):
        if given != "published":
            raise FitError(
                f"prior is {given!r}; allowed are None, 'published', or a mapping such as "
                "{'alpha': (0.3, 0.1)}"
            )
        known = dict(_published())
        share, _ = known.pop("E_share")
        known["E"] = (min(known["E"][0], share * lowest), known["E"][1])
        given = known
    mean, spread = np.zeros(5), np.full(5, np.inf)
    for name, (value, width) in given.items():
        if name not in _PLACES or not width > 0.0 or not value > 0.0:
            raise FitError(
                f"prior of {name!r} is ({value}, {width}); it may be on {', '.join(_PLACES)}, "
                "each a positive mean and a positive spread"
            )
        at = _PLACES[name]
        mean[at], spread[at] = (np.log(value) if name == "E" else value), width
    return Prior(mean, spread)
