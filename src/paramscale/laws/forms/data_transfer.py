"""Hernandez et al.: what pre-training is worth, in tokens of the fine-tuning set."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["data_transfer"]


def data_transfer(
    parameters: FloatsLike,
    finetuning_tokens: FloatsLike,
    *,
    k: float,
    alpha: float,
    beta: float,
) -> Floats:
    """Return ``D_T = k D_F^alpha N^beta``, tokens that pre-training replaces.

    Parameters
    ----------
    parameters : float or array
        N, counted as the law was fitted (with or without embeddings); broadcasts.
    finetuning_tokens : float or array
        D_F, tokens of the fine-tuning set; broadcasts.
    k : float
        Scale.
    alpha : float
        Exponent of the fine-tuning set.
    beta : float
        Exponent of the size.

    Returns
    -------
    float or array
        NaN where `parameters` or `finetuning_tokens` is not positive, or is NaN.

    Notes
    -----
    The law of [1]_: a model from scratch would need D_F + D_T tokens for the same loss.

    References
    ----------
    .. [1] D. Hernandez et al. 2021, "Scaling laws for transfer", arXiv:2102.01293.

    Examples
    --------
    >>> round(float(data_transfer(1e9, 1e8, k=19000.0, alpha=0.18, beta=0.38)) / 1e9, 2)
    1.38
    """
    value: Floats = k * positive(finetuning_tokens) ** alpha * positive(parameters) ** beta
    return value
