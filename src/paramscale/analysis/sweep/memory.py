"""How much memory there is, and what to say when a sweep would take more."""

from __future__ import annotations

import os
from pathlib import Path

from paramscale.errors import SpecError
from paramscale.units import format_value

__all__ = ["available_bytes", "refuse_if_too_large"]

_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def available_bytes() -> float:
    """Return the bytes that this process can still take; infinite where nothing tells it."""
    found = [_free(), *map(_limit, _LIMITS)]
    return min(found)


def _free() -> float:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024.0
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, AttributeError):
        return float("inf")


def _limit(path: str) -> float:
    """Return the limit of the control group; "max" and absurd numbers are none."""
    try:
        return float(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return float("inf")


def refuse_if_too_large(points: int, needed: float) -> None:
    """Raise where results would not fit into memory, and say what to do instead."""
    free = available_bytes()
    if needed <= 0.8 * free:
        return
    size, there = format_value(needed, "bytes"), format_value(free, "bytes")
    raise SpecError(
        f"the results of this sweep of {points:,} points would take {size}, and {there} of memory"
        " are free; write them to a file with out='sweep.zarr', keep nothing with lazy=True and"
        " ask for .best(...), .pareto(...) or .quantiles(...), or ask for fewer quantities or"
        " points"
    )
