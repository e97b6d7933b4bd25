"""Frantar et al.: loss of models whose weights are pruned while they train."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive, share
from paramscale.typing import Floats, FloatsLike

__all__ = ["sparse_weights"]


def sparse_weights(
    parameters: FloatsLike,
    tokens: FloatsLike,
    sparsity: FloatsLike,
    *,
    E: float,
    a_S: float,
    b_S: float,
    c_S: float,
    b_N: float,
    a_D: float,
    b_D: float,
) -> Floats:
    """Return ``L = (a_S (1 - S)^b_S + c_S) N^-b_N + (a_D / D)^b_D + E`` [nats per token].

    Parameters
    ----------
    parameters : float or array
        N, weights that are not zero; broadcasts.
    tokens : float or array
        D, tokens trained on; broadcasts.
    sparsity : float or array
        S, share of the weights that are zero, 0 to below 1; broadcasts.
    E : float
        Loss at infinite size and data; c in the paper.
    a_S, b_S, c_S : float
        Scale of the size term, by sparsity.
    b_N : float
        Exponent of the size.
    a_D, b_D : float
        Scale and exponent of the data term.

    Returns
    -------
    float or array
        NaN where `parameters` or `tokens` is not positive, or `sparsity` is not in [0, 1).

    Notes
    -----
    Equation 1 of [1]_. No coefficients are shipped: none was verified. For fitting.

    References
    ----------
    .. [1] E. Frantar et al. 2023, "Scaling laws for sparsely-connected foundation models",
       arXiv:2309.08520.

    Examples
    --------
    >>> fit = dict(E=0.6, a_S=10.0, b_S=0.7, c_S=40.0, b_N=0.25, a_D=1e9, b_D=0.2)
    >>> round(float(sparse_weights(1e8, 1e11, 0.5, **fit)), 4)
    1.4597
    """
    scale = a_S * (1.0 - share(sparsity)) ** b_S + c_S
    data = (a_D / positive(tokens)) ** b_D
    loss: Floats = scale * positive(parameters) ** -b_N + data + E
    return loss
