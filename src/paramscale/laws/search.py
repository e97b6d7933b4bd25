"""The best split of compute for laws that have no closed form."""

from __future__ import annotations

from typing import Any

import numpy as np

from paramscale.laws.forms._numbers import positive
from paramscale.laws.law import Law
from paramscale.laws.optimal import SIX, Allocation
from paramscale.typing import FloatsLike

__all__ = ["best_split", "optimal_bits"]

#: Points of each look, and looks: every look narrows the range of ln N by half the points.
_POINTS, _LOOKS = 33, 9


def best_split(law: Law, flops: FloatsLike, *, k: FloatsLike = SIX, **others: Any) -> Allocation:
    """Return the size and data of least loss for some compute C = k·N·D, for any law of both.

    Parameters
    ----------
    law : Law
        Of loss in size and tokens, with one minimum along C; where there are several, the one
        next to the best of 33 sizes is found.
    flops : float or array
        C [FLOP]; broadcasts.
    k : float or array
        FLOPs for each parameter and token.
    **others : float or array
        Further inputs of the law, such as ``unique_tokens``.

    Returns
    -------
    Allocation
        The size to about 1e-8, where the loss is flat to float64. NaN where the law gives none.

    Examples
    --------
    25 billion unique tokens and 1e22 FLOP: 9.5 epochs.

    >>> from paramscale.laws import laws
    >>> best = best_split(laws["muennighoff2023"], 1e22, unique_tokens=25e9)
    >>> round(float(best.tokens / 25e9), 2)
    9.49
    """
    budget = positive(flops)
    product = np.log(budget / positive(k))
    name = "active_parameters" if "active_parameters" in law.inputs else "parameters"

    def loss_at(log_size: Any) -> Any:
        inputs = {name: np.exp(log_size), "tokens": np.exp(product - log_size)}
        return law(**inputs, **others)

    shape = np.shape(product + 0.0 * np.asarray(loss_at(0.5 * product)))
    low, high = np.zeros(shape), np.broadcast_to(product, shape)
    steps = np.linspace(0.0, 1.0, _POINTS).reshape((-1,) + (1,) * len(shape))
    for _ in range(_LOOKS):
        looked = low + (high - low) * steps
        losses = loss_at(looked)
        best = np.argmin(np.where(np.isnan(losses), np.inf, losses), axis=0)
        gap = (high - low) / (_POINTS - 1)
        middle = low + gap * best
        low, high = np.maximum(middle - gap, low), np.minimum(middle + gap, high)
    size = np.exp(0.5 * (low + high))[()]
    data = np.exp(product - 0.5 * (low + high))[()]
    loss = law(**{name: size, "tokens": data, **others})
    return Allocation(size, data, budget, loss)


def optimal_bits(gamma: FloatsLike, *, tensors: int = 3) -> Any:
    """Return the bits of training that leave most effective parameters for their compute.

    Cost is taken in proportion to the bits. Then ``(1 - exp(-u))^n / u`` is greatest, with
    u = P / gamma and n tensors at the same precision: ``n u exp(-u) = 1 - exp(-u)``.

    Parameters
    ----------
    gamma : float or array
        Bits over which a tensor becomes exact; broadcasts.
    tensors : int
        2 or more: weights, activations, and keys and values are 3.

    Notes
    -----
    Kumar et al. 2024, arXiv:2411.04330: independent of compute.

    Examples
    --------
    >>> round(float(optimal_bits(1.0)), 3)
    1.904
    """
    u = np.log1p(float(tensors) ** 2)  # right of the root of u = ln(1 + n u)
    for _ in range(8):
        u = u - (u - np.log1p(tensors * u)) / (1.0 - tensors / (1.0 + tensors * u))
    return u * positive(gamma)
