"""``plan_parallelism``: the fastest layout that fits, and the runners-up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.estimate import estimate
from paramscale.errors import SpecError
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.layout_grid import DEGREES, Choices, layout_grid
from paramscale.units import format_value

__all__ = ["PlannedLayout", "Plans", "plan_parallelism"]

_WANTED = ("step_time_s", "mfu_fraction", "training_memory_bytes")


@attrs.frozen(eq=False)
class PlannedLayout:
    """One layout with what it would do.

    Attributes
    ----------
    parallel : ParallelSpec
        Degrees of parallelism.
    training : TrainingSpec
        The run with the micro-batch and the recomputation of this layout.
    step_time_s, low, high : float
        Time of a step, and its 90 % interval.
    mfu_fraction : float
        Share of the peak, causal attention, nothing counted twice.
    memory_bytes : float
        Peak memory of the fullest device.
    """

    parallel: ParallelSpec
    training: TrainingSpec
    step_time_s: float
    low: float
    high: float
    mfu_fraction: float
    memory_bytes: float

    def __repr__(self) -> str:
        p, t = self.parallel, self.training
        degrees = " ".join(
            f"{short}{int(getattr(p, name))}"
            for short, name in zip(_SHORT, DEGREES, strict=True)
            if getattr(p, name) != 1.0 or name in ("tensor", "pipeline", "data")
        )
        return (
            f"{degrees}, micro-batch {int(t.micro_batch)}, recompute {t.recomputation}:"
            f" {format_value(self.step_time_s, 's')} a step,"
            f" MFU {format_value(self.mfu_fraction, 'fraction')},"
            f" {format_value(self.memory_bytes, 'bytes')}"
        )


_SHORT = ("TP", "PP", "VP", "DP", "CP", "EP", "ZeRO-")


@attrs.frozen(eq=False)
class Plans:
    """The layouts of a plan, fastest first.

    Attributes
    ----------
    best : PlannedLayout or None
        The fastest layout that fits; None where none does.
    runners_up : tuple of PlannedLayout
        The next ones, each of other degrees.
    considered, fitting : int
        Choices of layout, micro-batch and recomputation that divide, and those that fit.
    least_memory_bytes : float
        Memory of the layout that needs least, which says how much is missing where none fits.
    limit_bytes : float
        Memory that a layout may take.
    """

    best: PlannedLayout | None
    runners_up: tuple[PlannedLayout, ...]
    considered: int
    fitting: int
    least_memory_bytes: float
    limit_bytes: float

    @property
    def fits(self) -> bool:
        """Whether any layout fits."""
        return self.best is not None

    def __repr__(self) -> str:
        head = f"Plans: {self.fitting} of {self.considered} choices fit"
        if self.best is None:
            missing = format_value(self.least_memory_bytes - self.limit_bytes, "bytes")
            return f"{head}; the leanest lacks {missing} on each device"
        rows = [f"  {place + 1}. {each!r}" for place, each in enumerate(self)]
        return "\n".join([head, *rows])

    def __iter__(self) -> Iterator[PlannedLayout]:
        """Yield the layouts that are shown, fastest first."""
        if self.best is not None:
            yield self.best
            yield from self.runners_up


def plan_parallelism(
    model: ModelSpec | str,
    hardware: HardwareSpec | str,
    devices: int,
    training: TrainingSpec,
    *,
    micro_batches: Iterable[float] = (1, 2, 4, 8),
    recomputations: Iterable[str] = ("none", "operators", "full"),
    zero_stages: Iterable[float] = (1, 3),
    exchange_overlap: float | None = None,
    memory_share: float = 0.95,
    keep: int = 5,
) -> Plans:
    """Return the fastest layout of a training run that fits, and the runners-up.

    Every division of the devices into tensor, pipeline (with chunks of layers), data, context and
    expert ranks is estimated at once, as arrays along one axis. Tensor ranks stay inside a node.

    Parameters
    ----------
    model, hardware : spec or str
        The model and the device, or their names.
    devices : int
        How many devices there are.
    training : TrainingSpec
        The run; its ``batch_tokens`` must be stated, ``micro_batch`` and ``recomputation`` are
        chosen.
    micro_batches, recomputations, zero_stages : iterable
        What may be chosen; with one data rank nothing is shared.
    exchange_overlap : float, optional
        Share of the experts' exchange that the schedule hides, as in ``ParallelSpec``.
    memory_share : float
        Share of a device's memory that a layout may take.
    keep : int
        How many layouts to return.

    Raises
    ------
    SpecError
        If the batch is not stated or is no whole number of sequences, or devices is no whole
        number.

    Examples
    --------
    >>> run = TrainingSpec(tokens=1e12, batch_tokens=2**20, sequence_length=4096)
    >>> found = plan_parallelism("llama-3.1-8b", "h100-sxm", 64, run)
    >>> found.fits, found.best.parallel.tensor, found.best.training.recomputation
    (True, np.float64(1.0), 'none')
    """
    from paramscale.catalogue.hardware import hardware as machines
    from paramscale.catalogue.models import models

    spec = models[model] if isinstance(model, str) else model
    machine = machines[hardware] if isinstance(hardware, str) else hardware
    sequences = _sequences(training, devices)
    choices = Choices(tuple(micro_batches), tuple(zero_stages))
    grid = layout_grid(spec, machine, training, devices, sequences, choices)
    limit = memory_share * float(machine.memory_bytes)
    tried = [
        _tried(spec, machine, attrs.evolve(training, recomputation=word), grid, exchange_overlap)
        for word in recomputations
    ]
    return _plans(tried, limit, keep, exchange_overlap)


def _sequences(training: TrainingSpec, devices: int) -> int:
    if devices < 1 or devices != int(devices):
        raise SpecError(f"devices must be a whole number of at least 1, not {devices!r}")
    if training.batch_tokens is None or np.ndim(training.batch_tokens):
        raise SpecError("plan_parallelism needs one training.batch_tokens: tokens of a step")
    sequences = float(training.batch_tokens / training.sequence_length)
    if sequences != int(sequences):
        raise SpecError(
            f"training.batch_tokens={training.batch_tokens:.0f} is no whole number of sequences of"
            f" {training.sequence_length:.0f} tokens"
        )
    return int(sequences)


#: Estimates of all layouts for one way of recomputing: the run, the layouts, and the results.
_Tried = tuple[TrainingSpec, npt.NDArray[np.float64], npt.NDArray[np.float64]]


def _tried(
    model: ModelSpec, machine: HardwareSpec, training: TrainingSpec,
    grid: npt.NDArray[np.float64], overlap: float | None,
) -> _Tried:  # fmt: skip
    degrees: dict[str, Any] = dict(zip(DEGREES, grid[:-1], strict=True))
    parallel = ParallelSpec(**degrees, exchange_overlap=overlap)
    run = attrs.evolve(training, micro_batch=grid[-1])
    found = estimate(
        model=model, hardware=machine, training=run, parallel=parallel, quantities=_WANTED
    )
    step = found["step_time_s"]
    columns = [step.value, step.low, step.high, *(found[name].value for name in _WANTED[1:])]
    shape = grid.shape[1:]
    return training, grid, np.array([np.broadcast_to(x, shape) for x in columns])


def _plans(tried: list[_Tried], limit: float, keep: int, overlap: float | None) -> Plans:
    """Return the fastest layouts; of those with equal degrees the fastest one."""
    rows = [
        (results[:, i], training, grid[:, i])
        for training, grid, results in tried for i in np.flatnonzero(np.isfinite(results[0]))
    ]  # fmt: skip
    fitting = sorted((row for row in rows if row[0][-1] <= limit), key=lambda row: row[0][0])
    shown: dict[tuple[float, ...], PlannedLayout] = {}
    for results, training, column in fitting:
        degrees = tuple(column[[0, 1, 3, 4, 5]])
        if degrees not in shown and len(shown) < keep:
            shown[degrees] = _layout(results, training, column, overlap)
    best, *others = shown.values() or [None]
    least = min((float(row[0][-1]) for row in rows), default=np.nan)
    return Plans(
        best, tuple(each for each in others if each is not None), len(rows), len(fitting), least,
        limit,
    )  # fmt: skip


def _layout(
    results: Any, training: TrainingSpec, column: Any, overlap: float | None
) -> PlannedLayout:
    degrees: dict[str, Any] = dict(zip(DEGREES, map(float, column[:-1]), strict=True))
    parallel = ParallelSpec(**degrees, exchange_overlap=overlap)
    run = attrs.evolve(training, micro_batch=float(column[-1]))
    return PlannedLayout(parallel, run, *map(float, results))
