"""Ludziejewski et al.: loss of experts against active size, data and their number."""

from __future__ import annotations

import numpy as np

from paramscale.laws.forms._numbers import effective_experts, positive
from paramscale.laws.forms._terms import Terms
from paramscale.typing import Floats, FloatsLike

__all__ = ["joint_experts", "terms"]


def joint_experts(
    active_parameters: FloatsLike,
    tokens: FloatsLike,
    experts: FloatsLike,
    *,
    E: float,
    a: float,
    alpha: float,
    delta: float,
    gamma: float,
    b: float,
    beta: float,
    omega: float,
    zeta: float,
    E_start: float,
    E_max: float,
) -> Floats:
    """Return ``L = a X^delta N^(alpha + gamma ln X) + b X^omega D^(beta + zeta ln X) + E``.

    Parameters
    ----------
    active_parameters : float or array
        Parameters that one token touches, N; broadcasts.
    tokens : float or array
        D, tokens trained on; broadcasts.
    experts : float or array
        Experts of a routed layer; broadcasts.
    E : float
        Loss at infinite size and data [nats per token]; c in the paper.
    a, alpha, delta, gamma : float
        Scale and exponents of the size term; alpha is negative here.
    b, beta, omega, zeta : float
        Scale and exponents of the data term; beta is negative here.
    E_start, E_max : float
        Where the effective number of experts starts and where it ends.

    Returns
    -------
    float or array
        NaN where an input is not positive, or is NaN.

    Notes
    -----
    Equations 4 to 6 of [1]_ [nats per token]; X is the number of experts, bent as by Clark et al.
    At one number of experts it is a Chinchilla law.

    References
    ----------
    .. [1] J. Ludziejewski et al. 2025, "Joint MoE scaling laws", arXiv:2502.05172, Table 3.

    Examples
    --------
    >>> fit = dict(E=1.3637, a=35.91, alpha=-0.1889, delta=-0.2285, gamma=0.0098, b=35.98,
    ...            beta=-0.1775, omega=0.5529, zeta=-0.0259, E_start=2.0732, E_max=290.4521)
    >>> round(float(joint_experts(1e9, 2e10, 8, **fit)), 4)
    2.5088
    """
    size, data = positive(active_parameters), positive(tokens)
    fit = terms(
        experts, E=E, a=a, alpha=alpha, delta=delta, gamma=gamma, b=b, beta=beta, omega=omega,
        zeta=zeta, E_start=E_start, E_max=E_max,
    )  # fmt: skip
    loss: Floats = fit.A * size**-fit.alpha + fit.B * data**-fit.beta + E
    return loss


def terms(
    experts: FloatsLike,
    *,
    E: float,
    a: float,
    alpha: float,
    delta: float,
    gamma: float,
    b: float,
    beta: float,
    omega: float,
    zeta: float,
    E_start: float,
    E_max: float,
) -> Terms:
    """Return the Chinchilla law that holds at a number of experts; arrays broadcast."""
    many = effective_experts(experts, E_start, E_max)
    log = np.log(many)
    return Terms(E, a * many**delta, -(alpha + gamma * log), b * many**omega, -(beta + zeta * log))
