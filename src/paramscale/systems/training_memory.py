"""Everything that one device holds at the peak of a training step, as named terms.

    peak = weights + optimizer + max(activations + working set, gradients)

where gradients that outlive a backward pass (accumulated, or in the buffers of data or pipeline
parallelism) are added instead. The peak of the backward pass stands at its beginning, when all
activations are held and the loss is taken, or at its end, when all gradients are there.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from paramscale.catalogue.formats import as_format
from paramscale.catalogue.reference_code import reference_of
from paramscale.core.interval import Z90
from paramscale.specs.block import NOTHING
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.adapters import adapter_elements, frozen_bytes
from paramscale.systems.drawn import Array, with_axis
from paramscale.systems.rules import layout_rules, some, whole
from paramscale.systems.training_activations import (
    Pair,
    Working,
    element_bytes,
    kept_by_part,
    kernels_of,
    working_bytes,
)
from paramscale.systems.training_share import (
    Places,
    Stages,
    micro_batches,
    places_of,
    stages_of,
)
from paramscale.systems.training_states import (
    Elements,
    Rows,
    elements_of,
    gathered_bytes,
    state_bytes,
)
from paramscale.typing import Floats

__all__ = ["TrainingState", "drawn_state", "training_state"]


class TrainingState(NamedTuple):
    """Bytes on one device in the stage with the peak.

    `activations` is by component; `gradients` is all of them, `gradients_at_peak` what is there
    beside the activations at the peak. NaN where a grid's layout does not divide the model.
    `idle` is what other moments of a step need and leave free at the peak, in blocks that nothing
    at the peak fits into. `unexplained` are standard normal draws of what no term explains; 0 where
    nothing is drawn.
    """

    weights: Floats
    frozen: Floats
    gradients: Floats
    gradients_at_peak: Floats
    optimizer: Floats
    master: Floats
    activations: dict[str, Floats]
    working: Floats
    gathered: Floats
    idle: Floats = NOTHING
    unexplained: Floats = NOTHING

    @property
    def kept(self) -> Floats:
        """Bytes of all activations."""
        return sum(self.activations.values(), start=NOTHING)

    @property
    def allocated(self) -> Floats:
        """Bytes of all tensors at the peak."""
        held = self.weights + self.frozen + self.optimizer + self.master
        return held + self.gradients_at_peak + self.kept + self.working + self.gathered


def training_state(
    model: ModelSpec, training: TrainingSpec, parallel: ParallelSpec, *, mask_bytes: float = 1.0
) -> TrainingState:
    """Return what one device holds at the peak of a step.

    Parameters
    ----------
    mask_bytes : float
        Bytes of one element of a dropout mask: 1 on a GPU; PyTorch on a CPU keeps it in the
        activations' format.

    Raises
    ------
    SpecError
        If a single layout does not divide the model.
    """
    divides = whole(layout_rules(model, parallel))
    code = reference_of(model.family)
    step = training.step()
    places = places_of(model, step, shared_norm_input=code.shared_norm_input and not training.fused)
    stages = stages_of(training, parallel)
    how = kernels_of(training, parallel, code, mask_bytes)
    inputs = step.tokens * model.width
    kept = {
        part: _over(pair, parallel.context)
        for part, pair in kept_by_part(places, stages, training, how, inputs).items()
    }
    held = _held(places, training, parallel)
    working = working_bytes(places, training, how)
    stage = partial(_stage, held=held, stages=stages, kept=kept, working=working,
                    training=training, parallel=parallel)  # fmt: skip
    first = stage(0)
    if np.ndim(parallel.pipeline) == 0 and parallel.pipeline == 1.0:
        return first if np.all(divides == 1.0) else _where(np.True_, first, first, divides)
    last = stage(1)
    return _where(first.allocated >= last.allocated, first, last, divides)


def _over(pair: Pair, ranks: Floats) -> Pair:
    return pair[0] / ranks, pair[1] / ranks


def _where(first: Any, a: TrainingState, b: TrainingState, divides: Floats) -> TrainingState:
    def pick(one: Floats, other: Floats) -> Floats:
        return np.where(first, one, other)[()] * divides

    fields = {
        name: pick(getattr(a, name), getattr(b, name))
        for name in a._fields
        if name not in ("activations", "unexplained")
    }
    activations = {name: pick(a.activations[name], b.activations[name]) for name in a.activations}
    return TrainingState(activations=activations, **fields)


def drawn_state(state: TrainingState, width: float, both: Array) -> TrainingState:
    """Return a state whose activations and working set are drawn.

    Parameters
    ----------
    width : float
        Log of the factor that holds 90 % of activations.
    both : array of shape (2, draws)
        Standard normal draws, of the activations and of what no term explains.
    """
    draws, ndim = both.shape[1], np.ndim(state.allocated)
    level, unexplained = both.reshape(2, draws, *(1,) * ndim)
    factor = np.exp(width / Z90 * level)
    made = state._replace(
        activations={part: factor * each for part, each in state.activations.items()},
        working=factor * state.working,
        unexplained=unexplained,
    )
    found: TrainingState = with_axis(made, draws, ndim)
    return found


class _Held(NamedTuple):
    """What the three places hold: trained elements, bytes of frozen ones, the largest layer's."""

    trained: tuple[Elements, Elements, Elements]
    frozen: tuple[Floats, Floats, Floats]
    largest: Floats
    layers: Floats
    around: tuple[Floats, Floats]


