"""Muennighoff et al.: loss when data are seen more than once."""

from __future__ import annotations

import numpy as np

from paramscale.laws.forms._numbers import positive
from paramscale.laws.forms.chinchilla import chinchilla
from paramscale.typing import Floats, FloatsLike

__all__ = ["data_constrained"]


def data_constrained(
    parameters: FloatsLike,
    tokens: FloatsLike,
    unique_tokens: FloatsLike | None = None,
    *,
    E: float,
    A: float,
    alpha: float,
    B: float,
    beta: float,
    R_D: float,
    R_N: float,
) -> Floats:
    """Return the Chinchilla law at the effective size and data [nats per token].

    Parameters
    ----------
    parameters : float or array
        N, counted as the law was fitted (with or without embeddings); broadcasts.
    tokens : float or array
        D, tokens seen, repetitions included; broadcasts.
    unique_tokens : float or array, optional
        Tokens of the data set; None means that none is repeated; broadcasts.
    E : float
        Loss at infinite size and data [nats per token].
    A, alpha : float
        Scale and exponent of the size term.
    B, beta : float
        Scale and exponent of the data term.
    R_D : float
        Repetitions after which a further one is worth 1/e of a first one.
    R_N : float
        The same for size beyond what the unique tokens warrant.

    Returns
    -------
    float or array
        NaN where an input is not positive, or is NaN.

    Notes
    -----
    The law of [1]_: repetitions, and size beyond the optimum for the unique tokens, fade
    exponentially. Fitted after leaving out the runs whose loss rose: it never rises with
    repetition.

    References
    ----------
    .. [1] N. Muennighoff et al. 2023, "Scaling data-constrained language models",
       arXiv:2305.16264; checked against huggingface/datablations, ``README.md``.

    Examples
    --------
    >>> fit = dict(E=1.8691436784054858, A=520.8249516599187, alpha=0.3526596, B=1487.716093782861,
    ...            beta=0.3526596, R_D=15.387756, R_N=5.309743)
    >>> round(float(data_constrained(6.34e9, 242e9, 25e9, **fit)), 6)
    2.225644
    """
    size, seen = positive(parameters), positive(tokens)
    unique = np.minimum(seen if unique_tokens is None else positive(unique_tokens), seen)
    warranted = np.minimum(size, (alpha * A / (beta * B) * unique**beta) ** (1.0 / alpha))
    data = _faded(seen, unique, R_D)
    loss: Floats = chinchilla(
        _faded(size, warranted, R_N), data, E=E, A=A, alpha=alpha, B=B, beta=beta
    )
    return loss


def _faded(amount: Floats, base: Floats, rate: float) -> Floats:
    """Return `base`, and what lies above it at a worth that fades exponentially."""
    with np.errstate(invalid="ignore"):
        beyond = np.fmax(amount / base - 1.0, 0.0)  # infinite data, all fresh: nothing beyond
    held: Floats = base * (1.0 - rate * np.expm1(-beyond / rate))
    return held
