"""``hardware``: the accelerators of ``data/hardware.csv`` by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from paramscale.catalogue.tables import Catalogue, Row, read_table
from paramscale.core.spec import coerces
from paramscale.errors import SpecError
from paramscale.specs.hardware import FIGURES, HardwareSpec

__all__ = ["hardware"]

_TEXTS = ("name", "vendor", "kind", "release_date", "memory_type", "source", "note")


@cache
def _sparse_types() -> dict[str, tuple[str, ...]]:
    """Return by machine the types in which it passes over the zeros of a 2:4 pattern."""
    return {
        machine: row.names("types")
        for row in read_table("sparse_units.csv")
        for machine in row.names("machines")
    }


def _machine(row: Row) -> HardwareSpec:
    cells: dict[str, Any] = {column: row.text(column) for column in _TEXTS}
    cells |= {column: row.number(column) for column in FIGURES}
    cells |= {"verified": row.yes("verified"), "unverified": row.names("unverified")}
    cells["sparse_types"] = _sparse_types().get(row.text("key"), ())
    return HardwareSpec(**cells)


def _rows() -> Iterator[tuple[str, tuple[str, ...], HardwareSpec]]:
    for row in read_table("hardware.csv"):
        yield row.text("key"), row.names("aliases"), _machine(row)


#: Accelerators by name, for example ``hardware["h100-sxm"]``; also by their aliases.
hardware: Catalogue[HardwareSpec] = Catalogue("hardware", HardwareSpec, _rows)


@coerces("hardware")
def _from_name(value: object) -> HardwareSpec:
    """Return the machine of a name.

    Examples
    --------
    >>> _from_name("h100").memory_bytes
    np.float64(80000000000.0)
    """
    if isinstance(value, str):
        return hardware[value]
    raise SpecError(
        f"hardware={value!r} is a {type(value).__name__}; allowed is a HardwareSpec or a name"
    )
