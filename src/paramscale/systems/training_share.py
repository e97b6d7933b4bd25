"""What one device of a training layout holds of a model: operations by place, stages, divisions.

A model is an embedding, layers and a head. Pipeline parallelism gives every stage an equal share of
the layers, the first stage the embedding and the last the head, and a stage keeps activations of as
many micro-batches as are under way in it. The stage with the peak is one of these two.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from paramscale.specs.block import NOTHING, Block, Operation
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.passes import Pass
from paramscale.specs.training import TrainingSpec
from paramscale.systems.training_states import Rows
from paramscale.typing import Floats

__all__ = ["Places", "Stages", "micro_batches", "places_of", "stages_of"]


class Places(NamedTuple):
    """The operations of a model in one pass: of embedding, layers by kind, and head."""

    embedding: Rows
    layers: list[tuple[Floats, list[Operation]]]
    head: Rows


class Stages(NamedTuple):
    """Weights of the three places in the first and in the last stage, for what is held once
    (`embedding`, `layers`, `head`) and for what is kept for every micro-batch (``kept_...``)."""

    embedding: tuple[Floats, Floats]
    layers: tuple[Floats, Floats]
    head: tuple[Floats, Floats]
    kept_embedding: tuple[Floats, Floats]
    kept_layers: tuple[Floats, Floats]
    kept_head: tuple[Floats, Floats]


def places_of(model: ModelSpec, step: Pass, *, shared_norm_input: bool = False) -> Places:
    """Return the operations of a model, every tensor that several of them keep counted once."""
    what = "places, one input of norms" if shared_norm_input else "places"
    return model.kept(what, step, partial(_places, model, shared_norm_input))


def _places(model: ModelSpec, shared_norm_input: bool, step: Pass) -> Places:
    width = model.width
    one: Floats = np.float64(1.0)
    layers = [
        (layer.count, _layer(layer.blocks, width, step, shared_norm_input))
        for layer in model.layers
    ]
    outside: list[Rows] = [
        [(one, op) for item in blocks for op in item.operations(width, step)]
        for blocks in (model.embedding, model.head)
    ]
    return Places(outside[0], layers, outside[1])


def _layer(
    blocks: tuple[Block, ...], width: Floats, step: Pass, shared_norm_input: bool
) -> list[Operation]:
    """Return the operations of a layer; blocks without a norm between them read one input."""
    ops: list[Operation] = []
    normed, norms = True, 0
    for item in blocks:
        for place, op in enumerate(item.operations(width, step)):
            if op.name == "norm":
                normed, norms = True, norms + 1
                if shared_norm_input and norms == 2:
                    op = op._replace(kept=NOTHING)
            elif place == 0 and op.kind == "matmul":
                if not normed:
                    op = op._replace(kept=op.kept - np.minimum(op.kept, op.moved_in))
                normed = False
            ops.append(op)
    return ops


def stages_of(training: TrainingSpec, parallel: ParallelSpec) -> Stages:
    """Return how much of each place the first and the last stage hold.

    Of p stages the first has min(p, m) of m micro-batches under way. In the interleaved schedule of
    v chunks a rank it is p (1 + (p - 1) / (p v)) in the first, and p - (p - 1) / v in the last rank
    (Korthikanti et al. 2022, arXiv:2205.05198, appendix C; Narayanan et al. 2021,
    arXiv:2104.04473, section 2.2).
    """
    p, v = parallel.pipeline, parallel.virtual_stages
    single = np.where(p == 1.0, 1.0, 0.0)[()]
    share = 1.0 / p
    first = np.where(v > 1.0, p + (p - 1.0) / v, p)[()]
    last = np.where(v > 1.0, p - (p - 1.0) / v, 1.0)[()]
    if training.batch_tokens is not None:
        most = micro_batches(training, parallel)
        first, last = np.minimum(first, most), np.minimum(last, most)
    one = np.float64(1.0)
    return Stages(
        embedding=(one, single), layers=(share, share), head=(single, one),
        kept_embedding=(first, single), kept_layers=(first * share, last * share),
        kept_head=(single, one),
    )  # fmt: skip


def micro_batches(training: TrainingSpec, parallel: ParallelSpec) -> Floats:
    """Return the micro-batches of one step on each data rank; unstated, as many as stages."""
    if training.batch_tokens is None:
        return parallel.pipeline
    each = training.micro_batch * training.sequence_length * parallel.data
    return np.maximum(training.batch_tokens / each, 1.0)
