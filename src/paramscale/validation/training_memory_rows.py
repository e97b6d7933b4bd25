"""Rows of measured training memory as scenarios, and why some of them say too little."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import attrs
import numpy as np

from paramscale.errors import ParamscaleError
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.validation.training_scenarios import Run, run_of

__all__ = ["Habits", "Memory", "Refused", "memory_of"]


Cells = dict[str, str]


class Refused(ParamscaleError, ValueError):
    """A row that does not say what its memory depends on."""


class Habits(NamedTuple):
    """What a framework does unless its user says otherwise.

    `counted` is what its figure means, see ``estimators/training_memory.py``; `code` the modelling
    code in ``reference_code.csv``, or "" for that of the model's own type.
    """

    counted: str
    fused: bool
    code: str
    spec: dict[str, Any]


_PURE = {"master_weights": False, "optimizer_format": "bf16"}
_AMP = {"weight_format": "fp32", "gradient_format": "fp32", "master_weights": False}
_MEGATRON = {"gradient_format": "fp32"}

#: Habits by the name that ``training_scenarios`` gives a framework.
_HABITS = {
    "litgpt": Habits("allocated", False, "litgpt", _PURE),
    "torchtune": Habits("allocated", False, "", _PURE),
    "torchtitan": Habits("reserved", False, "", _AMP),
    "llm-foundry": Habits("reserved", True, "", _AMP),
    "megatron-lm": Habits("reserved", True, "megatron-lm", _MEGATRON),
    "megatron-bridge": Habits("reserved", True, "megatron-lm", _MEGATRON),
    "nemo": Habits("reserved", True, "megatron-lm", _MEGATRON),
}
#: Rank of adapters where a row states none; 4 to 64 are usual.
_USUAL_RANK = 16.0

_OTHER = Habits("device", False, "", {})

_OPTIMIZERS = (("ao 4-bit", "adam4bit"), ("8-bit", "adam8bit"), ("8bit", "adam8bit"),
               ("adafactor", "adafactor"), ("muon", "muon"), ("sgd", "sgd"))  # fmt: skip


class Memory(NamedTuple):
    """A row as a scenario, and which of the conventions its figure follows."""

    model: ModelSpec
    training: TrainingSpec
    parallel: ParallelSpec
    counted: str


def memory_of(row: Cells) -> Memory:
    """Return a row of ``systems/training.csv`` with a peak of memory as a scenario.

    Raises
    ------
    Refused
        If the row does not say what the peak depends on.
    UnknownNameError
        If model or machine are not known.
    """
    run = run_of(row)
    habits = _HABITS.get(run.framework, _OTHER)
    if run.guessed:
        raise Refused(run.guessed)
    micro = _micro_batch(run)
    for value, name in ((micro, "micro-batch"), (run.sequence_length, "sequence length")):
        if np.isnan(value):
            raise Refused(f"the row states no {name}, on which activations depend")
    if run.framework == "litgpt" and run.zero_stage >= 3.0:
        raise Refused("the peak is that of loading: a device holds the whole model and its shard")
    batch = run.sequences * run.sequence_length
    training = TrainingSpec(
        tokens=1.0,
        sequence_length=run.sequence_length,
        micro_batch=micro,
        batch_tokens=None if np.isnan(batch) else batch,
        fused=habits.fused or "compile" in _said(row),
        loss_kernel=_loss(row, run.framework),
        optimizer_in_backward="in backward" in _said(row),
        precision="fp8" if "fp8" in run.precision else "bf16",
        recomputation=run.recomputation,
        optimizer=_optimizer(row),
        **{**habits.spec, **_adapters(row)},
    )
    parallel = ParallelSpec(
        tensor=run.tensor, pipeline=run.pipeline, data=max(run.data, 1.0), context=run.context,
        expert=run.expert, zero_stage=run.zero_stage, virtual_stages=run.virtual,
    )  # fmt: skip
    model = attrs.evolve(run.model, family=habits.code) if habits.code else run.model
    return Memory(model, training, parallel, habits.counted)


def _micro_batch(run: Run) -> float:
    """Return the sequences that pass at once; a pipeline has at least as many groups as stages.

    Where each rank of a pipeline is said to pass all its sequences at once, its local batch is
    meant, of which a schedule makes a group for each stage unless told otherwise (torchtitan).
    """
    local = run.sequences / run.data
    if run.pipeline > 1.0 and (np.isnan(run.micro_batch) or run.micro_batch >= local):
        return max(float(local // run.pipeline), 1.0) if local >= 1.0 else np.nan
    return run.micro_batch


def _said(row: Cells) -> str:
    """Return all that a row says in words of its software and settings."""
    columns = ("software", "notes", "sharding", "recompute", "precision", "phase", "measured_kind")
    return " ".join(row.get(name) or "" for name in columns).lower()


def _loss(row: Cells, framework: str) -> str:
    """Return how the loss is computed, where a row or its software's habit tells it.

    torchtitan compiled its layers but not its loss until 2025 (compiling it failed: a remark in
    train.py of December 2024); torchtune compiles both, and its loss in chunks keeps the logits.
    """
    said = _said(row)
    if "chunked" in said or "liger" in said:
        return "fused" if framework == "torchtune" else "chunked"
    if framework == "torchtitan":
        return "fused" if "with the loss" in said or re.search(r"202[5-9]", said) else "eager"
    return ""


def _optimizer(row: Cells) -> str:
    text = _said(row)
    return next((name for word, name in _OPTIMIZERS if word in text), "adam")


def _adapters(row: Cells) -> dict[str, Any]:
    """Return what a row says of frozen weights and trained adapters."""
    phase, precision = (row.get("phase") or "").lower(), (row.get("precision") or "").lower()
    if "v2" in phase:
        raise Refused("biases and scales of every matrix are trained (adapter v2): not modelled")
    if "lora" not in phase and "adapter" not in phase:
        return {}
    frozen = "nf4-dq" if "nf4-dq" in precision or "qlora" in phase else (
        "nf4" if "nf4" in precision else "bf16"
    )  # fmt: skip
    found: dict[str, Any] = {"frozen_format": frozen}
    stated = re.search(r"trainable parameters ([\d,]+)", row.get("notes") or "")
    if stated:
        found["trainable_parameters"] = float(stated[1].replace(",", ""))
    elif rank := re.search(r"\b(?:rank|r)\s*=?\s*(\d+)", row.get("notes") or ""):
        found["lora_rank"] = float(rank[1])
    else:  # hardly counts beside frozen weights and activations
        found["lora_rank"] = _USUAL_RANK
    if "all linear" in (row.get("notes") or "").lower():
        found["lora_on"] = "all"
    return found
