"""What a served model takes on each device, how much more fits, and how many devices would do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramscale import quantities as q
from paramscale.catalogue.formats import as_format
from paramscale.catalogue.training_memory import level
from paramscale.core.estimator import estimator
from paramscale.core.reasons import Reason
from paramscale.specs.bill import Bill, SequenceBill, total
from paramscale.specs.block import NOTHING, Operation
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.products import scaled
from paramscale.systems.rules import context_rules, reasons_of, whole
from paramscale.systems.sequences import USABLE
from paramscale.systems.storage import storage_of
from paramscale.typing import Floats

__all__ = ["fewest", "largest_batch", "longest_context", "memory", "missing"]

_TERMS = (
    "weights and paged cache in their storage formats (arithmetic); runtime context from"
    " catalogue/data/training_memory.csv; workspace of one chunk of prompts"
)
_ROOM = (
    "the terms of serving_memory_bytes; engines use 0.9 of the memory unless told otherwise"
    " (vLLM: gpu_memory_utilization), the runtime context included"
)

#: Tokens of a page of the cache, and of a chunk of prompts, as vLLM has them by default.
PAGE_TOKENS, CHUNK_TOKENS = 16.0, 8192.0


def _terms(
    weight_bytes: Floats, kv_cache_bytes: Floats, prefill_work: Bill, serving: ServingSpec,
    parallel: ParallelSpec,
) -> dict[str, Floats]:  # fmt: skip
    return {
        "weights": weight_bytes,
        "cache": kv_cache_bytes * _paging(serving),
        "workspace": _workspace(prefill_work, serving, parallel),
        "runtime_context": np.float64(level("runtime_context_bytes").value),
    }


def _paging(serving: ServingSpec) -> Floats:
    """Return by what a cache in pages is larger: the last page of a sequence is part empty."""
    held = serving.prompt_tokens + serving.output_tokens
    return np.ceil(held / PAGE_TOKENS) * PAGE_TOKENS / held


def _workspace(work: Bill, serving: ServingSpec, parallel: ParallelSpec) -> Floats:
    """Return bytes of the largest activations of a full chunk, which engines keep free.

    Twice input and output of the widest operation: the residual stream and its like are alive too.
    """
    element = as_format(serving.activation_format).bits_per_weight / 8.0
    largest: Floats = NOTHING
    one, sequences = (work, serving.batch)
    if isinstance(work, SequenceBill):
        one, sequences = work.one, np.float64(1.0)
    for _, op in one:
        if op.kind == "matmul" and op.part != "head":  # logits of the last positions only
            split = parallel.tensor if op.split in ("column", "experts") else 1.0
            largest = np.maximum(largest, op.moved_in + op.moved_out / split)
    each = largest / (sequences * serving.prompt_tokens)
    return 2.0 * element * each * CHUNK_TOKENS


def _beyond(model: ModelSpec, serving: ServingSpec) -> Iterator[Reason]:
    return reasons_of(context_rules(model, serving))


@estimator(gives=q.SERVING_MEMORY_BYTES, source=_TERMS, parts=_terms, refusals=_beyond)
def memory(
    weight_bytes: Floats, kv_cache_bytes: Floats, prefill_work: Bill, model: ModelSpec,
    serving: ServingSpec, parallel: ParallelSpec,
) -> Floats:  # fmt: skip
    """Bytes on one device: weights, paged cache of all sequences, workspace, runtime context.

    A context beyond the model's is refused, and NaN in a grid.
    """
    terms = _terms(weight_bytes, kv_cache_bytes, prefill_work, serving, parallel)
    cache = terms.pop("cache")  # last, as it alone has all dimensions of a grid
    return scaled(sum(terms.values(), NOTHING) + cache, whole(context_rules(model, serving)))


@estimator(gives=q.MISSING_MEMORY_BYTES, source=_ROOM)
def missing(serving_memory_bytes: Floats, hardware: HardwareSpec) -> Floats:
    """Bytes that one device lacks; a model that does not fit is an answer, not an error."""
    return np.maximum(serving_memory_bytes - USABLE * hardware.memory_bytes, 0.0)


def _room(
    serving_memory_bytes: Floats, kv_cache_bytes: Floats, hardware: HardwareSpec,
    serving: ServingSpec,
) -> Floats:  # fmt: skip
    """Return the bytes that one device has for caches."""
    other = serving_memory_bytes - kv_cache_bytes * _paging(serving)
    return np.maximum(USABLE * hardware.memory_bytes - other, 0.0)


@estimator(gives=q.LARGEST_BATCH_COUNT, source=_ROOM)
def largest_batch(
    serving_memory_bytes: Floats, kv_cache_bytes: Floats, hardware: HardwareSpec,
    serving: ServingSpec,
) -> Floats:  # fmt: skip
    """Most sequences, each of prompt and output tokens, whose caches all devices hold together."""
    room = _room(serving_memory_bytes, kv_cache_bytes, hardware, serving)
    each = kv_cache_bytes * _paging(serving) / serving.batch
    return np.floor(room / np.maximum(each, 1.0))


def _grows(op: Operation, context: Floats) -> Floats:
    """Return 1 where the state of an operation holds the whole context: it grows with it."""
    held = op.state / np.maximum(op.state_written, 1.0)
    return np.where(held >= 0.999 * (context - 1.0), 1.0, 0.0)[()]


@estimator(gives=q.LONGEST_CONTEXT_TOKENS, source=_ROOM)
def longest_context(
    decode_work: Bill, serving_memory_bytes: Floats, kv_cache_bytes: Floats, model: ModelSpec,
    hardware: HardwareSpec, serving: ServingSpec, parallel: ParallelSpec,
) -> Floats:  # fmt: skip
    """Longest context, prompt and output, of every sequence of the batch that fits.

    Full attention adds a token's entry for each further token; windows that are full at the stated
    length, and recurrent states, do not grow. Never longer than the model's own limit.
    """
    room = _room(serving_memory_bytes, kv_cache_bytes, hardware, serving)
    step = serving.decode()
    growing = total(
        decode_work, lambda op: _entry_bytes(op, step.context, serving, parallel)
    )  # bytes a device for one more token of every sequence
    held = serving.prompt_tokens + serving.output_tokens
    fixed = np.maximum(kv_cache_bytes - growing * held, 0.0)
    pages = np.maximum(room - fixed, 0.0) / (np.maximum(growing, 1e-9) * PAGE_TOKENS)
    longest = np.floor(pages) * PAGE_TOKENS
    limit = np.inf if model.max_context is None else model.max_context
    return np.where(growing > 0.0, np.minimum(longest, limit), limit)[()]


def _entry_bytes(
    op: Operation, context: Floats, serving: ServingSpec, parallel: ParallelSpec
) -> Floats:
    if op.state is NOTHING:
        return NOTHING
    each = storage_of(serving).state[op.state_format]
    ranks = np.minimum(parallel.tensor, op.state_ranks) * parallel.pipeline * parallel.data
    return op.state_written * _grows(op, context) * each / ranks


@estimator(gives=q.FEWEST_DEVICES, source=_ROOM)
def fewest(
    weight_bytes: Floats, kv_cache_bytes: Floats, serving_memory_bytes: Floats,
    hardware: HardwareSpec, serving: ServingSpec, parallel: ParallelSpec,
) -> Floats:  # fmt: skip
    """Least devices that hold weights and cache if every tensor is shared evenly.

    A layout in whole heads and layers may need more; workspace and context count on each device.
    """
    cache = kv_cache_bytes * _paging(serving)
    shared = weight_bytes * parallel.tensor * parallel.pipeline
    shared = shared + cache * parallel.tensor * parallel.pipeline * parallel.data
    own = serving_memory_bytes - weight_bytes - cache
    room = USABLE * hardware.memory_bytes - own
    return np.where(room > 0.0, np.ceil(shared / np.maximum(room, 1.0)), np.nan)[()]
