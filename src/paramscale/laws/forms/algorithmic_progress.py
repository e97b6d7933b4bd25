"""Ho et al.: what better algorithms are worth, in compute."""

from __future__ import annotations

import numpy as np

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["algorithmic_progress"]


def algorithmic_progress(
    flops: FloatsLike,
    years: FloatsLike,
    *,
    doubling_months: float,
) -> Floats:
    """Return ``C 2^(12 t / doubling_months)``, compute that would have been needed t years before.

    Parameters
    ----------
    flops : float or array
        C, training compute [FLOP]; broadcasts.
    years : float or array
        Years of progress; negative looks back; broadcasts.
    doubling_months : float
        Months in which the same loss comes to need half the compute.

    Returns
    -------
    float or array
        NaN where `flops` is not positive, or an input is NaN.

    Notes
    -----
    The model of [1]_: size and data count more, by an exponential in the year of publication.

    References
    ----------
    .. [1] A. Ho et al. 2024, "Algorithmic progress in language models", arXiv:2403.05812.

    Examples
    --------
    >>> round(float(algorithmic_progress(1.0, 1.0, doubling_months=8.4)), 3)
    2.692
    """
    later = np.asarray(years, dtype=np.float64)
    value: Floats = positive(flops) * np.exp2(12.0 * later / doubling_months)
    return value
