"""Closed forms on laws of Chinchilla's form: the best size and data, and how far a run is off.

Compute is C = k·N·D, with k = 6 unless given. Where the derivative of the loss along C vanishes,
alpha A / N^alpha = beta B / D^beta: the size term is beta / (alpha + beta) of the reducible loss.
All else follows from that. Everything broadcasts, in float64; NaN in, NaN out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from paramscale.errors import RegistrationError
from paramscale.laws.form import form_names
from paramscale.laws.forms._numbers import positive
from paramscale.laws.forms._terms import Terms
from paramscale.laws.law import Law
from paramscale.typing import Floats, FloatsLike

__all__ = [
    "Allocation",
    "compute_excess",
    "compute_optimum",
    "exponents",
    "least_compute",
    "overtraining",
    "terms_of",
]

#: FLOPs of training for each parameter and token: forward 2, backward 4.
SIX = 6.0


class Allocation(NamedTuple):
    """A size and its data, the compute they take and the loss they reach."""

    parameters: Floats
    tokens: Floats
    flops: Floats
    loss: Floats


def terms_of(law: Law | Terms, **others: Any) -> Terms:
    """Return the Chinchilla terms of a law, at its further inputs where it has such.

    Raises
    ------
    RegistrationError
        If the law has another form.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> terms_of(laws["ludziejewski2025"], experts=8).A.round(2)
    np.float64(21.84)
    """
    if isinstance(law, Terms):
        return law
    if law.form.terms is None:
        able = [name for name in form_names() if _has_terms(name)]
        raise RegistrationError(
            f"law {law.law_id!r} has the form {law.form.name!r}, for which there is no closed "
            f"form; these have one: {', '.join(able)}. For any law: paramscale.laws.best_split"
        )
    return law.form.terms(**others, **law.coefficients)


def _has_terms(name: str) -> bool:
    from paramscale.laws.form import form_named

    return form_named(name).terms is not None


def exponents(law: Law | Terms, **others: Any) -> tuple[Floats, Floats]:
    """Return a and b of N = G (C/k)^a and D = (C/k)^b / G at the optimum; a + b = 1.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> a, b = exponents(laws["besiroglu2024"])
    >>> round(float(a), 3), round(float(b), 3)
    (0.513, 0.487)
    """
    fit = terms_of(law, **others)
    whole = fit.alpha + fit.beta
    return fit.beta / whole, fit.alpha / whole


def compute_optimum(
    law: Law | Terms, flops: FloatsLike, *, k: FloatsLike = SIX, **others: Any
) -> Allocation:
    """Return the size and data of least loss for some compute C = k·N·D.

    Parameters
    ----------
    law : Law or Terms
        Of Chinchilla's form.
    flops : float or array
        C [FLOP]; broadcasts.
    k : float or array
        FLOPs for each parameter and token.
    **others : float or array
        Further inputs of the law, such as ``experts``.

    Notes
    -----
    Equation 4 of Hoffmann et al. 2022, arXiv:2203.15556: N = G (C/k)^a, D = (C/k)^b / G with
    G = (alpha A / (beta B))^(1 / (alpha + beta)). Rounded coefficients must not be used here.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> best = compute_optimum(laws["besiroglu2024"], 5.76e23)
    >>> round(float(best.parameters) / 1e9, 1), round(float(best.tokens) / 1e12, 2)
    (72.4, 1.33)
    """
    fit, budget = terms_of(law, **others), positive(flops)
    a, b = exponents(fit)
    scale = (fit.alpha * fit.A / (fit.beta * fit.B)) ** (1.0 / (fit.alpha + fit.beta))
    product = budget / positive(k)
    size, data = scale * product**a, product**b / scale
    return Allocation(
        size, data, budget, fit.E + fit.A * size**-fit.alpha + fit.B * data**-fit.beta
    )


def least_compute(
    law: Law | Terms, loss: FloatsLike, *, k: FloatsLike = SIX, **others: Any
) -> Allocation:
    """Return the size and data that reach a loss with the least compute C = k·N·D.

    Parameters
    ----------
    law, k, **others
        As for :func:`compute_optimum`.
    loss : float or array
        Wanted loss [`loss_unit` of the law]; at or below E no compute is enough: infinite.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> round(float(least_compute(laws["besiroglu2024"], 2.0).flops) / 1e23, 2)
    2.44
    """
    fit, wanted = terms_of(law, **others), np.asarray(loss, dtype=np.float64)[()]
    a, b = exponents(fit)
    above = np.maximum(wanted - fit.E, 0.0)
    with np.errstate(divide="ignore", over="ignore"):
        size = (fit.A / (a * above)) ** (1.0 / fit.alpha)
        data = (fit.B / (b * above)) ** (1.0 / fit.beta)
        return Allocation(size, data, positive(k) * size * data, wanted)


def overtraining(
    law: Law | Terms, parameters: FloatsLike, tokens: FloatsLike, **others: Any
) -> Floats:
    """Return the tokens of a run over those that are best for the same compute.

    Above 1 the run is over-trained (a small model on many tokens), below 1 under-trained.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> round(float(overtraining(laws["besiroglu2024"], 8e9, 15e12)), 1)
    10.1
    """
    size, data = positive(parameters), positive(tokens)
    fit = terms_of(law, **others)
    best = compute_optimum(fit, size * data, k=1.0)
    return data / best.tokens


def compute_excess(
    law: Law | Terms, parameters: FloatsLike, tokens: FloatsLike, **others: Any
) -> Floats:
    """Return the compute of a run over the least that reaches the same loss; 1 at the optimum.

    Notes
    -----
    With s the share of the size term in the reducible loss, and a the same at the optimum, it is
    ``(a / s)^(1 / alpha) ((1 - a) / (1 - s))^(1 / beta)``, whatever k is.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> round(float(compute_excess(laws["besiroglu2024"], 8e9, 15e12)), 2)
    5.52
    """
    fit = terms_of(law, **others)
    size = fit.A * positive(parameters) ** -fit.alpha
    data = fit.B * positive(tokens) ** -fit.beta
    a, b = exponents(fit)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        both = size + data
        excess: Floats = (a * both / size) ** (1.0 / fit.alpha) * (b * both / data) ** (
            1.0 / fit.beta
        )
    return excess
