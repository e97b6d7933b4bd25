"""Where the machines stand: what electricity, cooling, water and devices cost there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from paramscale.core.spec import spec_type
from paramscale.errors import SpecError
from paramscale.specs.facts import Fact, bind_facts, facts_field
from paramscale.specs.fields import number, short_repr, to_floats
from paramscale.typing import Floats, FloatsLike

__all__ = ["SiteSpec"]


def _known(doc: str, **limits: Any) -> Any:
    """Return a field of a figure that may be unknown (NaN)."""
    return number(np.nan, low_allowed=True, missing=True, doc=doc, **limits)


@spec_type("site")
@attrs.frozen(eq=False, kw_only=True, repr=False)
class SiteSpec:
    """A data centre, its grid and its prices. A figure that is not given is NaN, never filled in.

    ``ps.sites["FR"]`` has the figures of a place with their sources; `attrs.evolve` replaces any
    of them by your own.

    Parameters
    ----------
    name : str
        Place, for example ``"FR"``.
    pue : FloatsLike
        Power usage effectiveness: energy of the site over energy of the machines, at least 1.
    grid_kgco2e_per_kwh : FloatsLike
        Carbon intensity of the grid, location-based [kg CO2e per kWh].
    market_kgco2e_per_kwh : FloatsLike
        The same after the contracts and certificates of who runs the site, market-based.
    water_l_per_kwh : FloatsLike
        Water used on site for cooling [litres per kWh *of the machines*] (WUE).
    grid_water_l_per_kwh : FloatsLike
        Water used to make the electricity [litres per kWh *drawn from the grid*].
    electricity_usd_per_kwh : FloatsLike
        Price of electricity [USD per kWh].
    device_usd_per_hour : FloatsLike
        Rent of one device [USD per hour]; NaN: that of the price list.
    device_usd : FloatsLike
        Price of buying one device, without the server around it [USD]; NaN: that of the list.
    facts : mapping of str to (float, float) or Fact
        By name of a figure, its 90 % interval, and with ``Fact`` date and source.
    source : str
        Where the figures stand.

    Examples
    --------
    >>> mine = SiteSpec(pue=1.2, grid_kgco2e_per_kwh=0.3, facts={"pue": (1.1, 1.4)})
    >>> mine.facts["pue"].high
    1.4
    >>> attrs.evolve(mine, pue=1.05).facts  # what was known of the old figure is forgotten
    {}
    """

    name: str = "custom"
    pue: Floats = _known("energy of the site over energy of the machines", low=1.0)
    grid_kgco2e_per_kwh: Floats = _known("intensity of the grid, location-based")
    market_kgco2e_per_kwh: Floats = _known("intensity after contracts, market-based")
    water_l_per_kwh: Floats = _known("water on site, per kWh of the machines")
    grid_water_l_per_kwh: Floats = _known("water of the electricity, per kWh drawn")
    electricity_usd_per_kwh: Floats = _known("price of electricity")
    device_usd_per_hour: Floats = _known("rent of a device")
    device_usd: Floats = _known("price of a device")
    facts: Mapping[str, Fact] = facts_field()
    source: str = ""

    def __attrs_post_init__(self) -> None:
        bind_facts(self)

    def during(self, hours: FloatsLike, profile: FloatsLike) -> SiteSpec:
        """Return the site with the mean intensity of its grid in the hours of running.

        Parameters
        ----------
        hours : array of int
            Places in the profile at which the machines run; of several rows each is one plan, and
            the intensity has one value a row. They count round the end of the profile.
        profile : array
            Intensity in consecutive hours, of a day or a year [kg CO2e per kWh].

        Examples
        --------
        A day with sun at noon; four hours then, or at night:

        >>> day = np.where(abs(np.arange(24) - 12) < 4, 0.05, 0.35)
        >>> SiteSpec(name="here").during([[10, 11, 12, 13], [0, 1, 2, 3]], day).grid_kgco2e_per_kwh
        array([0.05, 0.35])
        """
        found = np.atleast_1d(to_floats(profile, "profile"))
        places = np.asarray(to_floats(hours, "hours"))
        if found.ndim != 1 or np.any(places != np.rint(places)) or np.any(~(found >= 0.0)):
            raise SpecError(
                "profile must hold intensities of consecutive hours, none negative, and hours "
                f"whole numbers; not {found.shape} and {hours!r}"
            )
        mean = found[places.astype(np.intp) % found.size].mean(axis=-1)
        basis = f"mean of {places.shape[-1] if places.ndim else 1} of {found.size} hours"
        fact = Fact(basis=basis, source="hourly profile given by the caller")
        return attrs.evolve(
            self,
            grid_kgco2e_per_kwh=mean,
            facts={**self.facts, "grid_kgco2e_per_kwh": attrs.evolve(fact, value=to_floats(mean))},
        )

    def __repr__(self) -> str:
        return short_repr(self)
