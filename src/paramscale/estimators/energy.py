"""What the accelerators of a served model draw, and their energy for a token.

The boundary is the boards of the accelerators, as their own counters measure it; hosts, networks
and cooling come on top. Times are the expected ones, or those that the caller gives; the physics
stands in :mod:`paramscale.systems.power`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from paramscale import quantities as q
from paramscale.core.domain import Domain
from paramscale.core.estimator import Interval, estimator
from paramscale.core.interval import Z90, ends_wanted
from paramscale.core.reasons import Reason
from paramscale.specs.block import NOTHING
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.power import limit_of, power_coefficients, power_rules, power_width
from paramscale.systems.power_scope import power_log_width, power_unmeasured
from paramscale.systems.products import scaled
from paramscale.systems.rules import reasons_of, some
from paramscale.systems.sequences import tokens_a_step
from paramscale.systems.serving import Times
from paramscale.systems.serving_power import (
    IDLE_EXPERTS,
    Shares,
    idle_experts,
    prompt_draw,
    served_use,
    share_of,
    shares_of,
    step_draw,
)
from paramscale.typing import Floats

__all__ = ["ServingPower", "decoding", "draw", "energy", "idle", "power", "prefilling"]

_FIT = (
    "paramscale: systems/power.py, fitted by tools/calibrate_power.py on published measurements"
    " (catalogue/data/power_calibration.csv)"
)
_DOMAIN = Domain(
    {"serving.batch": (1, 8192), "parallel.devices": (1, 128)},
    note="boards with a power figure; machines that were not measured get a wide interval",
)


#: Logarithm of what an uncertain step or prompt alone adds to the interval of its energy: half of
#: it passes with time, which is known within a factor of 1.4.
_LATE = 0.17

#: The same of the time of prompts where nothing else is served.
_PROMPTS_LATE = 0.5

_ONE = np.float64(1.0)


class _Served(Protocol):
    """What the estimators of times hand over."""

    @property
    def times(self) -> Times: ...

    @property
    def remarks(self) -> tuple[str, ...]: ...

    @property
    def level(self) -> Floats: ...


class ServingPower(NamedTuple):
    """Draw of all devices, and what its interval and that of the energy are made of.

    Attributes
    ----------
    power, idle, limit : Floats
        Draw of all devices; the least and the most that they may draw.
    rate : Floats
        Output tokens a second.
    shares : Shares
        Power by cause.
    own : float
        Logarithm of the factor that holds 90 % of powers measured at known times.
    late, passing : Floats
        The same of the rate, and the part of the power that passes with time alone.
    remarks : tuple of str
        Why the intervals are wide.
    """

    power: Floats
    idle: Floats
    limit: Floats
    rate: Floats
    shares: Shares
    own: float
    late: Floats
    passing: Floats
    remarks: tuple[str, ...]


def _refusals(hardware: HardwareSpec) -> Iterator[Reason]:
    return reasons_of(power_rules(hardware))


@estimator(
    gives=q.SERVING_POWER, source=_FIT, kind="calibrated", domain=_DOMAIN, refusals=_refusals
)
def draw(
    serving_times: _Served,
    throughput_tokens_per_s: Interval,
    hardware: HardwareSpec,
    serving: ServingSpec,
    parallel: ParallelSpec,
) -> ServingPower:
    """Draw of the accelerators at the throughput, computed once for the quantities below.

    The part of the energy that passes with time is as uncertain as the time, the part that goes
    with bytes and FLOPs is not; the power, the other way round.
    """
    limit, most = limit_of(hardware, "power_w")
    c = power_coefficients(hardware.memory_type, hardware.name)
    times = serving_times.times
    step, prompt, machine = served_use(times, hardware, serving, parallel)
    drawn = step_draw(step, machine, c), prompt_draw(prompt, machine, c)
    rate = throughput_tokens_per_s.value
    shares = shares_of(*drawn, most, c, rate, times, serving, parallel)
    assert parallel.devices is not None  # filled in by the spec
    whole, own = limit * parallel.devices, power_log_width(hardware, serving)
    power = whole * shares.total
    if serving_times.level is not NOTHING:  # in draws
        power = np.minimum(power * np.exp(own / Z90 * serving_times.level), whole * most)
    known = isinstance(rate, np.ndarray) and rate.min() > 0.0
    made = rate if known else np.where(rate > 0.0, rate, np.nan)[()]
    idle = whole * c.static * most
    if not ends_wanted():
        zero = np.float64(0.0)
        return ServingPower(power, idle, whole * most, made, shares, own, zero, zero, ())
    late = np.log(throughput_tokens_per_s.high / made)
    if some(rate == 0.0):  # prompts alone
        late = np.where(rate == 0.0, _PROMPTS_LATE, late)
    passing = np.minimum((shares.static + shares.busy) / shares.total, 1.0)
    remarks = serving_times.remarks + power_unmeasured(hardware, serving)
    if idle_experts(times, machine, parallel):
        remarks, own = (*remarks, IDLE_EXPERTS), np.hypot(own, power_width("idle_experts"))
    return ServingPower(power, idle, whole * most, made, shares, own, late, passing, remarks)


def _between(value: Floats, own: float, late: Floats) -> Interval:
    """Return a value with its interval: of the power, and of the time."""
    if not ends_wanted():
        return Interval(value, value, value)
    factor = np.exp(np.hypot(own, late))
    return Interval(value, value / factor, value * factor)


def _power_parts(serving_power: ServingPower) -> dict[str, Floats]:
    shares, value = serving_power.shares.named(), serving_power.power
    return {name: value * share for name, share in shares.items()}


def _energy_parts(serving_power: ServingPower) -> dict[str, Floats]:
    shares, value = serving_power.shares.named(), serving_power.power / serving_power.rate
    return {name: value * share for name, share in shares.items()}


@estimator(
    gives=q.POWER_W, source=_FIT, kind="calibrated", domain=_DOMAIN, name="boards",
    parts=_power_parts,
)  # fmt: skip
def power(serving_power: ServingPower) -> Interval:
    """Mean draw of all accelerators while they serve; never above the limit of their boards.

    p = static + busy x (share of time in which kernels run) + sum of w x u, in shares of the limit,
    where u is the time of bytes and FLOPs at data-sheet figures over the time that passes.
    """
    found = serving_power
    value, low, high = _between(found.power, found.own, found.late * (1.0 - found.passing))
    if low is value:
        return Interval(value, value, value)
    return Interval(value, np.maximum(low, found.idle), np.minimum(high, found.limit))


@estimator(
    gives=q.CHIP_ENERGY_PER_TOKEN_J, source=_FIT, kind="calibrated", domain=_DOMAIN, name="boards",
    parts=_energy_parts,
)  # fmt: skip
def energy(serving_power: ServingPower) -> Interval:
    """Energy of the accelerators for an output token, that of reading the prompts included.

    Power over throughput. What passes with time is cheap where many sequences share it; bytes and
    FLOPs cost the same however fast they come.
    """
    found = serving_power
    return _between(found.power / found.rate, found.own, found.late * found.passing)


@estimator(
    gives=q.PREFILL_ENERGY_PER_TOKEN_J, source=_FIT, kind="calibrated", domain=_DOMAIN,
    name="boards",
)  # fmt: skip
def prefilling(
    serving_times: _Served, hardware: HardwareSpec, serving: ServingSpec, parallel: ParallelSpec
) -> Interval:
    """Energy of the accelerators for a token of a prompt, while nothing but prompts is read."""
    times = serving_times.times
    _, use, machine = served_use(times, hardware, serving, parallel)
    c = power_coefficients(hardware.memory_type, hardware.name)
    needed = prompt_draw(use, machine, c).total(_ONE)
    tokens = serving.prompt_tokens * parallel.data
    return _alone(needed, times.prompt_s, tokens, c.static, hardware, serving, parallel)


@estimator(
    gives=q.DECODE_ENERGY_PER_TOKEN_J, source=_FIT, kind="calibrated", domain=_DOMAIN,
    name="boards",
)  # fmt: skip
def decoding(
    serving_times: _Served, hardware: HardwareSpec, serving: ServingSpec, parallel: ParallelSpec
) -> Interval:
    """Energy of the accelerators for an output token, while nothing but decode steps runs."""
    times = serving_times.times
    use, _, machine = served_use(times, hardware, serving, parallel)
    c = power_coefficients(hardware.memory_type, hardware.name)
    needed = step_draw(use, machine, c).total(scaled(times.running, 1.0 / times.step_of))
    tokens = times.running * tokens_a_step(serving) * parallel.data
    return _alone(needed, times.step_s, tokens, c.static, hardware, serving, parallel)


def _alone(
    needed: Floats, seconds: Floats, tokens: Floats, static: Floats, hardware: HardwareSpec,
    serving: ServingSpec, parallel: ParallelSpec,
) -> Interval:  # fmt: skip
    """Return the energy for one of the tokens of some work that runs by itself."""
    limit, most = limit_of(hardware, "energy of a token")
    assert parallel.devices is not None  # filled in by the spec
    share = share_of(static, needed, seconds, most)
    value = limit * parallel.devices * share * seconds / tokens
    own = power_log_width(hardware, serving)
    return _between(value, own, np.float64(_LATE))


@estimator(gives=q.IDLE_POWER_W, source=_FIT, kind="calibrated", domain=_DOMAIN, name="boards")
def idle(hardware: HardwareSpec, serving: ServingSpec, parallel: ParallelSpec) -> Interval:
    """Draw of all accelerators that hold a model and have nothing to do; clocks stay up."""
    limit, most = limit_of(hardware, "idle_power_w")
    c = power_coefficients(hardware.memory_type, hardware.name)
    assert parallel.devices is not None  # filled in by the spec
    own = power_log_width(hardware, serving)
    value = limit * parallel.devices * np.minimum(c.static, most)
    value, low, high = _between(value, own, np.float64(0.0))
    return Interval(value, low, np.minimum(high, limit * parallel.devices * most))
