"""A machine as the serving formulas see it: peaks, bandwidths, and the class that is calibrated."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from paramscale.catalogue.formats import Format, as_format
from paramscale.catalogue.mixtures import AnyFormat, plain_format
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.power import clock_share
from paramscale.systems.storage import expert_format, weight_format
from paramscale.typing import Floats

__all__ = ["Machine", "computed_in", "machine_of"]

#: Types in which matrices may be multiplied, each with the coefficients that it uses.
_WIDTH = {"fp4": "4", "fp8": "8", "int8": "8"}


#: Rows of a tile that matrix units multiply at once: m64 of a warp group (PTX ISA, wgmma); kernels
#: of routed experts fill it up with zeros (vLLM, fused_moe.py: BLOCK_SIZE_M without tuned file).
_TILE = 64.0


class Machine(NamedTuple):
    """Figures of one device for one way to store a model.

    Attributes
    ----------
    bandwidth, link : Floats
        Bytes a second of its memory, and to its peers (NaN where not known).
    dense_peak, expert_peak, peak16, lanes : Floats
        FLOP/s in the format of the matrices, of the routed experts, in 16 bits, and in fp32.
    memory : Floats
        Bytes of its memory.
    dense_width, expert_width : str
        ``"16"``, ``"8"`` or ``"4"``: which coefficients the formats use.
    quantized : bool
        Whether weights are unpacked before they are multiplied.
    units : bool
        1 where it has matrix units, which multiply 16 bits much faster than its lanes do.
    fastest, least : Floats, float
        FLOP/s and bytes a weight that nothing can beat, whatever the formats.
    clocks : Floats
        Share of its clocks that a cap of its power leaves for arithmetic.
    tile : Floats
        Seconds of multiplying a tile of rows with a routed expert, over those of reading it.
    """

    bandwidth: Floats
    link: Floats
    dense_peak: Floats
    expert_peak: Floats
    peak16: Floats
    lanes: Floats
    memory: Floats
    dense_width: str
    expert_width: str
    quantized: bool
    units: Floats
    fastest: Floats
    least: float
    clocks: Floats
    tile: Floats


def computed_in(stored: AnyFormat, hardware: HardwareSpec) -> str:
    """Return the width of the units in which a machine multiplies a format."""
    return _WIDTH.get(hardware.compute_type(stored.compute_type).partition("/")[0], "16")


def machine_of(
    hardware: HardwareSpec, serving: ServingSpec, *, accumulates16: bool = False
) -> Machine:
    """Return the figures of a machine for a served model; see :func:`_machine`."""
    return _machine(
        hardware, weight_format(serving), expert_format(serving),
        as_format(serving.activation_format), accumulates16,
    )  # fmt: skip


@lru_cache(maxsize=256)  # specs do not change, and are told apart by identity
def _machine(
    hardware: HardwareSpec, stored: AnyFormat, experts: AnyFormat, computed: Format,
    accumulates16: bool,
) -> Machine:  # fmt: skip
    """Return the figures of a machine for a served model.

    Parameters
    ----------
    accumulates16 : bool
        Whether products are summed in 16 bits, as llama.cpp does: then GeForce cards run at the
        rate of their professional sisters, four times that of the fp32 lanes.
    """
    peak16 = hardware.peak_flops_per_s("fp16")
    lanes = np.where(np.isnan(hardware.fp32_flops_per_s), peak16, hardware.fp32_flops_per_s)[()]
    dense, expert = hardware.peak_flops_per_s(stored), hardware.peak_flops_per_s(experts)
    fastest = np.fmax(np.fmax(dense, hardware.peak_flops_per_s(computed)), expert)
    if accumulates16 and hardware.vendor == "NVIDIA" and hardware.memory_type == "GDDR":
        peak16, dense, expert = (np.maximum(peak, 4.0 * lanes) for peak in (peak16, dense, expert))
    return Machine(
        hardware.memory_bandwidth_bytes_per_s,
        hardware.interconnect_bytes_per_s,
        dense,
        expert,
        peak16,
        lanes,
        hardware.memory_bytes,
        computed_in(stored, hardware),
        computed_in(experts, hardware),
        stored.compute_type in ("bf16", "fp16") and plain_format(stored).bits_per_weight < 16.0,
        np.where(peak16 > 1.5 * lanes, 1.0, 0.0)[()],
        fastest,
        float(min(stored.least_bits, experts.least_bits)) / 8.0,
        clock_share(hardware),
        _tile(experts, hardware.memory_bandwidth_bytes_per_s, expert),
    )


def _tile(experts: AnyFormat, bandwidth: Floats, peak: Floats) -> Floats:
    """Return the time of multiplying a tile of rows over that of reading, at the data sheet."""
    each = plain_format(experts).bits_per_weight / 8.0
    return 2.0 * _TILE * bandwidth / (each * peak)
