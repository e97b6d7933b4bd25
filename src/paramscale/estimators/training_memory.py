"""How many bytes training takes on each device: states, activations and what stands around them.

What is counted is a convention. ``allocated`` are the tensors at the peak, as
``torch.cuda.max_memory_allocated`` tells; ``reserved`` is what the allocator took for them, with
slack; ``device`` adds the runtime's own context, and is what must fit. A model that does not fit is
an answer, not an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from paramscale import quantities as q
from paramscale.catalogue.training_memory import level
from paramscale.core.domain import Domain
from paramscale.core.estimator import estimator, sampler
from paramscale.core.reasons import Reason
from paramscale.core.record import Interval
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.drawn import at_width, levels
from paramscale.systems.rules import layout_rules, reasons_of
from paramscale.systems.training_memory import TrainingState, drawn_state, training_state
from paramscale.typing import Floats

__all__ = ["activations", "device_memory", "gradients", "optimizer", "state"]

_KEPT = "what automatic differentiation keeps, operation by operation; arXiv:2205.05198 section 4"
_ZERO = "Rajbhandari et al. 2020 (arXiv:1910.02054), section 3.1 and figure 1"
_LEVEL = "catalogue/data/training_memory.csv, refitted by tools/calibrate_training_memory.py"


#: Rows of the tables have sequences of 1,034 to 1,304 tokens, runs known to fit 512 to 65,536.
_CHECKED = Domain({"training.sequence_length": (512.0, 65536.0)})


def _refusals(model: ModelSpec, parallel: ParallelSpec) -> Iterator[Reason]:
    return reasons_of(layout_rules(model, parallel))


@estimator(gives=q.TRAINING_STATE, source=(_KEPT, _ZERO), refusals=_refusals)
def state(
    model: ModelSpec, training: TrainingSpec, parallel: ParallelSpec, *, mask_bytes: float = 1.0
) -> TrainingState:
    """What one device holds at the peak of a step, in the pipeline stage that holds most."""
    return training_state(model, training, parallel, mask_bytes=mask_bytes)


@sampler(state)
def _sample(draws: int, rng: np.random.Generator) -> Callable[..., TrainingState]:
    """Return the state with drawn activations; the rest of a peak's scatter is drawn beside it."""
    both = np.stack([levels(draws, rng), levels(draws, rng)])

    def sampled(
        model: ModelSpec, training: TrainingSpec, parallel: ParallelSpec, **options: float
    ) -> TrainingState:
        point = state(model, training, parallel, **options)
        return drawn_state(point, _activation_width(training), both)

    return sampled


def _activation_width(training: TrainingSpec) -> float:
    """Return the log of the factor that holds nine of ten measured activations.

    Code that runs step by step was measured family by family; of fused code only whole frameworks.
    """
    widths = [float(np.log(level("activation_family_factor").high))]
    if training.fused:
        widths.append(float(np.log(level("activation_framework_factor").high)))
    return float(np.linalg.norm(widths))


@estimator(
    gives=q.ACTIVATION_BYTES, source=(_KEPT, _LEVEL), name="kept", kind="calibrated",
    domain=Domain({"training.sequence_length": (32.0, 65536.0)}),
    parts=lambda training_state: training_state.activations,
)  # fmt: skip
def activations(training_state: TrainingState, training: TrainingSpec) -> Interval:
    """Bytes of activations that one device keeps for the backward pass, logits included.

    Which tensors these are is a convention of the scenario: fused or step by step, attention
    kernel, recomputation (fields of ``TrainingSpec``). All micro-batches under way count. Nothing
    is fitted; the interval is the scatter of measurements over families of models, and, for fused
    code, over frameworks.
    """
    kept, factor = training_state.kept, np.exp(_activation_width(training))
    return Interval(kept, kept / factor, kept * factor)


@estimator(gives=q.GRADIENT_BYTES, source=_ZERO, name="zero")
def gradients(training_state: TrainingState) -> Floats:
    """Bytes of all gradients of one device's weights, as ZeRO divides them."""
    return training_state.gradients


@estimator(
    gives=q.OPTIMIZER_BYTES, source=_ZERO, name="zero",
    parts=lambda training_state: {
        "states": training_state.optimizer, "master weights": training_state.master,
    },
)  # fmt: skip
def optimizer(training_state: TrainingState) -> Floats:
    """Bytes of the optimizer's states and of master weights on one device, as ZeRO divides them."""
    return training_state.optimizer + training_state.master


def _terms(training_state: TrainingState, counted: str) -> dict[str, Floats]:
    """Return the terms of the peak, in the convention `counted`."""
    held = training_state
    logits = held.activations.get("logits", np.float64(0.0))
    terms = {
        "weights": held.weights,
        "frozen weights": held.frozen,
        "gradients": held.gradients_at_peak,
        "optimizer": held.optimizer,
        "master weights": held.master,
        "activations": held.kept - logits,
        "logits": logits,
        "working set": held.working,
        "gathered weights": held.gathered,
    }
    terms |= _around(held, counted)
    whole: Floats = sum(terms.values(), start=np.float64(0.0))
    return {**terms, "not explained": whole * (level(f"{counted}_factor").value - 1.0)}


def _around(held: TrainingState, counted: str) -> dict[str, Floats]:
    """Return what the allocator holds beyond the tensors of the peak, and the runtime itself."""
    if counted == "allocated":
        return {}
    slack = held.idle + level("allocator_slack_fraction").value * held.allocated
    if counted == "reserved":
        return {"allocator slack": slack}
    context = level("runtime_context_bytes").value + 0.0 * held.allocated
    return {"allocator slack": slack, "runtime context": context}


def _peak(held: TrainingState, counted: str) -> Interval:
    value = held.allocated
    for extra in _around(held, counted).values():
        value = value + extra
    band = level(f"{counted}_factor")
    if np.ndim(held.unexplained):  # drawn: terms and scatter together are as wide as the band
        width = np.float64(0.5 * np.log(band.high / band.low))
        value = at_width(value, np.median(value, axis=0), width, held.unexplained) * band.value
        return Interval(value, value, value)
    return Interval(value * band.value, value * band.low, value * band.high)


@estimator(
    gives=q.TRAINING_MEMORY_BYTES, source=(_KEPT, _ZERO, _LEVEL), name="device", kind="calibrated",
    domain=_CHECKED, parts=lambda training_state: _terms(training_state, "device"),
)  # fmt: skip
def device_memory(training_state: TrainingState) -> Interval:
    """Peak memory of one device: tensors, the allocator's slack and the runtime's context."""
    return _peak(training_state, "device")


@estimator(
    gives=q.TRAINING_MEMORY_BYTES, source=(_KEPT, _ZERO, _LEVEL), name="reserved", rank=1,
    kind="calibrated", domain=_CHECKED,
    parts=lambda training_state: _terms(training_state, "reserved"),
)  # fmt: skip
def reserved_memory(training_state: TrainingState) -> Interval:
    """Peak memory that the allocator reserves on one device: tensors and slack."""
    return _peak(training_state, "reserved")


@estimator(
    gives=q.TRAINING_MEMORY_BYTES, source=(_KEPT, _ZERO, _LEVEL), name="allocated", rank=2,
    kind="calibrated", domain=_CHECKED,
    parts=lambda training_state: _terms(training_state, "allocated"),
)  # fmt: skip
def allocated_memory(training_state: TrainingState) -> Interval:
    """Peak of the tensors on one device, as ``torch.cuda.max_memory_allocated`` tells."""
    return _peak(training_state, "allocated")
