"""How sure an expected time is: what was measured like it, and what the scenario does not say."""

from __future__ import annotations

import math
from functools import cache, lru_cache

from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.coefficients import deviation, measured
from paramscale.systems.regime import regime_of

__all__ = ["log_width", "unmeasured"]

#: Log factors of what no measurement tells: a class of memory, a vendor, and each thing that was
#: assumed. Rows that hide their configuration lie off by a factor of two in the median.
NEW_MEMORY, NEW_VENDOR, ASSUMED = math.log(2.0), math.log(2.5), math.log(2.5)


@cache
def _unmeasured(
    regime: str, name: str, memory: str, vendor: str, engine: str, schedule: str
) -> dict[str, str]:
    found = {}
    if vendor not in measured(regime, "vendor"):
        found["vendor"] = f"no machine of {vendor or 'this vendor'} was measured in this regime"
    if memory not in measured(regime, "memory"):
        found["memory"] = f"no machine with {memory or 'this class of'} memory was measured"
    if name not in measured(regime, "machine"):
        found["machine"] = f"{name} was not measured; its class was"
    if not engine:
        found["engine"] = "the engine is not stated"
    elif engine not in measured(regime, "engine"):
        found["engine"] = f"the engine {engine} was not measured in this regime"
    if regime == "continuous" and schedule != "continuous":
        found["schedule"] = "how requests come and go is not stated: all start together"
    return found


def unmeasured(hardware: HardwareSpec, serving: ServingSpec) -> tuple[str, ...]:
    """Return what is new, or not said, in words; each of it widens the interval.

    Examples
    --------
    >>> from paramscale.catalogue.hardware import hardware
    >>> unmeasured(hardware["h100-sxm"], ServingSpec(engine="vllm", schedule="continuous"))
    ()
    >>> unmeasured(hardware["h800-sxm"], ServingSpec(schedule="continuous"))
    ('NVIDIA H800 SXM was not measured; its class was', 'the engine is not stated')
    """
    assumed = tuple(f"assumed: {text}" for text in serving.assumed)
    return (*_found(hardware, serving).values(), *assumed)


def _found(hardware: HardwareSpec, serving: ServingSpec) -> dict[str, str]:
    return _unmeasured(
        regime_of(serving), hardware.name, hardware.memory_type, hardware.vendor, serving.engine,
        serving.schedule,
    )  # fmt: skip


def log_width(quantity: str, hardware: HardwareSpec, serving: ServingSpec) -> float:
    """Return the log of the factor to either side that holds 90 % of measurements.

    Independent reasons to be wrong add as squares: a model that was not measured (always assumed),
    a machine, an engine, a class of memory, a vendor.
    """
    return _log_width(
        quantity, len(serving.assumed), regime_of(serving), hardware.name, hardware.memory_type,
        hardware.vendor, serving.engine, serving.schedule,
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _log_width(quantity: str, assumed: int, regime: str, *scenario: str) -> float:
    found = _unmeasured(regime, *scenario)
    tiers = [deviation(regime, quantity, "known"), *assumed * [ASSUMED]]
    tiers += [deviation(regime, quantity, what) for what in ("machine", "engine") if what in found]
    tiers += [NEW_MEMORY] if "memory" in found else []
    tiers += [NEW_VENDOR] if "vendor" in found else []
    if "schedule" in found:
        tiers.append(deviation(regime, quantity, "engine"))
    return math.sqrt(sum(tier * tier for tier in tiers))
