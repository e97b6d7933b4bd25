"""How many bytes the weights and the cache of a served model take on each device."""

from __future__ import annotations

from typing import NamedTuple

import attrs
import numpy as np

from paramscale import quantities as q
from paramscale.core.estimator import estimator
from paramscale.specs.bill import Bill, by_part, total
from paramscale.specs.block import NOTHING, Operation
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.products import scaled
from paramscale.systems.storage import Storage, storage_of
from paramscale.typing import Floats

__all__ = ["kv_cache", "mean_bits", "weights"]

_BITS = "elements x bits of the storage format / 8; formats in catalogue/data/formats.csv"


class _Shares(NamedTuple):
    """Bytes an element, and the share of whole, tensor-split and expert-split ones on a device."""

    stored: Storage
    whole: Floats
    tensor: Floats
    expert: Floats


def _weights(serving: ServingSpec, parallel: ParallelSpec) -> _Shares:
    each = 1.0 / parallel.pipeline
    expert = each / np.maximum(parallel.expert, parallel.tensor)
    return _Shares(storage_of(serving), each, each / parallel.tensor, expert)


def _stored(op: Operation, shares: _Shares) -> Floats:
    if op.weights is NOTHING:
        return NOTHING
    bytes_each = op.weights * shares.stored.of(op)
    if op.split == "none":
        return bytes_each * shares.whole
    return bytes_each * (shares.expert if op.split == "experts" else shares.tensor)


def _weight_parts(
    token_work: Bill, serving: ServingSpec, parallel: ParallelSpec
) -> dict[str, Floats]:
    each = _weights(serving, parallel)
    return by_part(token_work, lambda op: _stored(op, each))


@estimator(gives=q.WEIGHT_BYTES, source=_BITS, parts=_weight_parts)
def weights(token_work: Bill, serving: ServingSpec, parallel: ParallelSpec) -> Floats:
    """Bytes of all weights in the serving formats, on one device of the layout.

    The format is that of the matrices; tables, head, router and norms stay in 16 bits where the
    matrices have fewer, as in published checkpoints, but not in GGUF files.

    Tensor parallelism divides what it can, expert parallelism the routed experts, pipeline
    parallelism everything (on average over its stages); replicated tensors count whole.
    """
    each = _weights(serving, parallel)
    return total(token_work, lambda op: _stored(op, each))


@estimator(gives=q.MEAN_WEIGHT_BITS, source=_BITS)
def mean_bits(token_work: Bill, serving: ServingSpec) -> Floats:
    """Bits of all stored weights over their number, for a file of the model as it is served."""
    stored = storage_of(serving)
    held = total(token_work, lambda op: op.weights * stored.of(op))
    return 8.0 * held / total(token_work, lambda op: op.weights)


def _cache_bytes(op: Operation, bytes_each: dict[str, float], parallel: ParallelSpec) -> Floats:
    if op.state is NOTHING:
        return NOTHING
    ranks = np.minimum(parallel.tensor, op.state_ranks) * parallel.pipeline * parallel.data
    return op.state * bytes_each[op.state_format] / ranks


def _cache_parts(
    model: ModelSpec, serving: ServingSpec, parallel: ParallelSpec
) -> dict[str, Floats]:
    each = storage_of(serving).state
    bill = model.holding(serving.filled())
    return by_part(bill, lambda op: _cache_bytes(op, each, parallel))


@estimator(
    gives=q.KV_CACHE_BYTES,
    source="elements held by the reference cache of transformers 5.23.0, layer by layer",
    parts=_cache_parts,
)
def kv_cache(model: ModelSpec, serving: ServingSpec, parallel: ParallelSpec) -> Floats:
    """Bytes of keys, values and state when all prompts and outputs are held, on one device.

    Every layer counts by its kind: full attention holds every token, a window of w holds w - 1,
    latent attention holds the latent and the rotary key, recurrent layers a state that does not
    grow. Keys and values divide over at most as many tensor ranks as there are key-value heads.
    """
    each, filled = storage_of(serving).state, serving.filled()
    if isinstance(filled.sequences, np.ndarray):  # of one sequence, so that one product has all
        one = model.holding(attrs.evolve(filled, sequences=1.0))
        held = total(one, lambda op: _cache_bytes(op, each, parallel))
        return scaled(held, filled.sequences)
    bill = model.holding(filled)
    return total(bill, lambda op: _cache_bytes(op, each, parallel))
