"""The terms of a Chinchilla law, which closed forms work on."""

from __future__ import annotations

from typing import NamedTuple

from paramscale.typing import Floats

__all__ = ["Terms"]


class Terms(NamedTuple):
    """``L = E + A / N^alpha + B / D^beta``; each may be an array, such as draws of a fit.

    Examples
    --------
    >>> Terms(1.7, 400.0, 0.34, 410.0, 0.28).E
    1.7
    """

    E: Floats
    A: Floats
    alpha: Floats
    B: Floats
    beta: Floats
