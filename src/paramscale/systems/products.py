"""Products of arrays without the passes over a grid that change nothing."""

from __future__ import annotations

from paramscale.typing import Floats

__all__ = ["scaled"]


def scaled(amount: Floats, by: Floats) -> Floats:
    """Return the product; the amount itself where it is 0, or the factor 1, at every point.

    A model without experts, or a layout on one device, would else cost a pass over all points of
    a grid for each amount that is not there, or not divided.

    Examples
    --------
    >>> import numpy as np
    >>> grid = np.arange(3.0)
    >>> scaled(grid, np.float64(1.0)) is grid, scaled(np.float64(0.0), grid)
    (True, np.float64(0.0))
    """
    if isinstance(by, float) and by == 1.0:
        return amount
    if isinstance(amount, float) and amount == 0.0:
        return amount
    return amount * by
