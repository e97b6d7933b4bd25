"""A machine as the training formulas see it: figures of the data sheet, and speeds it reaches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from paramscale.catalogue.formats import Format
from paramscale.specs.hardware import HardwareSpec
from paramscale.systems.power import clock_share
from paramscale.systems.training_coefficients import TrainingCoefficients, of_machine
from paramscale.systems.training_step import Speeds
from paramscale.typing import Floats

__all__ = ["Figures", "figures_of", "matrix_fraction", "speeds_of"]


class Figures(NamedTuple):
    """What data sheets and micro-benchmarks say of a machine; all broadcast.

    Attributes
    ----------
    peak, peak16 : Floats
        Dense FLOP/s in the format of the layers' matrices, and in 16 bits.
    sustained : Floats
        Best matrix product measured, over that of the machines that are calibrated on, at the
        clocks that a cap of power leaves.
    attention : Floats
        Fraction of the 16-bit peak that attention reaches, at those clocks too.
    plain : Floats
        Bytes/s of the memory that single element-wise kernels reach.
    memory, link, network, node : Floats
        Bytes/s of the memory, to peers in a node, to other nodes for each device; devices of a
        node. Where a data sheet does not give the link it is infinite: collectives then cost
        nothing, and the interval is wider.
    expert_launch_s : Floats
        Exposed time of the host for each layer of routed experts.
    """

    peak: Floats
    peak16: Floats
    sustained: Floats
    attention: Floats
    plain: Floats
    memory: Floats
    link: Floats
    network: Floats
    node: Floats
    expert_launch_s: Floats


def figures_of(hardware: HardwareSpec, format: Format) -> Figures:
    """Return the figures of a machine for matrices in a number format."""
    link, clocks = hardware.interconnect_bytes_per_s, clock_share(hardware)
    memory = hardware.memory_bandwidth_bytes_per_s
    return Figures(
        peak=hardware.peak_flops_per_s(format),
        peak16=hardware.peak_flops_per_s("bf16"),
        sustained=of_machine("sustained", hardware.name) * clocks,
        attention=of_machine("attention", hardware.name) * clocks,
        plain=memory * of_machine("plain_bytes", hardware.name),
        memory=memory,
        link=np.where(np.isnan(link), np.inf, link)[()],
        network=of_machine("network_bytes_per_s", hardware.name),
        node=of_machine("node_devices", hardware.name),
        expert_launch_s=of_machine("expert_launch_s", hardware.name),
    )


def matrix_fraction(used: str, format: Format, c: TrainingCoefficients) -> Floats:
    """Return the fraction of its peak that a machine reaches which multiplies in type `used`.

    Scales of a block, as in mxfp8 and nvfp4, are found by their bits.
    """
    if "fp4" in used:
        return c.matrix4
    if "8" in used:
        return c.matrix_mx8 if format.overhead_bits else c.matrix8
    return c.matrix16


def speeds_of(
    figures: Figures, matrix: Floats, framework: Floats, c: TrainingCoefficients
) -> Speeds:
    """Return what a machine reaches.

    Parameters
    ----------
    matrix : Floats
        Fraction of the peak that matrices reach, see :func:`matrix_fraction`.
    framework : Floats
        Attention of a framework over the usual.
    """
    return Speeds(
        matrix=figures.peak * matrix * figures.sustained,
        matrix16=figures.peak16 * c.matrix16 * figures.sustained,
        attention=figures.peak16 * figures.attention * framework,
        scan=figures.peak16 * c.scan,
        bandwidth=figures.memory * c.bytes,
        plain=figures.plain,
        memory=figures.memory,
        link=figures.link,
        network=figures.network,
        node=figures.node,
        expert_launch_s=figures.expert_launch_s,
    )
