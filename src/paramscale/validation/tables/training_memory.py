"""Memory of training beside the estimates: peaks of runs, and states and activations of papers.

Other files compare the same two tables for other quantities, hence the ``./`` in these paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from paramscale.analysis.estimate import estimate
from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.errors import ParamscaleError
from paramscale.specs.model import Layer, ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.training_memory import TrainingState, training_state
from paramscale.systems.training_states import Elements, state_bytes
from paramscale.validation.row import Cells, Comparison, compare_each, count_of, read_rows, table
from paramscale.validation.training_memory_rows import memory_of

__all__ = ["paper_memory", "peak_memory"]

_PEAK = "peak_memory_bytes_per_device"

#: Heads, width, layers, pipeline stages, chunks a stage and micro-batch: arXiv:2205.05198, table 3.
_KORTHIKANTI = {
    "GPT-22B": (64.0, 6144.0, 48.0, 1.0, 1.0, 4.0),
    "GPT-175B": (96.0, 12288.0, 96.0, 8.0, 3.0, 1.0),
    "GPT-530B": (128.0, 20480.0, 105.0, 35.0, 3.0, 1.0),
    "GPT-1T": (160.0, 25600.0, 128.0, 64.0, 1.0, 1.0),
}


@table("systems/training.csv")
def peak_memory(folder: Path) -> Iterable[Comparison]:
    """Compare the peak memory of measured training runs."""
    return _peaks(folder, "systems/training")


@table("systems/peak_memory.csv")
def peak_memory_of_other_teams(folder: Path) -> Iterable[Comparison]:
    """Compare the peaks that were collected from teams beyond the one of the calibration."""
    return _peaks(folder, "systems/peak_memory")


def _peaks(folder: Path, name: str) -> Iterator[Comparison]:
    rows = read_rows(folder / f"{name}.csv")
    return compare_each(rows, partial(_peak, name=name), "training_memory_bytes", name)


def _peak(row: Cells, name: str) -> Iterator[Comparison]:
    truth = count_of(row, _PEAK)
    if np.isnan(truth):
        return
    place = ("training_memory_bytes", name, row["row_id"], truth)
    group = row.get("source_group", "")
    try:
        memory = memory_of(row)
        found = estimate(
            model=memory.model, training=memory.training, parallel=memory.parallel,
            quantities=["training_memory_bytes"],
            use={"training_memory_bytes": memory.counted},
        )["training_memory_bytes"]  # fmt: skip
    except ParamscaleError as error:
        yield Comparison(*place, group=group, refused=str(error))
    else:
        ends = float(found.low), float(found.high)
        yield Comparison(*place, float(found.value), *ends, group=group)


@table("systems/memory.csv")
def paper_memory(folder: Path) -> Iterable[Comparison]:
    """Compare what papers give for states and activations of training (analytic figures)."""
    rows = read_rows(folder / "systems/memory.csv")
    return compare_each(rows, _compare, "training_memory_bytes", "systems/memory")


def _compare(row: Cells) -> Iterator[Comparison]:
    quantity = row["quantity"]
    if quantity == "model states per device":
        yield _answer(row, "training_memory_bytes", "states", _zero(row))
    elif quantity == "parameters+gradients+optimizer per device":
        yield _answer(row, "training_memory_bytes", "states", _states(_megatron(row)))
    elif quantity == "activations per device":
        yield _answer(row, "activation_bytes", "paper", _layers(_megatron(row)))
    elif quantity.startswith("activation memory relative"):
        ratio = _layers(_megatron(row)) / _layers(_megatron({**row, "method": ""}))
        yield _answer(row, "activation_bytes", "relative", ratio)


def _answer(row: Cells, quantity: str, group: str, value: float) -> Comparison:
    truth = float(row["value_bytes"] or row["value_other"])
    name = ("systems/memory", row["row_id"], truth)
    if np.isnan(value):
        return Comparison(quantity, *name, group=group, refused="the model's shape is not known")
    return Comparison(quantity, *name, value, group=group)


def _zero(row: Cells) -> float:
    stage = next((float(s) for s in "123" if f"ZeRO-{s}" in row["method"]), 0.0)
    parallel = ParallelSpec(data=float(row["n_devices"]), zero_stage=stage)
    held = Elements(dense=np.float64(row["params_total"]))
    return float(sum(state_bytes(held, TrainingSpec(tokens=1.0), parallel)))


def _megatron(row: Cells) -> TrainingState | None:
    """Return the state of a model of Korthikanti et al., with tensor parallelism over 8 ranks."""
    shape = _KORTHIKANTI.get(row["model"].partition(" (")[0])
    if shape is None:
        return None
    heads, width, layers, stages, chunks, batch = shape
    blocks = [
        Norm("layer"), GroupedAttention(heads, heads, width / heads), Norm("layer"),
        MLP(4.0 * width, gated=False),
    ]  # fmt: skip
    # the paper counts the layers alone
    model = ModelSpec(width=width, layers=[Layer(blocks, layers)], family="megatron-lm")
    method = row["method"]
    training = TrainingSpec(
        tokens=1.0, sequence_length=2048, micro_batch=batch, attention_kernel="eager",
        dropout=0.1, attention_dropout=0.1, gradient_format="fp32",
        recomputation="full" if "full" in method else (
            "selective" if "selective" in method else "none"
        ),
    )  # fmt: skip
    parallel = ParallelSpec(
        tensor=8, pipeline=stages, virtual_stages=chunks, sequence_parallel="sequence" in method
    )
    return training_state(model, training, parallel)


def _states(state: TrainingState | None) -> float:
    if state is None:
        return np.nan
    return float(state.weights + state.gradients + state.optimizer + state.master)


def _layers(state: TrainingState | None) -> float:
    return np.nan if state is None else float(state.kept)
