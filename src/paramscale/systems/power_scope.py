"""How sure a power is: what was measured like it."""

from __future__ import annotations

import math
from functools import lru_cache

from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.power import power_measured, power_width

__all__ = ["power_log_width", "power_unmeasured", "training_log_width"]


@lru_cache(maxsize=1024)
def _found(machine: str, memory: str, vendor: str, engine: str) -> dict[str, str]:
    found = {}
    if machine not in power_measured("machine"):
        found["machine"] = f"the power of {machine} was not measured; that of others was"
    if memory not in power_measured("memory"):
        kind = f"{memory} memory" if memory else "this class of memory"
        found["memory"] = f"no power of a board with {kind} was measured"
    if vendor not in power_measured("vendor"):
        found["vendor"] = f"no power of a board of {vendor or 'this vendor'} was measured"
    if engine not in power_measured("engine"):
        found["engine"] = f"no power under {engine or 'an engine that is not stated'} was measured"
    return found


def _of(hardware: HardwareSpec, serving: ServingSpec) -> dict[str, str]:
    return _found(hardware.name, hardware.memory_type, hardware.vendor, serving.engine)


def power_unmeasured(hardware: HardwareSpec, serving: ServingSpec) -> tuple[str, ...]:
    """Return what of a scenario is new to the measurements of power, in words.

    Examples
    --------
    >>> from paramscale.catalogue.hardware import hardware
    >>> power_unmeasured(hardware["h100-sxm"], ServingSpec(engine="vllm"))
    ()
    """
    return tuple(_of(hardware, serving).values())


def power_log_width(hardware: HardwareSpec, serving: ServingSpec) -> float:
    """Return the logarithm of the factor to either side that holds 90 % of measured powers.

    What is new adds in squares.
    """
    return _width(hardware.name, hardware.memory_type, hardware.vendor, serving.engine)


@lru_cache(maxsize=1024)
def _width(*scenario: str) -> float:
    tiers = [power_width("known"), *(power_width(what) for what in _found(*scenario))]
    return math.sqrt(sum(tier * tier for tier in tiers))


def training_log_width(hardware: HardwareSpec) -> float:
    """Return the same for the power of training, of which few measurements are published."""
    found = _found(hardware.name, hardware.memory_type, hardware.vendor, "")
    tiers = ["training", *(what for what in found if what in ("machine", "memory", "vendor"))]
    return math.sqrt(sum(power_width(tier) ** 2 for tier in tiers))
