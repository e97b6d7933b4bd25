"""A law of a form that the library does not have: the joint law of Kaplan et al. 2020."""

from __future__ import annotations

import numpy as np

from paramscale import Domain, Law
from paramscale.laws import Form
from paramscale.typing import Floats, FloatsLike


def kaplan(
    parameters: FloatsLike,
    tokens: FloatsLike,
    *,
    N_c: float,
    alpha_N: float,
    D_c: float,
    alpha_D: float,
) -> Floats:
    """Return ``L = ((N_c / N)^(alpha_N / alpha_D) + D_c / D)^alpha_D`` [nats per token].

    It is NaN where `parameters` or `tokens` is not positive.

    Examples
    --------
    Near the figures that the paper's single laws give for 1e9 parameters and unlimited data:

    >>> round(float(kaplan(1e9, np.inf, N_c=8.8e13, alpha_N=0.076, D_c=5.4e13, alpha_D=0.095)), 3)
    2.376
    """
    size, data = _positive(parameters), _positive(tokens)
    loss: Floats = ((N_c / size) ** (alpha_N / alpha_D) + D_c / data) ** alpha_D
    return loss


def _positive(value: FloatsLike) -> Floats:
    """Return float64 numbers, NaN in the place of those that are not positive."""
    numbers = np.asarray(value, dtype=np.float64)
    return np.where(numbers > 0.0, numbers, np.nan)[()]


law = Law(
    law_id="example_kaplan2020",
    form=Form("kaplan", kaplan),
    coefficients={"N_c": 6.4e13, "alpha_N": 0.076, "D_c": 1.8e13, "alpha_D": 0.103},
    source="Kaplan et al. 2020, equation 1.5 with the coefficients of Table 2",
    paper="Kaplan et al. 2020",
    arxiv="2001.08361",
    parameters_convention="without embeddings",
    data="WebText2, 50257 byte pairs",
    domain=Domain(
        {"parameters": (768.0, 1.5e9), "training.tokens": (2.2e7, 2.3e10)},
        note="runs of the paper, sizes without embeddings",
    ),
    evidence="secondary",
    note="N is taken here as all parameters; the law counts them without embeddings",
)
