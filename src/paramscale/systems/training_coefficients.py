"""The coefficients of training, read from ``catalogue/data/training_calibration.csv``.

A row holds for all machines and frameworks unless it names one: then it replaces the general row.
A machine is named by a word of its name (``H100``); of several words that fit, the longest counts.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from paramscale.catalogue.tables import Row, read_table
from paramscale.typing import Floats

__all__ = [
    "CALIBRATED",
    "FILE",
    "SOURCES",
    "TrainingCoefficients",
    "coefficients",
    "deviations",
    "frameworks",
    "known_machine",
    "of_framework",
    "of_machine",
]  # fmt: skip

FILE = "training_calibration.csv"

#: Where the formula and its coefficients come from.
SOURCES = (
    "catalogue/data/training_calibration.csv, refitted by tools/calibrate_training.py",
    "Narayanan et al. 2021 (arXiv:2104.04473), sections 2.2 and 3.2: bubble and collectives",
)

#: Where they were calibrated; the largest numbers of devices by papers only.
CALIBRATED: dict[str, tuple[float | None, float | None]] = {
    "active_parameters": (1e8, 1.1e12),
    "training.sequence_length": (512.0, 2.0**20),
    "parallel.devices": (1.0, 16_384.0),
}


class TrainingCoefficients(NamedTuple):
    """Coefficients that hold everywhere; fractions are of data-sheet figures.

    Attributes
    ----------
    matrix16, matrix8, matrix_mx8, matrix4 : Floats
        Fraction of the sustained peak that matrices reach in 16 bits, fp8 (one scale a tensor),
        mxfp8 (one a block), and 4 bits.
    expert : Floats
        The same for routed experts, over that of other matrices.
    attention, scan : Floats
        Fraction of the 16-bit peak that attention and recurrences reach.
    bytes : Floats
        Fraction of the bandwidth that element-wise work reaches.
    launch_s, expert_launch_s : Floats
        Exposed time of the host for each operation, and for each layer of routed experts.
    tensor_exposed, expert_exposed, network_exposed, data_exposed : Floats
        Share of a collective's time that nothing hides: tensor ranks, expert ranks inside a node
        and across nodes, data ranks once a step.
    network : Floats
        Fraction of a link's or network's bandwidth that collectives over data ranks reach.
    hop_s : Floats
        Latency of one hop of a ring.
    overlap : Floats
        Exponent q with which gathered weights hide behind computing; 1 adds.
    unstated_stages : Floats
        Chunks a pipeline stage where a table does not say.
    """

    matrix16: Floats
    matrix8: Floats
    matrix_mx8: Floats
    matrix4: Floats
    expert: Floats
    attention: Floats
    scan: Floats
    bytes: Floats
    launch_s: Floats
    expert_launch_s: Floats
    tensor_exposed: Floats
    expert_exposed: Floats
    network_exposed: Floats
    data_exposed: Floats
    network: Floats
    hop_s: Floats
    overlap: Floats
    unstated_stages: Floats


class _Entry(NamedTuple):
    name: str
    machine: str
    framework: str
    value: float
    deviation: float


@cache
def _entries() -> tuple[_Entry, ...]:
    def entry(row: Row) -> _Entry:
        return _Entry(
            row.text("coefficient"), row.text("machine"), row.text("framework"),
            row.number("value"), row.number("deviation"),
        )  # fmt: skip

    return tuple(entry(row) for row in read_table(FILE))


def _general() -> list[_Entry]:
    return [each for each in _entries() if not each.machine and not each.framework]


@cache
def coefficients() -> TrainingCoefficients:
    """Return the coefficients that hold everywhere.

    Examples
    --------
    >>> 0.5 < coefficients().matrix16 < 1.0
    True
    """
    general = {each.name: each.value for each in _general()}
    return TrainingCoefficients(*[general[name] for name in TrainingCoefficients._fields])


@cache
def deviations() -> dict[str, float]:
    """Return the log deviation of each coefficient that was fitted, by its name.

    Examples
    --------
    >>> 0.0 < deviations()["matrix16"] < deviations()["launch_s"]
    True
    """
    rows = [*_general(), *(each for each in _entries() if each.name == "slowness")]
    return {each.name: each.deviation for each in rows if each.deviation > 0.0}


@cache
def of_machine(name: str, machine: str) -> float:
    """Return a coefficient for a machine of that name; the general one where none is named.

    Examples
    --------
    >>> of_machine("node_devices", "NVIDIA GB200"), of_machine("node_devices", "my own")
    (72.0, 8.0)
    """
    rows = [
        each for each in _entries()
        if each.name == name and not each.framework and each.machine in machine
    ]  # fmt: skip
    return max(rows, key=lambda each: len(each.machine)).value


@cache
def of_framework(name: str, framework: str) -> float:
    """Return a coefficient for a framework; the general one where it is not known."""
    rows = [each for each in _entries() if each.name == name]
    named = [each for each in rows if each.framework == framework]
    return (named or [each for each in rows if not each.framework])[0].value


@cache
def known_machine(machine: str) -> bool:
    """Return whether runs of a machine of that name were among those calibrated on.

    Examples
    --------
    >>> known_machine("NVIDIA H100 80GB SXM"), known_machine("AMD MI300X")
    (True, False)
    """
    words = {each.machine for each in _entries() if each.name == "measured"}
    return any(word in machine for word in words)


@cache
def frameworks() -> frozenset[str]:
    """Return the frameworks that were measured."""
    return frozenset(each.framework for each in _entries() if each.name == "slowness") - {""}
