"""One accelerator: its dense peaks by number format, its memory, its links and its power."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol

import attrs
import numpy as np

from paramscale.core.spec import spec_type
from paramscale.errors import UnknownNameError
from paramscale.specs.fields import choice, number
from paramscale.typing import Floats

__all__ = ["COMPUTE_TYPES", "FIGURES", "TYPE_BITS", "HardwareSpec", "HasComputeType"]

#: Type that a format is multiplied in, to the field that holds its dense peak.
_PEAKS = {
    "fp32": "fp32_flops_per_s",
    "tf32": "tf32_flops_per_s",
    "bf16": "bf16_flops_per_s",
    "fp16": "fp16_flops_per_s",
    "fp8": "fp8_flops_per_s",
    "int8": "int8_ops_per_s",
    "fp4": "fp4_flops_per_s",
}

#: Bits of an element of each type.
TYPE_BITS = {"fp32": 32, "tf32": 19, "bf16": 16, "fp16": 16, "fp8": 8, "int8": 8, "fp4": 4}

#: The types in which a machine may multiply.
COMPUTE_TYPES = tuple(_PEAKS)

# Where a machine has no units of a type, the next one that it has is used. bf16 and fp16 stand in
# for each other: engines run 16-bit checkpoints in whichever of the two the machine has.
_WIDER = {
    "fp4": ("fp4", "fp8", "bf16", "fp16", "tf32", "fp32"),
    "fp8": ("fp8", "bf16", "fp16", "tf32", "fp32"),
    "int8": ("int8", "bf16", "fp16", "tf32", "fp32"),
    "bf16": ("bf16", "fp16", "tf32", "fp32"),
    "fp16": ("fp16", "bf16", "tf32", "fp32"),
    "tf32": ("tf32", "fp32"),
    "fp32": ("fp32",),
}

_MEMORY_TYPES = ("", "HBM", "GDDR", "LPDDR", "DDR")


class HasComputeType(Protocol):
    """Anything that names the type it is multiplied in, such as a number format."""

    @property
    def compute_type(self) -> str: ...


@spec_type("hardware")
@attrs.frozen(eq=False, kw_only=True)
class HardwareSpec:
    """One device. A figure that no source gives is NaN; nothing is filled in silently.

    Numbers broadcast: a field may hold an array, which makes the spec a grid of machines.

    The named trap: vendors like to print peaks *with 2:4 sparsity*, which are twice the dense
    ones, and GeForce peaks *with fp16 accumulation*, which are twice those with fp32
    accumulation. All peaks here are dense and accumulate in fp32 (int8: in int32).

    Parameters
    ----------
    name, vendor, kind, release_date : str
        What it is: ``"NVIDIA H100 80GB SXM"``, ``"NVIDIA"``, ``"GPU"``, ``"2022-09-20"``.
    fp32_flops_per_s, tf32_flops_per_s, bf16_flops_per_s, fp16_flops_per_s : float or array
        Dense peak [FLOP/s] of multiplying in that format; a multiply-add counts two.
    fp8_flops_per_s, fp4_flops_per_s : float or array
        The same for 8-bit and 4-bit floats.
    int8_ops_per_s : float or array
        Dense peak [operations/s] of multiplying 8-bit integers.
    memory_bytes : float or array
        Device memory [bytes] as the data sheet states it; a runtime sees a little less.
    memory_bandwidth_bytes_per_s : float or array
        Data-sheet bandwidth of that memory [bytes/s].
    interconnect_bytes_per_s : float or array
        What one device can send to its peers [bytes/s], in one direction, all links together.
        Vendors often print both directions together, which is twice this.
    power_limit_w : float or array
        Power limit that the board or package was made for [W].
    power_cap_w : float or array, optional
        Lower limit that its operator has set [W]; None: none.
    release_price_usd : float or array
        Price when released [USD of that year].
    memory_type : str
        Class of memory: ``"HBM"``, ``"GDDR"``, ``"LPDDR"`` (unified), ``"DDR"``, or ``""``.
    sparse_types : tuple of str
        Compute types in which it passes over the zeros of 2:4 patterns, at twice the dense peak.
    source, note : str
        Where the figures can be found again; what was decided where sources disagree.
    verified : bool
        Whether every figure given was read in its source (rather than derived, see `note`).
    unverified : tuple of str
        Fields whose figure is known from memory only; they are left NaN.

    Examples
    --------
    >>> mine = HardwareSpec(name="mine", bf16_flops_per_s=4e14, memory_bytes=96e9)
    >>> mine.peak_flops_per_s("bf16")
    np.float64(400000000000000.0)
    >>> mine.compute_type("fp8"), mine.peak_flops_per_s("fp8") == 4e14  # it has no fp8 units
    ('bf16', np.True_)
    """

    name: str = "custom"
    vendor: str = ""
    kind: str = "GPU"
    release_date: str = ""
    fp32_flops_per_s: Floats = number(np.nan, missing=True, doc="dense peak in fp32 [FLOP/s]")
    tf32_flops_per_s: Floats = number(np.nan, missing=True, doc="dense peak in TF32 [FLOP/s]")
    bf16_flops_per_s: Floats = number(np.nan, missing=True, doc="dense peak in bf16 [FLOP/s]")
    fp16_flops_per_s: Floats = number(
        np.nan, missing=True, doc="dense peak in fp16, accumulated in fp32 [FLOP/s]"
    )
    fp8_flops_per_s: Floats = number(np.nan, missing=True, doc="dense peak in fp8 [FLOP/s]")
    int8_ops_per_s: Floats = number(np.nan, missing=True, doc="dense peak in int8 [operations/s]")
    fp4_flops_per_s: Floats = number(np.nan, missing=True, doc="dense peak in fp4 [FLOP/s]")
    memory_bytes: Floats = number(np.nan, missing=True, doc="device memory [bytes]")
    memory_bandwidth_bytes_per_s: Floats = number(
        np.nan, missing=True, doc="bandwidth of the device memory [bytes/s]"
    )
    interconnect_bytes_per_s: Floats = number(
        np.nan, missing=True, doc="sent to peers, one direction [bytes/s]"
    )
    power_limit_w: Floats = number(np.nan, missing=True, doc="power limit [W]")
    power_cap_w: Floats | None = number(None, optional=True, doc="lower limit that was set [W]")
    release_price_usd: Floats = number(np.nan, missing=True, doc="price at release [USD]")
    memory_type: str = choice("", _MEMORY_TYPES, doc="class of memory, empty where not known")
    sparse_types: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    source: str = ""
    verified: bool = False
    unverified: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    note: str = ""

    def peak_flops_per_s(self, format: str | HasComputeType) -> Floats:
        """Return the dense peak [FLOP/s] for multiplying in a format.

        Parameters
        ----------
        format : str or format
            A compute type (``"bf16"``) or a number format that names its own.

        Returns
        -------
        float or array
            The peak of the type that :meth:`compute_type` names; NaN where the machine has
            neither that type nor a wider one on record.

        Examples
        --------
        >>> t4 = HardwareSpec(fp32_flops_per_s=8.141e12, fp16_flops_per_s=65e12)
        >>> t4.peak_flops_per_s("bf16")
        np.float64(65000000000000.0)
        """
        return _peak(self, _type_of(format))

    def compute_type(self, format: str | HasComputeType) -> str:
        """Return the type in which this machine multiplies a format.

        It is the format's own type, or the nearest wider one that the machine has units for.
        bf16 and fp16 replace each other. Over a grid of machines that differ in this, the types
        are joined: ``"fp8/bf16"``. The empty text means that no peak is on record.

        Examples
        --------
        >>> HardwareSpec(tf32_flops_per_s=1e14).compute_type("bf16")
        'tf32'
        """
        return _used(self, _type_of(format))

    def support(self, format: str | HasComputeType) -> str:
        """Return how this machine treats a format: in units of its own, or otherwise.

        Returns
        -------
        str
            ``"native"``: multiplied in the format's own type. ``"emulated"``: multiplied at the
            rate of another type, since there are no units for it. ``"stored only"``: the format
            holds weights, which every machine unpacks to a wider type first.
            ``"unknown"``: no peak is on record.

        Examples
        --------
        >>> a100 = HardwareSpec(bf16_flops_per_s=312e12, int8_ops_per_s=624e12)
        >>> [a100.support(each) for each in ("bf16", "int8", "fp8")]
        ['native', 'native', 'emulated']
        """
        wanted = format if isinstance(format, str) else format.compute_type
        used = self.compute_type(wanted)
        bits = getattr(format, "bits_per_weight", TYPE_BITS[wanted])
        if not used:
            return "unknown"
        if np.any(bits < 0.9 * TYPE_BITS[wanted]):
            return "stored only"
        alike = used == wanted or {used, wanted} == {"bf16", "fp16"}
        return "native" if alike else "emulated"

    def left_of(self, pattern: str, format: str | HasComputeType) -> float:
        """Return the share of the FLOPs that is left where weights have a pattern of zeros.

        Examples
        --------
        >>> card = HardwareSpec(bf16_flops_per_s=1e15, sparse_types=["bf16"])
        >>> card.left_of("2:4", "bf16"), card.left_of("unstructured", "bf16")
        (0.5, 1.0)
        """
        passes = pattern == "2:4" and self.compute_type(format) in self.sparse_types
        return 0.5 if passes else 1.0

    def __repr__(self) -> str:
        given = [name for name in FIGURES if not np.all(np.isnan(getattr(self, name)))]
        figures = ", ".join(f"{name}={_short(getattr(self, name))}" for name in given)
        return f"HardwareSpec({', '.join(part for part in (repr(self.name), figures) if part)})"


#: The fields of a machine that hold numbers.
FIGURES = tuple(
    field.name for field in attrs.fields(HardwareSpec) if isinstance(field.default, float)
)


def _type_of(format: str | HasComputeType) -> str:
    name = format if isinstance(format, str) else format.compute_type
    if name not in _WIDER:
        raise UnknownNameError("compute type", name, COMPUTE_TYPES)
    return name


def _chain(hardware: HardwareSpec, wanted: str) -> list[tuple[str, Floats]]:
    """Return the types that may serve another, best first, with their peaks."""
    return [(each, getattr(hardware, _PEAKS[each])) for each in _WIDER[wanted]]


@lru_cache(maxsize=128)  # specs do not change, and are told apart by identity
def _peak(hardware: HardwareSpec, wanted: str) -> Floats:
    peak: Floats = np.float64(np.nan)
    for _, held in _chain(hardware, wanted):
        if np.ndim(peak) == 0 and np.ndim(held) == 0:
            peak = held if np.isnan(peak) else peak
        else:
            peak = np.where(np.isnan(peak), held, peak)
        if not np.any(np.isnan(peak)):
            break
    return peak


@lru_cache(maxsize=128)
def _used(hardware: HardwareSpec, wanted: str) -> str:
    used: list[str] = []
    unserved: Any = np.True_
    for name, held in _chain(hardware, wanted):
        has = ~np.isnan(held)
        if np.any(has & unserved):
            used.append(name)
        unserved = unserved & ~has
    return "/".join(used)


def _short(value: Floats) -> str:
    return f"{float(value):.4g}" if np.ndim(value) == 0 else f"array{np.shape(value)}"
