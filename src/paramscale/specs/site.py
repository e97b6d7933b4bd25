"""Where the machines stand: what electricity, cooling and water cost there."""

from __future__ import annotations

import attrs
import numpy as np

from paramscale.core.spec import spec_type
from paramscale.specs.fields import number, short_repr
from paramscale.typing import Floats

__all__ = ["SiteSpec"]


@spec_type("site")
@attrs.frozen(eq=False, kw_only=True, repr=False)
class SiteSpec:
    """A data centre and its grid. A figure that is not given is NaN, never filled in.

    Parameters
    ----------
    name : str
        Place, for example ``"FR"``.
    pue : FloatsLike
        Power usage effectiveness: energy of the site over energy of the machines, at least 1.
    grid_kgco2e_per_kwh : FloatsLike
        Carbon intensity of the grid [kg CO2e per kWh].
    water_l_per_kwh : FloatsLike
        Water used on site for cooling [litres per kWh of the machines].
    electricity_usd_per_kwh : FloatsLike
        Price of electricity [USD per kWh].
    source : str
        Where the figures stand.
    """

    name: str = "custom"
    pue: Floats = number(np.nan, low=1.0, low_allowed=True, missing=True)
    grid_kgco2e_per_kwh: Floats = number(np.nan, low_allowed=True, missing=True)
    water_l_per_kwh: Floats = number(np.nan, low_allowed=True, missing=True)
    electricity_usd_per_kwh: Floats = number(np.nan, low_allowed=True, missing=True)
    source: str = ""

    def __repr__(self) -> str:
        return short_repr(self)
