"""The least time that a prefill and a decode step can take: the roofline.

Bounds come before estimates (Williams et al. 2009, "Roofline", doi:10.1145/1498765.1498785): no
machine multiplies faster than its dense peak or reads faster than its memory. The two may overlap
perfectly, so the bound is the larger of them, and activations may stay on the chip, so only
weights, caches and states are counted as traffic.
"""

from __future__ import annotations

import numpy as np

from paramscale import quantities as q
from paramscale.catalogue.formats import as_format
from paramscale.core.estimator import estimator
from paramscale.specs.bill import Bill, total
from paramscale.specs.block import Operation
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.typing import Floats

__all__ = ["decode_roofline", "prefill_roofline", "roofline"]

_ROOFLINE = "Williams, Waterman & Patterson 2009 (roofline), doi:10.1145/1498765.1498785"


def _flops(op: Operation) -> Floats:
    return op.flops


def roofline(
    work: Bill, hardware: HardwareSpec, serving: ServingSpec, parallel: ParallelSpec
) -> Floats:
    """Return the least seconds in which the devices together can do some work.

    t = max(FLOPs / (devices x peak), bytes / (devices x bandwidth)). The peak is that of the
    fastest number format in use. Experts are read as often as uniform, independent routing hits
    them.
    """
    stored, computed = as_format(serving.weight_format), as_format(serving.activation_format)
    weight = stored.bits_per_weight / 8.0
    state = {
        "kv": as_format(serving.kv_format).bits_per_weight / 8.0,
        "model": computed.bits_per_weight / 8.0,
        "fp32": 4.0,
    }

    def moved(op: Operation) -> Floats:
        states = (op.state_read + op.state_written) * state[op.state_format]
        return op.weights_read * weight + states

    peak = np.fmax(hardware.peak_flops_per_s(stored), hardware.peak_flops_per_s(computed))
    compute = total(work, _flops) / peak
    memory = total(work, moved) / hardware.memory_bandwidth_bytes_per_s
    assert parallel.devices is not None  # filled in by the spec
    return np.maximum(compute, memory) / parallel.devices


@estimator(gives=q.TTFT_S, source=_ROOFLINE, kind="bound")
def prefill_roofline(
    prefill_work: Bill, hardware: HardwareSpec, serving: ServingSpec, parallel: ParallelSpec
) -> Floats:
    """Least time in which all prompts can be read; no machine is faster, real ones are slower."""
    return roofline(prefill_work, hardware, serving, parallel)


@estimator(gives=q.TPOT_S, source=_ROOFLINE, kind="bound")
def decode_roofline(
    decode_work: Bill, hardware: HardwareSpec, serving: ServingSpec, parallel: ParallelSpec
) -> Floats:
    """Least time of one decode step at the mean context; real machines are slower."""
    return roofline(decode_work, hardware, serving, parallel)
