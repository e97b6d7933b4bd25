"""``hardware``: the accelerators of ``data/hardware.csv`` by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paramscale.catalogue.tables import Catalogue, Row, read_table
from paramscale.core.spec import coerces
from paramscale.errors import SpecError
from paramscale.specs.hardware import FIGURES, HardwareSpec

__all__ = ["hardware"]

_TEXTS = ("name", "vendor", "kind", "release_date", "memory_type", "source", "note")


def _machine(row: Row) -> HardwareSpec:
    cells: dict[str, Any] = {column: row.text(column) for column in _TEXTS}
    cells |= {column: row.number(column) for column in FIGURES}
    cells |= {"verified": row.yes("verified"), "unverified": row.names("unverified")}
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
