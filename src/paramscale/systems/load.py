"""What one device of a layout has to do in a pass: bytes to read, FLOPs, launches and messages.

A bill of work lists what the whole model does. A layout shares it out: tensor parallelism divides
matrices and heads, expert parallelism the routed experts, data parallelism the sequences, pipeline
parallelism the layers. In a pipeline the stages work one after the other on one sequence, and at
the same time on as many sequences as there are stages; so only what grows with the sequences is
divided by them, and weights count as often as they are read.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.products import scaled
from paramscale.systems.totals import Totals
from paramscale.typing import Floats

__all__ = ["Load", "expert_ranks", "load_of", "tokens_together", "working_stages"]

_ONE = np.float64(1.0)


class Load(NamedTuple):
    """Amounts of one pass on one device; all broadcast.

    Attributes
    ----------
    dense_bytes, expert_bytes : Floats
        Weights read: of matrices that every token passes, and of the routed experts that are hit.
    weights : Floats
        Elements of both, for costs an element.
    state_bytes : Floats
        Keys, values and recurrent state read and written.
    dense_flops, expert_flops, attention_flops : Floats
        FLOPs with weights, with routed experts, and of scores and scans.
    layers, experts, scans : Floats
        Layers that mix tokens; those with routed experts; those with a recurrent state.
    messages, reduced_bytes : Floats
        All-reduces and all-to-alls that follow an operation, and bytes that are reduced.
    """

    dense_bytes: Floats
    expert_bytes: Floats
    weights: Floats
    state_bytes: Floats
    dense_flops: Floats
    expert_flops: Floats
    attention_flops: Floats
    layers: Floats
    experts: Floats
    scans: Floats
    messages: Floats
    reduced_bytes: Floats


def load_of(totals: Totals, parallel: ParallelSpec, stages: Floats, element: float) -> Load:
    """Return what one device does of a pass.

    Parameters
    ----------
    totals : Totals
        The pass of the whole model over all sequences.
    parallel : ParallelSpec
        The layout.
    stages : Floats
        How many stages of a pipeline work at the same time.
    element : float
        Bytes of an activation element.
    """
    tensor, replicas = parallel.tensor, parallel.data
    sharing = expert_ranks(parallel)
    work = replicas * stages
    all_ranks = tensor * replicas
    return Load(
        totals.whole_bytes + totals.split_bytes / tensor,
        scaled(totals.expert_bytes, 1.0 / sharing),
        totals.whole_weights + totals.split_weights / tensor + totals.expert_weights / sharing,
        scaled(totals.state_bytes, 1.0 / (replicas * stages * parallel.context)),
        (totals.whole_flops + totals.split_flops / tensor) / work,
        scaled(totals.expert_flops, 1.0 / (all_ranks * stages)),
        scaled(totals.attention_flops, 1.0 / (tensor * work * parallel.context)),
        totals.layers,
        totals.experts,
        totals.scans,
        totals.messages,
        totals.reduced_elements * element / replicas,
    )


def expert_ranks(parallel: ParallelSpec) -> Floats:
    """Return over how many ranks the weights of the routed experts are spread."""
    spread = np.maximum(parallel.tensor, parallel.expert)
    return np.minimum(spread, parallel.tensor * parallel.data)


def working_stages(each: Floats, parallel: ParallelSpec) -> Floats:
    """Return how many stages of a pipeline work at the same time on the sequences of a replica."""
    if isinstance(parallel.pipeline, float) and parallel.pipeline == 1.0:
        return _ONE
    return np.minimum(np.maximum(each, 1.0), parallel.pipeline)


def tokens_together(serving: ServingSpec, parallel: ParallelSpec) -> Floats | None:
    """Return the tokens of a decode step that choose among the same experts; None means all.

    Replicas that hold experts of their own read those that their own tokens choose; drafts are
    tokens like others.
    """
    ranks, drafts = parallel.tensor * parallel.data, serving.draft_tokens
    if np.ndim(ranks) == 0 and ranks == parallel.tensor and np.ndim(drafts) == 0 and drafts == 0.0:
        return None
    return serving.batch * (1.0 + drafts) * expert_ranks(parallel) / ranks