def _held(places: Places, training: TrainingSpec, parallel: ParallelSpec) -> _Held:
    tied = some(parallel.pipeline > 1.0)
    layers = [(count, op) for count, ops in places.layers for op in ops]
    bills: tuple[Rows, ...] = (places.embedding, layers, places.head)
    all_of = [elements_of(bill, parallel, tied=tied) for bill in bills]
    largest: Floats = NOTHING
    if some(parallel.zero_stage >= 3.0):
        for _, ops in places.layers:
            single: Rows = [(np.float64(1.0), op) for op in ops]
            one = elements_of(single, parallel)
            largest = np.maximum(largest, one.dense + one.expert)
    around = (all_of[0].dense, all_of[2].dense)
    layered = all_of[1].dense + all_of[1].expert
    none = (NOTHING, NOTHING, NOTHING)
    if not training.adapts:
        return _Held((all_of[0], all_of[1], all_of[2]), none, largest, layered, around)
    frozen = [frozen_bytes(bill, training, parallel, tied=tied) for bill in bills]
    adapters = adapter_elements(layers, training, parallel)
    return _Held(
        (Elements(), adapters, Elements()), (frozen[0], frozen[1], frozen[2]), largest, layered,
        around,
    )  # fmt: skip


def _stage(
    index: int, *, held: _Held, stages: Stages, kept: dict[str, Pair], working: Working,
    training: TrainingSpec, parallel: ParallelSpec,
) -> TrainingState:  # fmt: skip
    """Return what the first (0) or the last (1) stage holds."""
    activations = {part: pair[index] for part, pair in kept.items()}
    kept_here: Floats = sum(activations.values(), start=NOTHING)
    shares = (stages.embedding[index], stages.layers[index], stages.head[index])
    trained = Elements(
        *(sum((s * v for s, v in zip(shares, each, strict=True)), start=NOTHING)
          for each in zip(*held.trained, strict=True))
    )  # fmt: skip
    states = state_bytes(trained, training, parallel)
    if training.optimizer_in_backward:
        states = states._replace(gradients=states.gradients * 0.0)
    loss = working.loss * stages.head[index]
    momentary = np.maximum(loss, working.layer) / parallel.context
    beside = np.maximum(states.gradients - kept_here - momentary, 0.0)
    around = held.around[0] * shares[0] + held.around[1] * shares[2]
    at_peak = np.where(_gradients_last(training, parallel), states.gradients, beside)[()]
    freed = np.minimum(loss, working.layer) + working.before_loss * stages.head[index]
    return TrainingState(
        weights=states.weights,
        frozen=sum((s * v for s, v in zip(shares, held.frozen, strict=True)), start=NOTHING),
        gradients=states.gradients,
        gradients_at_peak=at_peak,
        optimizer=states.optimizer,
        master=states.master,
        activations=activations,
        working=momentary,
        gathered=gathered_bytes(
            held.largest, shares[1] * held.layers, around, element_bytes(training),
            _gradient_bytes(training), parallel,
        ),
        idle=freed / parallel.context + states.gradients - at_peak,
    )  # fmt: skip


def _gradient_bytes(training: TrainingSpec) -> float:
    if training.adapts:
        return 0.0
    return as_format(training.gradient_format).bits_per_weight / 8.0


def _gradients_last(training: TrainingSpec, parallel: ParallelSpec) -> Any:
    """Return whether gradients are held beside the activations of the next micro-batch."""
    accumulates = micro_batches(training, parallel) > 1.0
    buffered = (parallel.data > 1.0) & (parallel.zero_stage < 3.0)
    return accumulates | buffered | (parallel.pipeline > 1.0)
