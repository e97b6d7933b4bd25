"""What is counted: the boundaries of an account of energy, carbon, water and money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from paramscale.core.spec import spec_type
from paramscale.errors import SpecError
from paramscale.specs.facts import Fact, bind_facts, facts_field
from paramscale.specs.fields import choice, number, short_repr
from paramscale.typing import Floats

__all__ = ["BOUNDARIES", "TENURES", "AccountSpec"]

#: What takes part: the accelerators alone, the servers around them, or the whole site.
BOUNDARIES = ("chip", "server", "facility")

#: How devices are had: by the hour, at what is left over, or under contract.
TENURES = ("on-demand", "spot", "1-year commit", "3-year commit")


def _known(doc: str, **limits: Any) -> Any:
    """Return a field of a figure for which NaN stands for the one of the catalogue."""
    return number(np.nan, missing=True, doc=doc, **limits)


def _check_year(spec: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or (value and not (value.isdigit() and len(value) == 4)):
        raise SpecError(
            f"AccountSpec.price_year must be a year as text, such as '2024', or '', not {value!r}"
        )


@attrs.frozen(eq=False, kw_only=True, repr=False)
class AccountSpec:
    """The boundaries of an account; every result prints them.

    Whether the making of the machines counts (embodied carbon), and whether they are rented or
    bought, are named estimators: ``use={"training_carbon_kgco2e": "with_embodied"}``,
    ``use={"training_cost_usd": "purchase"}``.

    Parameters
    ----------
    boundary : str
        ``"chip"``: the accelerators' boards; ``"server"``: with processors, memory, network and
        fans around them; ``"facility"``: with cooling and losses of the site (PUE).
    carbon_basis : str
        ``"location"``: intensity of the grid; ``"market"``: after contracts and certificates.
    server_overhead_ratio : FloatsLike
        Energy of a server over that of its accelerators, at least 1; NaN: of the catalogue.
    idle_ratio : FloatsLike
        Energy of machines that are kept ready over that of those at work; 0 counts none.
    development_ratio : FloatsLike
        All runs of training, failed ones and experiments too, over the final one; at least 1.
    tenure : str
        Which rent of the price list counts, one of ``TENURES``.
    price_year : str
        Year of the prices that count, ``"2023"``; empty: the latest of the list.
    device_life_years, device_use_fraction : FloatsLike
        How long a device is kept, and the share of that time in which it works; they spread its
        making and its price over its work. NaN: of the catalogue.
    device_kgco2e, server_kgco2e : FloatsLike
        Making of a device, and of the rest of the server for each of its devices [kg CO2e]. NaN:
        of the catalogue.
    purchase_overhead_ratio : FloatsLike
        Price of server and network with the device, over the device's; NaN: of the catalogue.
    facts : mapping of str to (float, float) or Fact
        By name of a figure, its 90 % interval.

    Examples
    --------
    >>> AccountSpec(boundary="chip")
    AccountSpec(boundary='chip')
    >>> AccountSpec(boundary="rack")
    Traceback (most recent call last):
    paramscale.errors.SpecError: AccountSpec.boundary must be one of 'chip', 'server', ...
    """

    boundary: str = choice("facility", BOUNDARIES, doc="what takes part")
    carbon_basis: str = choice("location", ("location", "market"), doc="whose intensity")
    server_overhead_ratio: Floats = _known("server over accelerators", low=1.0, low_allowed=True)
    idle_ratio: Floats = number(0.0, low_allowed=True, doc="idle machines over active ones")
    development_ratio: Floats = number(1.0, low=1.0, low_allowed=True, doc="all runs over final")
    tenure: str = choice("on-demand", TENURES, doc="which rent")
    price_year: str = attrs.field(default="", validator=_check_year)
    device_life_years: Floats = _known("years until a device is replaced")
    device_use_fraction: Floats = _known("share of its life in which it works", high=1.0)
    device_kgco2e: Floats = _known("making of a device", low_allowed=True)
    server_kgco2e: Floats = _known("making of the server around a device", low_allowed=True)
    purchase_overhead_ratio: Floats = _known("server over devices", low=1.0, low_allowed=True)
    facts: Mapping[str, Fact] = facts_field()

    def __attrs_post_init__(self) -> None:
        bind_facts(self)

    def __repr__(self) -> str:
        return short_repr(self)


spec_type("account", default=AccountSpec)(AccountSpec)
