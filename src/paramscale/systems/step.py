"""Seconds of a decode step and of a prompt, from what a device has to do and what it reaches.

Each kind of work takes its time at the data-sheet figure over the fraction of it that is reached.
Reading weights and multiplying overlap nearly perfectly, reading caches follows them, and the
host's launches overlap with both only a little:

    device = ((W / bw)^p + (C / F)^p)^(1/p) + K / bw + kernels,
    step = ((device + messages)^q + host^q)^(1/q) + sequences x s.

A cap on the power of a board slows arithmetic, not its memory: F is that of the clocks it leaves.
The smooth maximum goes from the larger of the two (p large) to their sum (p = 1), which is what
static batches and single streams show.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from paramscale.specs.block import NOTHING
from paramscale.systems.coefficients import Coefficients
from paramscale.systems.load import Load
from paramscale.systems.machine import Machine
from paramscale.systems.products import scaled
from paramscale.typing import Floats

__all__ = [
    "StepParts",
    "device_seconds",
    "prompt_seconds",
    "read_seconds",
    "shares_by_cause",
    "step_parts",
    "step_seconds",
]


_ONE = np.float64(1.0)


def smooth_maximum(a: Floats, b: Floats, exponent: Floats) -> Floats:
    """Return (a^p + b^p)^(1/p): the larger of two times for large p, their sum for p = 1."""
    joined: Floats = (a**exponent + b**exponent) ** (1.0 / exponent)
    return joined


class StepParts(NamedTuple):
    """Seconds of a step by cause; they overlap, so that their sum is more than the step."""

    weights: Floats
    arithmetic: Floats
    state: Floats
    kernels: Floats
    messages: Floats
    host: Floats
    sequences: Floats


def read_seconds(load: Load, machine: Machine, c: Coefficients) -> Floats:
    """Return the seconds in which all weights are read and unpacked."""
    lanes = c.unpack if machine.quantized else c.convert
    reached = c.expert * c.expert8 if machine.expert_width == "8" else c.expert
    read = load.dense_bytes / c.dense + load.expert_bytes / reached
    return read / machine.bandwidth + load.weights * lanes / machine.lanes


def _multiplied(width: str, machine: Machine, c: Coefficients) -> Floats:
    share = c.multiply8 if width == "8" else c.multiply4 if width == "4" else c.multiply16
    return share * machine.clocks


def message_seconds(
    load: Load, machine: Machine, c: Coefficients, ranks: Floats, share: Floats = _ONE
) -> Floats:
    """Return the seconds of the collectives over tensor-parallel ranks.

    A ring moves 2 (t - 1) / t of the bytes over each link; a tree takes log2 t hops. Where the
    link is not known only the latency counts.
    """
    if isinstance(ranks, float) and ranks == 1.0:
        return NOTHING
    hops = c.latency_s + c.doubling_s * np.log2(ranks)
    moved = 2.0 * (ranks - 1.0) / ranks * load.reduced_bytes / (c.link * machine.link)
    moved = scaled(np.where(np.isnan(machine.link), 0.0, moved)[()], share)
    return np.where(ranks > 1.0, load.messages * hops + moved, 0.0)[()]


def step_parts(
    load: Load,
    machine: Machine,
    c: Coefficients,
    sequences: Floats,
    ranks: Floats,
    share: Floats = _ONE,
) -> StepParts:
    """Return the seconds of a decode step by cause.

    Parameters
    ----------
    load : Load
        What one device does in the step.
    machine, c : Machine, Coefficients
        The device and what it reaches.
    sequences : Floats
        Sequences that one replica works on.
    ranks : Floats
        Devices that exchange messages after each operation.
    share : Floats
        By what the amounts of the load that grow with the sequences are to be multiplied.
    """
    dense, experts = (
        _multiplied(width, machine, c) for width in (machine.dense_width, machine.expert_width)
    )
    arithmetic = (
        load.dense_flops / (dense * machine.dense_peak)
        + load.expert_flops / (experts * c.multiply_expert * machine.expert_peak)
        + load.attention_flops / (c.attention * machine.clocks * machine.peak16)
    )
    host = c.step_s + c.layer_s * load.layers + c.expert_s * load.experts + c.scan_s * load.scans
    if machine.expert_width == "8":
        host = host + c.fp8_expert_s * load.experts
    host = host + np.where(ranks > 1.0, c.message_s * load.messages, 0.0)[()]
    return StepParts(
        read_seconds(load, machine, c),
        scaled(arithmetic, share),
        scaled(load.state_bytes / (c.state * machine.bandwidth), share),
        c.kernel_s * load.layers,
        message_seconds(load, machine, c, ranks, share),
        host * c.host,
        c.sequence_s * c.host * sequences,
    )


#: The parts of a step, as a breakdown calls them.
_CAUSES = ("weights", "arithmetic", "caches", "kernels", "messages", "host", "each sequence")


def shares_by_cause(parts: StepParts, step: Floats, others: Floats) -> dict[str, Floats]:
    """Return the share of each cause in the time of a token; what overlaps is cut in proportion.

    Parameters
    ----------
    step, others : Floats
        Seconds of a step, and by how much prompts of other requests delay it.
    """
    whole: Floats = sum(parts, np.float64(0.0))
    scale = step / ((step + others) * whole)
    found = {cause: each * scale for cause, each in zip(_CAUSES, parts, strict=True)}
    return {**found, "prompts of others": others / (step + others)}


def device_seconds(parts: StepParts, c: Coefficients) -> Floats:
    """Return the seconds of a decode step in which the device works, overlapping what overlaps."""
    device = smooth_maximum(parts.weights, parts.arithmetic, c.overlap) + parts.state
    return device + (parts.kernels + parts.messages)


def step_seconds(parts: StepParts, c: Coefficients, device: Floats) -> Floats:
    """Return the seconds of a decode step: of the device, joined with those of the host."""
    return smooth_maximum(device, parts.host, c.host_overlap) + parts.sequences


def prompt_seconds(load: Load, machine: Machine, c: Coefficients, ranks: Floats) -> Floats:
    """Return the seconds of arithmetic and messages of reading prompts, without fixed costs.

    Machines without matrix units, and engines with kernels of their own, are limited by what lies
    around the multiplications: the rate is a smooth minimum of the peak reached and of a ridge,
    r x bandwidth x (lanes / (10 bandwidth))^a FLOP/s.
    """
    dense = _prompt_rate(machine.dense_peak, machine.dense_width, machine, c)
    experts = _prompt_rate(machine.expert_peak, machine.expert_width, machine, c)
    plain = _prompt_rate(machine.peak16, "16", machine, c)
    seconds = (
        load.dense_flops / dense
        + load.expert_flops / (experts * c.prefill_expert)
        + load.attention_flops / (plain * c.prefill_attention)
    )
    if isinstance(ranks, float) and ranks == 1.0:
        return seconds
    moved = 2.0 * (ranks - 1.0) / ranks * load.reduced_bytes / (c.link * machine.link)
    return seconds + np.where((ranks > 1.0) & ~np.isnan(moved), moved, 0.0)[()]


def _prompt_rate(peak: Floats, width: str, machine: Machine, c: Coefficients) -> Floats:
    share = c.prefill8 if width == "8" else c.prefill4 if width == "4" else c.prefill16
    reached = share * machine.clocks * peak
    if isinstance(c.ridge, float) and c.ridge == 0.0:
        return reached
    used = c.prefill_unpacked if machine.quantized else 1.0
    lanes = (machine.lanes / (10.0 * machine.bandwidth)) ** c.ridge_exponent
    limit = np.where(machine.units > 0.0, c.ridge * used * machine.bandwidth * lanes, 1e3 * peak)[
        ()
    ]
    return 1.0 / smooth_maximum(1.0 / reached, 1.0 / limit, c.prefill_norm)
