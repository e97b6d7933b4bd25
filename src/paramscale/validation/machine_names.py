"""Machines as tables of measurements spell them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

import attrs
import numpy as np

from paramscale.catalogue.hardware import hardware
from paramscale.errors import UnknownNameError
from paramscale.specs.hardware import HardwareSpec

__all__ = ["Machine", "machine_named"]

#: Words that tell no two machines apart.
_NOISE = frozenset(
    """nvidia amd apple intel huawei google aws geforce rtx radeon tesla quadro instinct gpu gpus
    core graphics card edition generation the of with mac studio laptop mini macbook sxm2 sxm4 sxm5
    hbm3 hbm2e hbm3e data center""".split()  # noqa: SIM905
)
_COUNT = re.compile(r"(?:\s*[×x*]\s*|\s{2,})(\d{1,2})\s*$|^(\d{1,2})\s*[×x]\s*", re.IGNORECASE)
_MEMORY = re.compile(r"^(\d+)\s?g(?:i?b)?$")
_OTHER_MEMORY = re.compile(r"\b(\d+)\s?Gi?B\b", re.IGNORECASE)
#: What a name may state of a variant: the pattern, the field, and its unit.
_STATED = (
    (re.compile(r"\(?\b(\d{2,4})\s?(W)\b(?:\s?(?:cap|limit|TDP))?\)?", re.IGNORECASE),
     "power_cap_w", 1.0),
    (re.compile(r"\b(\d+(?:\.\d+)?)\s?([TG]B/s(?:ec)?)", re.IGNORECASE),
     "memory_bandwidth_bytes_per_s", 1e9),
)  # fmt: skip
_CORES = re.compile(r"(\d+)\s*-?\s*core", re.IGNORECASE)


class Machine(NamedTuple):
    """A machine, and how many of them a name says there are."""

    spec: HardwareSpec
    devices: int


@cache
def machine_named(text: str) -> Machine:
    """Return the machine that a table means, and how many of them its name says.

    Raises
    ------
    UnknownNameError
        If no machine of the catalogue has that name, or its memory is another one.

    Examples
    --------
    >>> found = machine_named("A100 PCIe 80GB  4")
    >>> found.spec.name, found.devices
    ('NVIDIA A100 80GB PCIe', 4)
    """
    name = text.translate({0x2010: "-", 0x2011: "-", 0x2013: "-", 0xA0: " "}).strip()
    count = 1
    if found := _COUNT.search(name):
        count = int(found[1] or found[2])
        name = _COUNT.sub("", name).strip()
    if name in hardware:
        return Machine(hardware[name], count)
    name, changes = _variant(name)
    if changes:
        found_again = machine_named(name)
        return Machine(_with(found_again.spec, changes), count * found_again.devices)
    cores = _CORES.search(name)
    key = _closest(_CORES.sub(" ", name))
    if key is None:
        raise UnknownNameError("hardware", text, hardware)
    return Machine(_with_cores(hardware[key], cores), count)


def _variant(name: str) -> tuple[str, dict[str, Any]]:
    """Return a name without the power cap and the bandwidth that it states, and these."""
    changes: dict[str, Any] = {}
    for pattern, field, unit in _STATED:
        if found := pattern.search(name):
            scale = 1e3 if found[2].lower().startswith("t") else 1.0
            changes[field] = float(found[1]) * unit * scale
            name = pattern.sub(" ", name)
    if changes and (memory := _OTHER_MEMORY.search(name)):
        changes["memory_bytes"] = float(memory[1]) * 1e9
        name = _OTHER_MEMORY.sub(" ", name)
    return " ".join(re.sub(r"[(),]", " ", name).split()), changes


def _with(spec: HardwareSpec, changes: dict[str, Any]) -> HardwareSpec:
    """Return a machine with stated figures; a cap that is no cap is the usual limit."""
    cap = changes.get("power_cap_w")
    if cap is not None and not cap < float(spec.power_limit_w):
        changes = {key: value for key, value in changes.items() if key != "power_cap_w"}
    return attrs.evolve(spec, **changes) if changes else spec


def _closest(name: str) -> str | None:
    """Return the machine whose words are those of a name; the memory must agree where given."""
    words, sizes = _words(name)
    found = []
    for key in hardware:
        spec = hardware[key]
        own, _ = _words(_CORES.sub(" ", spec.name))
        if own == words and _same_memory(spec, sizes):
            found.append(key)
    for key in found:  # of several, the one that is meant when nothing more is said
        if " ".join(sorted(words)) == key:
            return key
    if not found and len(words) == 1 and (word := next(iter(words))) in hardware:
        return _alias(word, sizes)
    return found[0] if found else None


def _alias(word: str, sizes: list[float]) -> str | None:
    """Return the alias itself where its memory agrees."""
    return word if _same_memory(hardware[word], sizes) else None


def _words(name: str) -> tuple[frozenset[str], list[float]]:
    words, sizes = set(), []
    for word in re.split(r"[\s\-_/,()]+", name.lower()):
        if memory := _MEMORY.match(word):
            sizes.append(float(memory[1]))
        elif word and word not in _NOISE:
            words.add(word)
    return frozenset(words), sizes


def _same_memory(spec: HardwareSpec, sizes: list[float]) -> bool:
    held = float(spec.memory_bytes) / 1e9
    if np.isnan(held) or not sizes or spec.memory_type == "LPDDR":
        return True
    return any(abs(size / held - 1.0) < 0.13 for size in sizes)


def _with_cores(spec: HardwareSpec, cores: re.Match[str] | None) -> HardwareSpec:
    """Return a machine with fewer cores of the same kind: slower arithmetic, the same memory."""
    own = _CORES.search(spec.name)
    if cores is None or own is None or cores[1] == own[1]:
        return spec
    share = float(cores[1]) / float(own[1])
    peaks = {
        name: getattr(spec, name) * share
        for name in ("fp32_flops_per_s", "fp16_flops_per_s", "bf16_flops_per_s")
    }
    return attrs.evolve(spec, name=f"{spec.name}, {cores[1]} cores", **peaks)
