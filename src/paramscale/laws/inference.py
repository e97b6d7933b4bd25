"""The size and data that cost least over the life of a model, training and inference together.

Sardana et al. 2024, arXiv:2401.00448: minimise 6·N·D + 2·N·T under L(N, D) = l, with T tokens
served. With money in place of FLOPs the two weights are prices.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from paramscale.laws.forms._numbers import positive
from paramscale.laws.forms._terms import Terms
from paramscale.laws.law import Law
from paramscale.laws.optimal import terms_of
from paramscale.typing import Floats, FloatsLike

__all__ = ["Lifetime", "break_even_demand", "lifetime_optimum"]

#: Newton steps; from the right of the root of a convex function they fall to it, the error
#: squared by each. Eight reach float64 over all exponents and demands that were tried.
_STEPS = 12


class Lifetime(NamedTuple):
    """Size and training tokens of least cost over a life, and that cost in its two parts."""

    parameters: Floats
    tokens: Floats
    training: Floats
    inference: Floats


def lifetime_optimum(
    law: Law | Terms,
    loss: FloatsLike,
    lifetime_tokens: FloatsLike,
    *,
    training: FloatsLike = 6.0,
    inference: FloatsLike = 2.0,
    **others: Any,
) -> Lifetime:
    """Return the size and data that reach a loss and cost least, inference included.

    Parameters
    ----------
    law : Law or Terms
        Of Chinchilla's form.
    loss : float or array
        The quality wanted [`loss_unit` of the law]; at or below E nothing reaches it: infinite.
    lifetime_tokens : float or array
        T, tokens read and written in use, 0 or more; broadcasts.
    training, inference : float or array
        Cost for each parameter and token, of training and of use: FLOPs (6 and 2), or money.
    **others : float or array
        Further inputs of the law.

    Returns
    -------
    Lifetime
        Without demand the compute-optimal size; with more demand ever smaller models, trained
        for longer.

    Notes
    -----
    With q the share of the data term in the reducible loss r, D = D1 q^(-1/beta) where
    D1 = (B / r)^(1/beta); the condition of first order in q is solved by Newton's method.

    Examples
    --------
    The quality of a compute-optimal 7B, for 1e11 tokens of use: 6.06B on 1.16 times the tokens.

    >>> from paramscale.laws import compute_optimum, laws
    >>> law = laws["hoffmann2022_a3"]
    >>> best = compute_optimum(law, 1.26e22)
    >>> life = lifetime_optimum(law, best.loss, 1e11)
    >>> round(float(life.parameters / best.parameters), 3)
    0.866
    """
    fit = terms_of(law, **others)
    served = np.asarray(lifetime_tokens, dtype=np.float64)[()]
    served = np.where(served >= 0.0, served, np.nan)[()]
    learn, use = positive(training), positive(inference)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        left = np.maximum(np.asarray(loss, dtype=np.float64) - fit.E, 0.0)
        base = (fit.B / left) ** (1.0 / fit.beta)
        q = _share(use * served / (learn * base), fit.alpha / fit.beta, 1.0 + 1.0 / fit.beta)
        data = base * q ** (-1.0 / fit.beta)
        size = (fit.A / ((1.0 - q) * left)) ** (1.0 / fit.alpha)
        return Lifetime(size, data, learn * size * data, use * size * served)


def break_even_demand(
    law: Law | Terms,
    parameters: FloatsLike,
    tokens: FloatsLike,
    smaller: FloatsLike,
    *,
    training: FloatsLike = 6.0,
    inference: FloatsLike = 2.0,
    **others: Any,
) -> Floats:
    """Return the tokens of use from which a smaller model, trained longer, costs less.

    Parameters
    ----------
    law : Law or Terms
        Of Chinchilla's form.
    parameters, tokens : float or array
        N and D of the larger model.
    smaller : float or array
        Size of the smaller model over that of the larger, below 1.
    training, inference : float or array
        Cost for each parameter and token, of training and of use: FLOPs (6 and 2), or money.
    **others : float or array
        Further inputs of the law.

    Returns
    -------
    float or array
        0 where the smaller one is cheaper to train too; infinite where no data bring it to the
        loss of the larger.

    Notes
    -----
    With N' = r N and D' of equal loss, the training costs k (N'D' - N D) more and each token of
    use j (N - N') less; the quotient is the break-even.

    Examples
    --------
    Half of Chinchilla's size reaches its loss on more data; from so many tokens of use on:

    >>> from paramscale.laws import laws
    >>> law = laws["besiroglu2024"]
    >>> f"{break_even_demand(law, 70e9, 1.4e12, 0.5):.3g}"
    '2.56e+12'
    """
    fit = terms_of(law, **others)
    size, data, share = positive(parameters), positive(tokens), positive(smaller)
    share = np.where(share < 1.0, share, np.nan)[()]
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        left = fit.B / data**fit.beta + fit.A / size**fit.alpha * (1.0 - share**-fit.alpha)
        needed = np.where(left > 0.0, (fit.B / np.maximum(left, 0.0)) ** (1.0 / fit.beta), np.inf)
        needed = np.where(np.isnan(left), np.nan, needed)
        more = positive(training) * size * (share * needed - data)
        saved = positive(inference) * size * (1.0 - share)
        found: Floats = np.asarray(np.maximum(more, 0.0) / saved)[()]
        return found


def _share(demand: Floats, ratio: Floats, power: Floats) -> Floats:
    """Return q with ``q (1 + ratio) + demand q^power = ratio``, the share of the data term.

    Along the curve of equal loss, d ln N = dq / (alpha (1 - q)) and d ln D = -dq / (beta q). The
    cost N (k D + j T) is least where ``(1 - q) alpha k D = q beta (k D + j T)``; with
    D = D1 q^(-1/beta), `demand` = j T / (k D1), `ratio` = alpha / beta and `power` = 1 + 1 / beta
    that is the equation above. Its left side is convex and rises, and each term alone bounds q
    from above: Newton's method from there falls monotonically to the root.
    """
    first = np.minimum(ratio / (1.0 + ratio), (ratio / demand) ** (1.0 / power))
    q = np.where(demand > 0.0, first, ratio / (1.0 + ratio) + 0.0 * demand)[()]
    for _ in range(_STEPS):
        tail = demand * q ** (power - 1.0)
        q = q - (q * (1.0 + ratio) + q * tail - ratio) / (1.0 + ratio + power * tail)
    return q
