"""How far a law goes wrong beyond its runs: a spread that grows with log distance from them."""

from __future__ import annotations

from functools import cache

import attrs
import numpy as np

from paramscale.core.packaged import packaged_values
from paramscale.fitting.objective import Array
from paramscale.fitting.runs import Runs
from paramscale.typing import Floats, FloatsLike

__all__ = ["ModelForm", "distance", "model_form"]


@attrs.frozen
class ModelForm:
    """Spread of log loss from the form being wrong, at a log distance d from the runs.

    ``(slope · d · inner)² + (least · d)²`` is its square, where `inner` is the spread that
    coefficients and scatter make at that point. Standardised errors grow with distance: where the
    runs leave a law loose they also leave open which law it is.

    Attributes
    ----------
    slope : float
        Growth of the spread, in units of the inner one, for each e-fold beyond the runs.
    least : float
        Least growth, for runs that seem to leave nothing open.
    scatter : float
        Least relative scatter of a run about its law, that of the seed.
    quantile : float
        Half width of the 90 % interval in standard deviations.
    """

    slope: float
    least: float
    scatter: float
    quantile: float

    def spread(self, away: FloatsLike, inner: FloatsLike) -> Array:
        """Return the standard deviation of log loss.

        Examples
        --------
        >>> term = ModelForm(slope=0.5, least=0.0, scatter=0.001, quantile=1.645)
        >>> term.spread([0.0, 2.0], 0.01)
        array([0.  , 0.01])
        """
        far = np.asarray(away, dtype=np.float64)
        found: Array = far * np.hypot(self.slope * np.asarray(inner), self.least)
        return found


@cache
def model_form() -> ModelForm:
    """Return the term as learnt; its numbers and their source stand in ``data/model_form.csv``."""
    return ModelForm(**packaged_values("paramscale.fitting", "model_form.csv", named="name"))


def distance(runs: Runs, parameters: FloatsLike, tokens: FloatsLike) -> Floats:
    """Return the log distance of points from the runs: in compute, plus in tokens a parameter.

    0 inside the range of the runs. Only the distance in compute was calibrated; a ratio of tokens
    to parameters that no run had is counted like it.
    """
    size = np.asarray(parameters, dtype=np.float64)
    data = np.asarray(tokens, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        compute, ratio = np.log(6.0 * size * data), np.log(data / size)
    away = _beyond(compute, np.log(runs.flops))
    found: Floats = (away + _beyond(ratio, np.log(runs.tokens / runs.parameters)))[()]
    return found


def _beyond(values: Array, known: Array) -> Array:
    found: Array = np.maximum(values - known.max(), known.min() - values)
    return np.maximum(found, 0.0)
