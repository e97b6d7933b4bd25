"""The power of an accelerator: what it draws anyway, while it is busy, and for what it does.

All is counted in shares of the power limit that the board was made for:

    p = static + busy x (share of time in which kernels run) + sum over resources of w_r x u_r,

where u_r is the time in which a resource would do its work at the data-sheet figure (bytes over
bandwidth, FLOPs over the dense peak), over the time that passes: the energy of a byte and of a FLOP
does not depend on how fast they come. Boards hold their limit, by lowering the clocks, and the
power approaches it smoothly. Coefficients are those of ``catalogue/data/power_calibration.csv``.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from paramscale.catalogue.hardware import hardware as machines
from paramscale.catalogue.tables import Row, read_table
from paramscale.errors import MissingInputError, did_you_mean
from paramscale.specs.hardware import HardwareSpec
from paramscale.systems.products import scaled
from paramscale.systems.rules import Rule
from paramscale.typing import Floats

__all__ = [
    "FILE",
    "PowerCoefficients",
    "clock_share",
    "held",
    "limit_of",
    "power_coefficients",
    "power_measured",
    "power_rules",
    "power_width",
]

FILE = "power_calibration.csv"

_ONE = np.float64(1.0)


class PowerCoefficients(NamedTuple):
    """Shares of the power limit; each while its resource is in use at the data-sheet figure.

    Attributes
    ----------
    static : Floats
        With clocks up and nothing to do, as an accelerator idles that holds a model.
    busy : Floats
        While kernels run, whatever they do.
    read, read_expert, read_expert8, state : Floats
        Reading weights, routed experts in 16 or 4 bits and in 8 bits, and caches.
    multiply16, multiply8, multiply4 : Floats
        Multiplying few tokens, as in decode, in 16, 8 and 4 bits; the share is of the peak of that
        width.
    multiply_expert : Floats
        The same for routed experts, over that of other matrices.
    padding : Floats
        Rows of zeros that fill the tiles of routed experts, over rows of tokens: few bits toggle.
    attention : Floats
        Scores and scans.
    prompt16, prompt8, prompt4 : Floats
        Multiplying many tokens, as in prompts and in training.
    """

    static: Floats = 0.2
    busy: Floats = 0.2
    read: Floats = 0.45
    read_expert: Floats = 0.45
    read_expert8: Floats = 1.2
    state: Floats = 0.5
    multiply16: Floats = 1.5
    multiply8: Floats = 1.5
    multiply4: Floats = 1.5
    multiply_expert: Floats = 1.0
    padding: Floats = 0.0
    attention: Floats = 1.0
    prompt16: Floats = 1.2
    prompt8: Floats = 1.2
    prompt4: Floats = 1.2


class _Calibration(NamedTuple):
    memory: str
    machine: str
    coefficient: str
    value: float
    measured_on: tuple[str, ...]


@cache
def _rows() -> tuple[_Calibration, ...]:
    def read(row: Row) -> _Calibration:
        return _Calibration(
            row.text("memory"), row.text("machine"), row.text("coefficient"),
            row.number("value"), row.names("measured_on"),
        )  # fmt: skip

    return tuple(read(row) for row in read_table(FILE))


@cache
def power_coefficients(memory: str, machine: str) -> PowerCoefficients:
    """Return the coefficients of a machine, with a class of memory.

    A row of a class of memory or of a machine replaces the general one; the row ``dynamic`` of a
    machine multiplies all that grows with the work.

    Examples
    --------
    >>> 0.1 < power_coefficients("HBM", "NVIDIA H100 80GB SXM").static < 0.3
    True
    """
    found: dict[str, Any] = {}
    factor = 1.0
    for row in sorted(_rows(), key=lambda each: (bool(each.machine), bool(each.memory))):
        if row.memory in ("", memory) and row.machine in ("", machine):
            if row.coefficient == "dynamic":
                factor = row.value
            elif row.coefficient in PowerCoefficients._fields:
                found[row.coefficient] = row.value
    fixed = ("static", "busy", "multiply_expert", "padding")
    scaled = {key: value if key in fixed else factor * value for key, value in found.items()}
    return PowerCoefficients(**scaled)


@cache
def power_measured(what: str) -> frozenset[str]:
    """Return the machines, classes of memory or engines on which power was measured."""
    return frozenset(
        name for row in _rows() if row.coefficient == f"measured_{what}"
        for name in row.measured_on
    )  # fmt: skip


@cache
def power_width(name: str) -> float:
    """Return the logarithm of a factor that holds 90 % of measurements, or that widens it."""
    return next(row.value for row in _rows() if row.coefficient == f"width_{name}")


def limit_of(hardware: HardwareSpec, quantity: str) -> tuple[Floats, Floats]:
    """Return the power [W] that a board was made for, and the share of it that it may draw.

    Raises
    ------
    MissingInputError
        If the machine has no power figure; in a grid of machines it is NaN instead.
    """
    made_for = hardware.power_limit_w
    if np.ndim(made_for) == 0 and np.isnan(made_for):
        raise MissingInputError(f"{quantity} needs {_without_figure(hardware.name)}")
    return made_for, _share_under_cap(hardware)


def _share_under_cap(hardware: HardwareSpec) -> Floats:
    """Return the share of its limit that a cap of its power leaves to a board."""
    if hardware.power_cap_w is None:
        return _ONE
    return np.minimum(hardware.power_cap_w / hardware.power_limit_w, 1.0)


@lru_cache(maxsize=64)
def clock_share(hardware: HardwareSpec) -> Floats:
    """Return the share of its clocks at which a board computes under a cap of its power.

    Arithmetic at full rate draws about the limit a board was made for. What exceeds the static
    draw s grows with clock and voltage squared, and voltage with the clock (dynamic power of CMOS
    circuits: Hennessy and Patterson, Computer Architecture, 6th edition, section 1.5), so that a
    cap c, as a share of that limit, leaves ``((c - s) / (1 - s))^(1/3)``.

    Examples
    --------
    >>> import attrs
    >>> capped = attrs.evolve(machines["h100-sxm"], power_cap_w=500.0)
    >>> round(float(clock_share(capped)), 2), float(clock_share(machines["h100-sxm"]))
    (0.85, 1.0)
    """
    if hardware.power_cap_w is None:
        return _ONE
    static = power_coefficients(hardware.memory_type, hardware.name).static
    share = _share_under_cap(hardware)
    left = np.maximum((share - static) / (1.0 - static), 0.05)
    clocks: Floats = np.where(np.isnan(share), 1.0, np.cbrt(left))[()]
    return clocks


def _without_figure(name: str) -> str:
    known = [key for key, each in machines.items() if not np.isnan(each.power_limit_w)]
    near = did_you_mean(name, [*known, *(machines[key].name for key in known)]) or "."
    return (
        f"the power limit of {name!r}, which no source gives{near} Pass your own:"
        " attrs.evolve(hardware, power_limit_w=...) [W]"
    )


def power_rules(hardware: HardwareSpec) -> list[Rule]:
    """Return what must be known of a machine for a power; where it is not, in a grid, it is NaN."""
    known = ~np.isnan(hardware.power_limit_w)
    return [Rule(known, lambda: f"not known is {_without_figure(hardware.name)}")]


def held(power: Floats, most: Floats) -> Floats:
    """Return a power that approaches what a board may draw: (p^-8 + m^-8)^(-1/8).

    Examples
    --------
    >>> round(float(held(np.float64(0.5), np.float64(1.0))), 4), float(held(3.0, 1.0)) < 1.0
    (0.4998, True)
    """
    near = scaled(power, 1.0 / most) ** 2
    near = near * near
    near = near * near
    factor: Floats = (1.0 + near) ** -0.125  # one power is faster than three roots
    return power * factor
