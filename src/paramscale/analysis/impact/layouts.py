"""Layouts that hold a model: in use on the fewest devices, in training on those that there are."""

from __future__ import annotations

from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.estimate import estimate
from paramscale.analysis.impact.question import Group, Question
from paramscale.specs.parallel import ParallelSpec
from paramscale.systems.rules import head_rules, whole
from paramscale.systems.training_coefficients import of_machine

__all__ = ["NOT_HELD", "Held", "training_layout", "use_layout"]

Array = npt.NDArray[np.float64]

#: A layout in use has at most so many devices; training at least may need more.
MOST_DEVICES = 1024.0
#: Why a size is not in use.
NOT_HELD = f"no layout of up to {MOST_DEVICES:,.0f} devices holds it"
_MOST_TRAINING = 2.0**17
#: Share of a device's memory that training may take, as in plan_parallelism.
_SHARE = 0.95


class Held(NamedTuple):
    """The layout of each size, and which sizes have one."""

    parallel: ParallelSpec
    devices: Array
    tensor: Array
    pipeline: Array

    @property
    def held(self) -> npt.NDArray[np.bool_]:
        """Whether the model fits."""
        return ~np.isnan(self.devices)


def _powers(most: float) -> Array:
    """Return the powers of two up to a number."""
    return np.exp2(np.arange(int(np.log2(max(most, 1.0))) + 1, dtype=np.float64))


def _node(question: Question) -> float:
    """Return how many devices a node has: tensor ranks stay inside."""
    return float(min(of_machine("node_devices", question.hardware.name), 16.0))


def use_layout(question: Question, group: Group) -> Held:
    """Return for each size the fewest devices that hold it in use.

    Tensor ranks are powers of two that divide the heads and stay inside a node, pipeline stages
    are what is needed beyond; of equally many devices, the layout with more tensor ranks is taken.
    A layout that was given is taken as it is; a machine of unknown memory is taken to be enough.
    """
    size = group.nominal.size
    if question.hardware is None or question.parallel is not None:
        return _given(question, size)
    tensor, pipeline = np.meshgrid(_powers(_node(question)), _powers(MOST_DEVICES))
    pairs = np.stack([tensor.ravel(), pipeline.ravel()])
    pairs = pairs[:, pairs.prod(axis=0) <= MOST_DEVICES]
    pairs = pairs[:, np.lexsort((-pairs[0], pairs.prod(axis=0)))]
    tried = ParallelSpec(tensor=pairs[0][:, None], pipeline=pairs[1][:, None])
    lacking = estimate(
        model=group.model, hardware=question.hardware, serving=question.serving, parallel=tried,
        quantities=["missing_memory_bytes"],
    )["missing_memory_bytes"].value  # fmt: skip
    good = ~(lacking > 0.0) & ~np.isnan(whole(head_rules(group.model, tried)))
    good = np.broadcast_to(good, (pairs.shape[1], size))
    first, any_good = good.argmax(axis=0), good.any(axis=0)
    tensor, pipeline = np.where(any_good, pairs[:, first], 1.0)
    devices = np.where(any_good, tensor * pipeline, np.nan)
    return Held(_spec(tensor, pipeline), devices, tensor, pipeline)


def _spec(tensor: Array, pipeline: Array) -> ParallelSpec:
    """Return the layout of each size; of one size a layout without an axis."""
    if tensor.size == 1:
        return ParallelSpec(tensor=tensor[0], pipeline=pipeline[0])
    return ParallelSpec(tensor=tensor, pipeline=pipeline)


def _given(question: Question, size: int) -> Held:
    parallel = ParallelSpec() if question.parallel is None else question.parallel
    devices, tensor, pipeline = (
        np.full(size, each) for each in (parallel.devices, parallel.tensor, parallel.pipeline)
    )
    return Held(parallel, devices, tensor, pipeline)


class Run(NamedTuple):
    """Layout of the training run of each size, and the fewest devices that would do."""

    parallel: ParallelSpec
    recomputed: npt.NDArray[np.bool_]
    least_devices: Array
    fits: npt.NDArray[np.bool_]


def training_layout(question: Question, group: Group) -> Run:
    """Return for each size how its training fits: fully sharded data ranks (ZeRO stage 3).

    As few tensor ranks as it takes without recomputation, else with full recomputation. Without a
    machine nothing has to fit.
    """
    size, devices = group.nominal.size, question.training_devices
    if question.hardware is None:
        every = np.ones(size, dtype=np.bool_)
        return Run(_sharded(devices, np.ones(size)), ~every, np.full(size, np.nan), every)
    ranks = np.array([t for t in _powers(_node(question)) if devices % t == 0.0])
    plain = _fits(question, group, np.full(ranks.size, devices), ranks, full=False)
    full = _fits(question, group, np.full(ranks.size, devices), ranks, full=True)
    good = np.concatenate([plain, full])
    first, fits = good.argmax(axis=0), np.asarray(good.any(axis=0))
    first = np.where(fits, first, good.shape[0] - 1)
    tensor = ranks[first % ranks.size]
    recomputed = first >= ranks.size
    least = _least(question, group)
    return Run(_sharded(devices, tensor), recomputed, least, fits)


def _sharded(devices: Any, tensor: Array) -> ParallelSpec:
    ranks = tensor[0] if tensor.size == 1 else tensor
    return ParallelSpec(tensor=ranks, data=devices / ranks, zero_stage=3)


def _least(question: Question, group: Group) -> Array:
    """Return the least power of two of devices on which training fits, fully recomputed."""
    counts, ranks = np.meshgrid(_powers(_MOST_TRAINING), _powers(_node(question)), indexing="ij")
    fine = ranks <= counts
    counts, ranks = counts[fine], ranks[fine]
    good = _fits(question, group, counts, ranks, full=True)
    least = np.where(good, counts[:, None], np.inf).min(axis=0)
    known = np.isfinite(least) & ~np.isnan(question.hardware.memory_bytes)
    return np.where(known, least, np.nan)


def _fits(question: Question, group: Group, devices: Array, ranks: Array, *, full: bool) -> Any:
    """Return whether training fits, for layouts along the first axis and sizes along the last."""
    layout = ParallelSpec(tensor=ranks[:, None], data=(devices / ranks)[:, None], zero_stage=3)
    run = question.training_of(group)
    if full:
        run = attrs.evolve(run, recomputation="full")
    found = estimate(
        model=group.model, training=run, parallel=layout, quantities=["training_memory_bytes"]
    )["training_memory_bytes"].value
    good = ~(found > _SHARE * question.hardware.memory_bytes) & ~np.isnan(found)
    return np.broadcast_to(good, (devices.size, group.nominal.size))
