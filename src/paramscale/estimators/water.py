"""Water: used on site for cooling, and used where the electricity is made.

PUE enters once: water on site is used per kWh of the machines, and the electricity that carries
the other water is what the site draws.
"""

from __future__ import annotations

from paramscale import quantities as q
from paramscale.core.estimator import Interval, estimator
from paramscale.specs.account import AccountSpec
from paramscale.systems.rates import Rate
from paramscale.systems.spread import exactly, times

__all__ = ["of_token", "of_training"]

_WATER = "Li et al. 2023, arXiv:2304.03271, section 3: E_it (WUE on site + PUE x WUE of the grid)"


@estimator(gives=q.WATER_L, source=_WATER, name="account")
def of_training(
    training_chip_energy_j: Interval,
    water_rate: Rate,
    energy_boundary: Rate,
    account: AccountSpec,
) -> Interval:
    """Water for training: energy of the machines x (on site + PUE x water of the electricity)."""
    return times(training_chip_energy_j, water_rate.factor, exactly(account.development_ratio))


@estimator(gives=q.WATER_PER_TOKEN_L, source=_WATER, name="account")
def of_token(
    chip_energy_per_token_j: Interval, water_rate: Rate, energy_boundary: Rate
) -> Interval:
    """Water for an output token: the same sum on the energy of its machines."""
    return times(chip_energy_per_token_j, water_rate.factor)
