"""The least time that a pass can take on a machine: the roofline.

Bounds come before estimates (Williams et al. 2009, "Roofline", doi:10.1145/1498765.1498785): no
machine multiplies faster than its dense peak or reads faster than its memory. The two may overlap
perfectly, so the bound is the larger of them, and activations may stay on the chip, so only
weights, caches and states are counted as traffic.
"""

from __future__ import annotations

import numpy as np

from paramscale.catalogue.formats import as_format
from paramscale.specs.bill import Bill, total
from paramscale.specs.block import NOTHING, Operation
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.storage import expert_format, storage_of, weight_format
from paramscale.typing import Floats

__all__ = ["roofline"]

_ALL = np.float64(1.0)


def _weights_read(op: Operation) -> Floats:
    return op.weights_read


def _least_read(op: Operation) -> Floats:
    return op.active_weights if op.split == "experts" else op.weights_read


def roofline(
    work: Bill,
    hardware: HardwareSpec,
    serving: ServingSpec,
    parallel: ParallelSpec,
    share: Floats = _ALL,
    *,
    hit: bool = True,
    reads: Floats = _ALL,
) -> Floats:
    """Return the least seconds in which the devices together can do some work.

    t = max(FLOPs / (devices x peak), bytes / (devices x bandwidth)). The peak is that of the
    fastest number format in use. Experts are read as often as uniform,
    independent routing hits them.

    Parameters
    ----------
    share : Floats
        Share of the sequences that run at the same time.
    hit : bool
        Whether all experts that the sequences hit together are read, or those of one token only.
    reads : Floats
        How often the weights are read.
    """
    stored, computed = weight_format(serving), as_format(serving.activation_format)
    experts = expert_format(serving)
    weight = float(min(stored.least_bits, experts.least_bits)) / 8.0
    passing = storage_of(serving, hardware)

    def moved(op: Operation) -> Floats:
        if op.state_read is NOTHING and op.state_written is NOTHING:
            return NOTHING
        return (op.state_read + op.state_written) * passing.state[op.state_format]

    peak = np.fmax(hardware.peak_flops_per_s(stored), hardware.peak_flops_per_s(computed))
    if experts is not stored:
        peak = np.fmax(peak, hardware.peak_flops_per_s(experts))
    compute = total(work, passing.computed) * share / peak
    elements = _weights_read if hit else _least_read
    read = reads * total(work, lambda op: elements(op) * passing.kept(op)) * weight
    read = read + total(work, moved) * share
    memory = read / hardware.memory_bandwidth_bytes_per_s
    assert parallel.devices is not None  # filled in by the spec
    return np.maximum(compute, memory) / parallel.devices
