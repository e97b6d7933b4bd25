"""The dense size that a mixture of experts equals."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from paramscale.core.packaged import packaged_values
from paramscale.typing import Floats

__all__ = ["DenseEquivalent", "dense_equivalent", "root_rule"]

#: Where the gain stops to shrink: Clark et al. trained up to 1.3e9 active parameters.
_LARGEST, _LN_UNIT = float(np.log(1.3e9)), float(np.log(1e8))


class DenseEquivalent(NamedTuple):
    """Coefficients of ``ln(N_eff / active) = (gain + size ln(active / 1e8)) ln R``.

    R is the saturating ratio of Clark et al. 2022 (arXiv:2202.01169, equation 4), with total over
    active parameters in the place of the number of experts, so that it holds for any number of
    chosen and shared experts: ``1 / R = 1 / (r - 1 + start) + 1 / most`` with R(1) = 1.

    Attributes
    ----------
    gain, size : float
        Share of the logarithm of R that is won, and how it changes with size (shrunk towards 0).
    most : float
        Ratio at which more experts no longer help.
    scatter : float
        Standard deviation of ln N_eff of sizes and routers left out.
    fine, fine_scatter : float
        ln of what fine-grained experts beside shared ones beat the law by, and half the distance
        of the two measurements of that.
    sizes, ratios : tuple of float
        Range of ln(active) and of ln r that was measured.
    size_scatter : float
        What a unit of ln(active) above that range adds to the deviation, as the largest size shows
        when it is left out.
    """

    gain: float
    size: float
    most: float
    scatter: float
    fine: float
    fine_scatter: float
    sizes: tuple[float, float]
    ratios: tuple[float, float]
    size_scatter: float = 0.0

    def __call__(self, total: Floats, active: Floats) -> Floats:
        """Return ln of the dense size; that of the model itself where all parameters are active."""
        start = self.most / (self.most - 1.0)
        ratio = 1.0 / (1.0 / (total / active - 1.0 + start) + 1.0 / self.most)
        size = np.log(active)
        grown = np.minimum(size, _LARGEST) - _LN_UNIT
        won: Floats = (self.gain + self.size * grown) * np.log(ratio)
        return size + won

    def deviation(self, active: Floats) -> Floats:
        """Return the standard deviation of ln N_eff; it grows where the gain is extrapolated."""
        beyond = np.minimum(np.log(active), _LARGEST) - self.sizes[1]
        wide: Floats = np.hypot(self.scatter, self.size_scatter * np.maximum(beyond, 0.0))
        return wide


def root_rule(total: Floats, active: Floats) -> Floats:
    """Return the geometric mean of all and of active parameters, a common rule of thumb.

    Examples
    --------
    >>> round(float(root_rule(np.float64(16.4e9), np.float64(2.8e9))) / 1e9, 1)
    6.8
    """
    mean: Floats = np.sqrt(total) * np.sqrt(active)
    return mean


@cache
def dense_equivalent() -> DenseEquivalent:
    """Return the law fitted by ``tools/fit_experts.py`` (``laws/data/experts.csv``)."""
    found = packaged_values("paramscale.laws", "experts.csv")
    return DenseEquivalent(
        found["gain"], found["size"], found["most"], found["scatter"], found["fine"],
        found["fine_scatter"],
        (found["sizes_low"], found["sizes_high"]), (found["ratios_low"], found["ratios_high"]),
        found["size_scatter"],
    )  # fmt: skip
