"""Tao et al.: loss with the vocabulary as a part of the size."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["vocabulary"]


def vocabulary(
    non_vocabulary_parameters: FloatsLike,
    vocabulary_parameters: FloatsLike,
    characters: FloatsLike,
    *,
    E: float,
    A1: float,
    alpha1: float,
    A2: float,
    alpha2: float,
    B: float,
    beta: float,
) -> Floats:
    """Return ``-E + A1 / N_nv^alpha1 + A2 / N_v^alpha2 + B / H^beta`` [unigram-normalised nats].

    Parameters
    ----------
    non_vocabulary_parameters : float or array
        N_nv, all but the tables of the vocabulary; broadcasts.
    vocabulary_parameters : float or array
        N_v, vocabulary times width; broadcasts.
    characters : float or array
        H, characters trained on; broadcasts.
    E : float
        How far the loss can fall below that of the unigrams [nats per token].
    A1, alpha1 : float
        Scale and exponent of the other parameters [millions].
    A2, alpha2 : float
        Scale and exponent of the vocabulary's [millions].
    B, beta : float
        Scale and exponent of the data [billions of characters].

    Returns
    -------
    float or array
        NaN where an input is not positive, or is NaN.

    Notes
    -----
    The law of [1]_, in the units of the authors' script: millions of parameters, billions of
    characters. The value is the loss minus that of the unigram frequencies, so that vocabularies
    compare: it is negative.

    References
    ----------
    .. [1] C. Tao et al. 2024, "Scaling laws with vocabulary", arXiv:2407.13623; form checked
       against sail-sg/scaling-with-vocab, ``approach3_isoloss.py``.

    Examples
    --------
    >>> loss = vocabulary(1.13e9, 3.2e7, 4e11, E=5.533, A1=1.831, alpha1=0.447, A2=0.196,
    ...                   alpha2=0.671, B=2.124, beta=0.447)
    >>> round(float(loss), 4)
    -5.2889
    """
    others, table = positive(non_vocabulary_parameters), positive(vocabulary_parameters)
    size = A1 * (others / 1e6) ** -alpha1 + A2 * (table / 1e6) ** -alpha2
    loss: Floats = -E + size + B * (positive(characters) / 1e9) ** -beta
    return loss
