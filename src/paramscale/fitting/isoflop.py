"""IsoFLOP fits: the best size at each compute budget, then a power law through the optima."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.errors import FitError
from paramscale.fitting.objective import Array
from paramscale.fitting.runs import as_runs
from paramscale.fitting.valley import Method, Minimum, Refusal, valley
from paramscale.typing import Floats, FloatsLike

__all__ = ["IsoFlopFit", "Method", "Minimum", "Refusal", "fit_isoflop"]

_SAME_BUDGET = 0.1  # relative; planned budgets differ by a factor of 2 or more

Wanted: TypeAlias = Literal["parameters", "tokens", "loss"]


@attrs.frozen(eq=False)
class IsoFlopFit:
    """Optima of compute budgets and the power laws through them; made by `fit_isoflop`.

    Attributes
    ----------
    minima : tuple of Minimum
        One a budget that has an interior minimum.
    refusals : tuple of Refusal
        One a budget that has none, with the kind and the reason.
    size_exponent, data_exponent : float
        a and b of ``N_opt ∝ C^a``, ``D_opt ∝ C^b``.
    size_error : float
        Standard error of a, from the scatter of the optima about the line.
    """

    minima: tuple[Minimum, ...]
    refusals: tuple[Refusal, ...]
    size_exponent: float
    size_level: float
    data_exponent: float
    data_level: float
    size_error: float

    def optimal_parameters(self, flops: FloatsLike) -> Floats:
        """Return the best size for some compute."""
        return _power(self.size_level, self.size_exponent, flops)

    def optimal_tokens(self, flops: FloatsLike) -> Floats:
        """Return the best amount of data for some compute."""
        return _power(self.data_level, self.data_exponent, flops)

    def __repr__(self) -> str:
        left = f", {len(self.refusals)} refused" if self.refusals else ""
        return (
            f"IsoFlopFit(N_opt ∝ C^{self.size_exponent:.3f} ± {self.size_error:.3f}, "
            f"D_opt ∝ C^{self.data_exponent:.3f}; {len(self.minima)} budgets{left})"
        )


def _power(level: float, exponent: float, flops: FloatsLike) -> Floats:
    found: Floats = np.exp(level + exponent * np.log(np.asarray(flops, dtype=np.float64)))[()]
    return found


def fit_isoflop(
    parameters: FloatsLike,
    tokens: FloatsLike,
    loss: FloatsLike,
    *,
    flops: FloatsLike | None = None,
    method: Method = "parabola",
    window: float | None = None,
) -> IsoFlopFit:
    """Return the best size at each compute budget and the power laws through these optima.

    Parameters
    ----------
    parameters, tokens, loss : array
        One run an element; loss in nats per token.
    flops : array, optional
        Compute of each run; 6·N·D unless given. Runs within 10 % are one budget.
    method : {"parabola", "akima"}
        A parabola in log N (Hoffmann et al. 2022, approach 2), or the minimum of an Akima
        interpolation (Porian et al. 2024), which the far ends of a valley do not pull.
    window : float, optional
        Only sizes within this factor of the best size seen enter the parabola.

    Returns
    -------
    IsoFlopFit
        Budgets without an interior minimum stand in its `refusals`.

    Raises
    ------
    FitError
        If fewer than two budgets have one; the text says why for each.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> budgets, sizes = np.meshgrid(np.geomspace(1e19, 1e21, 5), np.geomspace(2e7, 2e10, 25))
    >>> law = laws["besiroglu2024"]
    >>> tokens = budgets / (6 * sizes)
    >>> fit_isoflop(sizes, tokens, law(sizes, tokens), window=4)
    IsoFlopFit(N_opt ∝ C^0.513 ± 0.000, D_opt ∝ C^0.487; 5 budgets)
    """
    if method not in get_args(Method):
        raise FitError(f"method is {method!r}; allowed are {get_args(Method)}")
    runs = as_runs(parameters, tokens, loss)
    compute = runs.flops if flops is None else as_runs(runs.parameters, flops, runs.loss).tokens
    minima, refusals = [], []
    for budget in _budgets(compute):
        found = valley(runs.of(budget), compute[budget], method=method, window=window)
        if isinstance(found, Minimum):
            minima.append(found)
        else:
            refusals.append(found)
    if len(minima) < 2:
        reasons = "; ".join(each.text for each in refusals) or "there is only one budget"
        raise FitError(
            f"{len(minima)} of {len(minima) + len(refusals)} budgets have an interior minimum; "
            f"a power law needs two or more ({reasons})",
            coefficients=("size_exponent", "data_exponent"),
        )
    return _through(tuple(minima), tuple(refusals))


def _budgets(flops: Array) -> list[npt.NDArray[np.intp]]:
    """Return for each budget, in rising order, the indices of its runs."""
    order = np.argsort(flops)
    steps = np.flatnonzero(np.diff(np.log(flops[order])) > np.log1p(_SAME_BUDGET))
    return np.split(order, steps + 1)


def _through(minima: tuple[Minimum, ...], refusals: tuple[Refusal, ...]) -> IsoFlopFit:
    x = np.log([each.flops for each in minima])
    size = np.log([each.parameters for each in minima])
    data = np.log([each.tokens for each in minima])
    a, level = np.polyfit(x, size, 1)
    b, other = np.polyfit(x, data, 1)
    error = np.nan
    if len(minima) > 2:
        left = size - level - a * x
        error = np.sqrt(left @ left / (len(x) - 2)) / np.sqrt(((x - x.mean()) ** 2).sum())
    return IsoFlopFit(
        minima, refusals, float(a), float(level), float(b), float(other), float(error)
    )
