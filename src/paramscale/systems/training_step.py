"""How long one optimizer step takes, from the load of a sequence, the layout and the speeds.

One stage of the pipeline does the forward and backward pass of one micro-batch in

t = [(t_matrix + t_attention + t_bytes + t_launch + t_tensor + t_expert)^q + t_gather^q]^(1/q)

where the gathering of sharded weights (FSDP) hides behind the rest as a q-norm does. With m
micro-batches, p stages and v chunks a stage the step takes

T = (m + (p - 1) / v) t + t_reduce + t_optimizer

the bubble being (p - 1) / (v m) (Narayanan et al. 2021, arXiv:2104.04473, sections 2.2 and 3.2).
Collectives over d ranks move 2 (d - 1) / d of the bytes for an all-reduce and half of it for
gathering or scattering (Thakur et al. 2005, doi:10.1177/1094342005051521). Times add up where an
overlap is not measured to pay.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from paramscale.specs.block import NOTHING
from paramscale.systems.training_coefficients import TrainingCoefficients
from paramscale.systems.training_load import TrainingLoad
from paramscale.typing import Floats

__all__ = ["Layout", "Speeds", "StepParts", "step_parts"]

#: Bytes of an activation, and of a weight as it is gathered: 16 bits, also in fp8 training.
_ELEMENT = 2.0
#: Bytes an optimizer step moves for each weight: gradient, weight, two moments and master weights
#: in fp32, read and written (Rajbhandari et al. 2020, arXiv:1910.02054, section 3.1).
_OPTIMIZER = 28.0


class Layout(NamedTuple):
    """Degrees of parallelism, and what each data rank does in a step; all broadcast.

    Attributes
    ----------
    tensor, pipeline, virtual, data, context, expert : Floats
        Degrees; `virtual` chunks of layers a stage.
    zero_stage : Floats
        What data ranks share; from 2 on weights or gradients move with each micro-batch.
    micro_batch, micro_batches : Floats
        Sequences of a micro-batch, and micro-batches of a step.
    matrices_again, attention_again, elements_again : Floats
        Share of the layers' forward pass that is computed again in the backward pass.
    backward : Floats
        Backward passes of the matrices, in forwards: 2, or 1 where they are frozen.
    apart : Floats
        Share of element-wise steps that run as kernels apart: 0 where they are fused.
    hidden : Floats or None
        Share of the experts' exchange that the schedule hides; None: as was measured.
    """

    tensor: Floats
    pipeline: Floats
    virtual: Floats
    data: Floats
    context: Floats
    expert: Floats
    zero_stage: Floats
    micro_batch: Floats
    micro_batches: Floats
    matrices_again: Floats
    attention_again: Floats
    elements_again: Floats
    backward: Floats
    apart: Floats
    hidden: Floats | None = None


class Speeds(NamedTuple):
    """What a machine reaches; all broadcast.

    Attributes
    ----------
    matrix, matrix16, attention, scan : Floats
        FLOP/s reached by matrices in their format and in 16 bits, by attention, by recurrences.
    bandwidth : Floats
        Bytes/s reached by element-wise work.
    plain : Floats
        Bytes/s of the memory that single element-wise kernels reach.
    memory, link, network : Floats
        Data-sheet bytes/s of the memory, to peers of a node, and across nodes for each device.
    node : Floats
        Devices that the fast links connect.
    expert_launch_s : Floats
        Exposed time of the host for each layer of routed experts.
    """

    matrix: Floats
    matrix16: Floats
    attention: Floats
    scan: Floats
    bandwidth: Floats
    plain: Floats
    memory: Floats
    link: Floats
    network: Floats
    node: Floats
    expert_launch_s: Floats


class StepParts(NamedTuple):
    """Seconds of a step by cause, before the factor of the framework; their sum is the step."""

    matrices: Floats
    attention: Floats
    elementwise: Floats
    launch: Floats
    tensor_parallel: Floats
    expert_parallel: Floats
    weight_gathering: Floats
    pipeline_bubble: Floats
    gradient_reduction: Floats
    optimizer: Floats

    @property
    def total(self) -> Floats:
        """Seconds of the step."""
        total: Floats = np.float64(0.0)
        for seconds in self:
            total = total + seconds
        return total


def step_parts(
    load: TrainingLoad, layout: Layout, speeds: Speeds, c: TrainingCoefficients
) -> StepParts:
    """Return the seconds of one optimizer step by cause.

    Parameters
    ----------
    load : TrainingLoad
        Forward pass of one sequence.
    layout : Layout
        Degrees and micro-batches.
    speeds : Speeds
        What the machine reaches.
    c : TrainingCoefficients
        Exposed shares, latencies and launch times.
    """
    share = layout.micro_batch / (layout.tensor * layout.context * layout.pipeline)
    passes = 1.0 + layout.backward + layout.matrices_again
    matrices = share * (
        passes * (load.dense_flops + load.expert_flops / c.expert) / speeds.matrix
        + (1.0 + layout.backward) * load.head_flops / speeds.matrix16
    )
    attention = share * (3.0 + layout.attention_again) * load.attention_flops / speeds.attention
    attention = attention + share * 3.0 * load.scan_flops / speeds.scan
    elements = (3.0 + layout.elements_again) * load.elements + 6.0 * load.logits
    elementwise = share * _ELEMENT * elements / speeds.bandwidth
    apart = layout.apart * (3.0 + layout.elements_again) * load.apart_bytes
    elementwise = elementwise + share * apart / speeds.plain
    launch = (3.0 + layout.elements_again) / layout.pipeline
    launch = launch * (load.kernels * c.launch_s + load.exchanges * speeds.expert_launch_s / 3.0)
    reduced = _tensor(load, layout, speeds, c)
    exchanged = _expert(load, layout, speeds, c, matrices + attention + elementwise)
    busy = matrices + attention + elementwise + launch + reduced + exchanged
    gathered, once = _data(load, layout, speeds, c)
    hidden = (busy**c.overlap + gathered**c.overlap) ** (1.0 / c.overlap) - busy
    m = layout.micro_batches
    bubble = (layout.pipeline - 1.0) / layout.virtual * (busy + hidden)
    return StepParts(
        m * matrices, m * attention, m * elementwise, m * launch, m * reduced, m * exchanged,
        m * hidden, bubble, once, _optimizer(load, layout, speeds),
    )  # fmt: skip


def _single(ranks: Floats) -> bool:
    """Return whether there is one rank at every point, so that nothing is exchanged."""
    return isinstance(ranks, float) and ranks == 1.0


def _tensor(load: TrainingLoad, layout: Layout, speeds: Speeds, c: TrainingCoefficients) -> Floats:
    """Return the exposed seconds in which tensor ranks sum outputs, forward and backward."""
    t = layout.tensor
    if _single(t):
        return NOTHING
    wire = np.where(t <= speeds.node, speeds.link, speeds.network)
    elements = load.reduced * layout.micro_batch / (layout.context * layout.pipeline)
    volume = (2.0 + layout.matrices_again) * elements * _ELEMENT * 2.0 * (t - 1.0) / t
    return c.tensor_exposed * volume / wire


def _expert(
    load: TrainingLoad, layout: Layout, speeds: Speeds, c: TrainingCoefficients, hides: Floats
) -> Floats:
    """Return the exposed seconds in which tokens travel to their experts and back, both passes.

    Inside a node a token is sent once for each of its k experts. Between n nodes it is sent once
    to each node that it visits, n (1 - (1 - 1/n)^k) of them where experts are chosen alike, and
    copied there (DeepSeek-AI 2024, arXiv:2412.19437, section 3.2.2). Where a schedule is said to
    hide a share of the exchange, the rest is exposed, and what computing is too short to hide.
    """
    e, t = layout.expert, layout.tensor
    if _single(e):
        return NOTHING
    local = np.minimum(e, np.maximum(1.0, speeds.node / t))
    nodes, one = e / local, np.maximum(load.dispatched, 1.0)
    visited = nodes * -np.expm1(
        load.exchanged / one * np.log1p(-np.minimum(1.0 / nodes, 1 - 1e-16))
    )
    share = layout.micro_batch / (layout.context * t * layout.pipeline)
    often = (4.0 + 2.0 * layout.matrices_again) * _ELEMENT * share
    inside = often * load.exchanged * (e - 1.0) / e / speeds.link
    across = often * load.dispatched * visited * (1.0 - 1.0 / nodes)
    across = across / (speeds.network * c.network)
    far = e > local
    if layout.hidden is None:
        return np.where(far, c.network_exposed * across, c.expert_exposed * inside)
    whole = np.where(far, across, inside)
    return np.maximum((1.0 - layout.hidden) * whole, whole - hides)


def _data(
    load: TrainingLoad, layout: Layout, speeds: Speeds, c: TrainingCoefficients
) -> tuple[Floats, Floats]:
    """Return the seconds in which data ranks exchange: for each micro-batch, and once a step.

    From ZeRO stage 2 on gradients are scattered after every micro-batch, at stage 3 weights are
    gathered twice, around a ring whose latency grows with the ranks. Below, gradients (fp32) are
    reduced and weights gathered once a step. A node sends with all its network cards at once.
    """
    d, group = layout.data, layout.tensor * layout.context
    if _single(d):
        return NOTHING, NOTHING
    peers = np.maximum(1.0, speeds.node / group)
    across = np.minimum(speeds.link, speeds.network * peers)
    wire = c.network * np.where(group * d <= speeds.node, speeds.link, across)
    weights = load.dense_weights + load.expert_weights / layout.expert
    held = weights / (group / layout.context * layout.pipeline) * (d - 1.0) / d / wire
    times = np.where(layout.zero_stage >= 3.0, 3.0, 2.0)
    rounds = times * (_ELEMENT * held + 0.5 * d * c.hop_s * load.reductions * (d > 1.0))
    often = layout.zero_stage >= 2.0
    once = c.data_exposed * 3.0 * _ELEMENT * held
    return np.where(often, rounds, 0.0), np.where(often, 0.0, once)


def _optimizer(load: TrainingLoad, layout: Layout, speeds: Speeds) -> Floats:
    """Return the seconds in which the optimizer passes over the weights of a device."""
    weights = load.dense_weights + load.expert_weights / layout.expert
    ranks = layout.tensor * layout.pipeline * np.where(layout.zero_stage >= 1.0, layout.data, 1.0)
    return weights / ranks * _OPTIMIZER / speeds.memory
