"""Rows of measured training runs as scenarios: model, machine, layout, and what was measured."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from paramscale.catalogue.formats import formats
from paramscale.errors import SpecError
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.passes import Pass
from paramscale.specs.training import FRAMEWORKS, TrainingSpec
from paramscale.systems.training_coefficients import coefficients
from paramscale.systems.training_load import training_load
from paramscale.systems.training_step import Layout
from paramscale.systems.training_time import AGAIN
from paramscale.validation.row import Cells, count_of
from paramscale.validation.training_models import machine_of, model_of

__all__ = ["Run", "Scenario", "run_of", "scenario_of", "tokens_per_s"]


class Run(NamedTuple):
    """A row as a scenario: what it states, and what it leaves open (NaN, or the empty text)."""

    model: ModelSpec
    machine: HardwareSpec
    devices: float
    tensor: float
    pipeline: float
    virtual: float
    data: float
    context: float
    expert: float
    zero_stage: float
    recomputation: str
    micro_batch: float
    sequences: float
    sequence_length: float
    precision: str
    framework: str
    virtual_stated: bool
    fused: bool
    guessed: str
    """Why the model is only one of about that size, or empty."""

    def layout(self) -> Layout:
        """Return the layout as the formulas take it."""
        steps = np.maximum(np.rint(self.sequences / (self.data * self.micro_batch)), 1.0)
        again = AGAIN[self.recomputation]
        return Layout(
            self.tensor, self.pipeline, self.virtual, self.data, self.context, self.expert,
            self.zero_stage, self.micro_batch, steps, *again, 2.0, float(not self.fused),
        )  # fmt: skip


def tokens_per_s(row: Cells, run: Run) -> float:
    """Return the measured tokens a second of each device; NaN where nothing tells it.

    Where only FLOP/s or a share of the peak are printed, they count full squares of attention
    unless the row says otherwise, but in Megatron-Bridge causal ones. Hardware FLOP/s (Megatron
    2021) count the forward pass that is computed again (Narayanan et al. 2021, arXiv:2104.04473,
    equation 3).
    """
    each = count_of(
        row, "tokens_per_s_per_device", count_of(row, "tokens_per_s_total") / run.devices
    )
    if not np.isnan(each):
        return each
    if not np.isnan(time := count_of(row, "step_time_s")):
        return run.sequences * run.sequence_length / time / run.devices
    peak = float(run.machine.peak_flops_per_s(formats[run.precision or "bf16"]))
    printed = count_of(row, "model_flop_per_s_per_device", count_of(row, "mfu_fraction") * peak)
    if not np.isnan(printed):
        return printed / _flops_a_token(row, run, 3.0)
    printed = count_of(row, "hardware_flop_per_s_per_device", count_of(row, "hfu_fraction") * peak)
    return printed / _flops_a_token(row, run, 4.0 if run.recomputation == "full" else 3.0)


def _flops_a_token(row: Cells, run: Run, passes: float) -> float:
    said = (row.get("notes") or "").lower()
    causal = "causal" in said or "halved" in said or run.framework == "megatron-bridge"
    step = Pass(1.0, run.sequence_length, causal=causal, absorbed=False)
    load = training_load(run.model.operations(step))
    flops = passes * (load.flops - load.head_flops) + 3.0 * load.head_flops
    return float(flops) / run.sequence_length


class Scenario(NamedTuple):
    """The specs of a run, how much of it is a guess, and whether it lies in scope."""

    specs: dict[str, Any]
    options: dict[str, Any]
    in_scope: bool


def scenario_of(run: Run, *, adapters: bool = False) -> Scenario:
    """Return a run as the specs of an estimate.

    A batch or micro-batch that is not stated is guessed where that changes little, without a
    pipeline; each guess widens the interval.

    Raises
    ------
    SpecError
        If what is not stated decides the time.
    """
    if np.isnan([run.devices, run.sequence_length]).any():
        raise SpecError("the row states no number of devices or no sequence length")
    micro, sequences, guesses = _batches(run)
    if bool(run.guessed) or not run.precision:
        guesses += 1.0
    virtual = run.virtual
    if run.pipeline > 1.0 and not run.virtual_stated:
        virtual, guesses = float(np.rint(coefficients().unstated_stages)), guesses + 1.0
    training = TrainingSpec(
        tokens=sequences * run.sequence_length, batch_tokens=sequences * run.sequence_length,
        sequence_length=run.sequence_length, micro_batch=micro,
        precision=_HELD.get(run.precision, "bf16"), matmul_format=run.precision or None,
        recomputation=run.recomputation, fused=run.fused,
        framework=run.framework if run.framework in FRAMEWORKS else "other",
        lora_rank=16.0 if adapters else None, lora_on="all",
    )  # fmt: skip
    parallel = ParallelSpec(
        tensor=run.tensor, pipeline=run.pipeline, data=run.data, context=run.context,
        expert=run.expert, zero_stage=run.zero_stage, virtual_stages=virtual,
    )  # fmt: skip
    specs = {
        "model": run.model, "hardware": run.machine, "training": training, "parallel": parallel,
    }  # fmt: skip
    options = {"training_step.guesses": guesses, "training_step.uneven": True}
    return Scenario(specs, options, not adapters)


#: How activations are held when matrices are multiplied in a format.
_HELD = {
    "bf16": "bf16",
    "fp16": "fp16",
    "fp32": "fp32",
    "fp8": "fp8",
    "mxfp8": "fp8",
    "nvfp4": "fp8",
}


def _batches(run: Run) -> tuple[float, float, float]:
    """Return sequences of a micro-batch and of a step, and how many of them are guesses."""
    micro, sequences, guesses = run.micro_batch, run.sequences, 0.0
    if run.pipeline > 1.0 and np.isnan([micro, sequences]).any():
        raise SpecError(
            "pipeline parallelism without micro-batch and global batch: the bubble is not known"
        )
    if np.isnan(micro):
        most = sequences / run.data if not np.isnan(sequences) else np.inf
        micro = max(1.0, min(np.rint(8192.0 / run.sequence_length), np.floor(most)))
        guesses += 1.0
    if np.isnan(sequences):
        sequences, guesses = micro * run.data * 4.0, guesses + 1.0
    return micro, sequences, guesses


_PRECISIONS = (
    ("nvfp4", "nvfp4"), ("fp4", "nvfp4"), ("mxfp8", "mxfp8"), ("fp8-mx", "mxfp8"), ("fp8", "fp8"),
    ("float8", "fp8"),
    ("fp16", "fp16"), ("bf16", "bf16"), ("bfloat16", "bf16"), ("int8", "int8"),
    ("tf32", "tf32"), ("fp32", "fp32"),
)  # fmt: skip


def _precision(text: str) -> str:
    """Return the format that the matrices of the layers are multiplied in."""
    lower = re.sub(r"\(.*?\)", "", text).lower()
    return next((name for word, name in _PRECISIONS if word in lower), "")


_FRAMEWORKS = (
    ("megatron-bridge", "megatron-bridge"), ("nemo", "nemo"),
    ("megatron-lm (2021", "megatron-2021"), ("megatron", "megatron-lm"),
    ("llm-foundry", "llm-foundry"), ("torchtitan", "torchtitan"), ("maxtext", "maxtext"),
    ("levanter", "levanter"), ("torchtune", "torchtune"), ("litgpt", "litgpt"),
    ("gpt-neox", "gpt-neox"), ("deepspeed", "deepspeed"),
)  # fmt: skip


def _framework(text: str) -> str:
    lower = text.lower()
    return next((name for word, name in _FRAMEWORKS if word in lower), "")


#: Software that runs PyTorch step by step unless it says that it compiles.
_EAGER = ("torchtitan", "torchtune", "fms-fsdp", "hugging face", "transformers")


def _is_fused(text: str) -> bool:
    """Return whether element-wise work is fused: by a compiler, or by the framework's kernels."""
    lower = text.lower()
    return "compile" in lower or not any(word in lower for word in _EAGER)


def _zero_stage(text: str) -> float:
    """Return what data ranks share; FSDP shares all unless the row says less."""
    lower = text.lower().replace("unless fsdp", "")
    for word, stage in (("zero-3", 3.0), ("zero-2", 2.0), ("zero-1", 1.0), ("fsdp", 3.0)):
        if word in lower or word.replace("-", "") in lower:
            return stage
    return 1.0 if "distributed optimizer" in lower else 0.0


def _recomputation(text: str, framework: str) -> str:
    """Return what is computed again, in the words of ``TrainingSpec``; none where not stated."""
    lower = text.strip().lower()
    if lower.startswith(("full", "yes", "all", "block")):
        return "full"
    if "op" in lower or ("select" in lower and framework == "torchtitan"):
        return "operators"
    return "selective" if "select" in lower else "none"


def run_of(row: Cells) -> Run:
    """Return a row of ``systems/training.csv`` as a scenario.

    Raises
    ------
    UnknownNameError
        If model or machine are not known.
    """
    model, guessed = model_of(row)
    framework = _framework(row.get("software") or "")
    devices = count_of(row, "n_devices")
    tensor, pipeline = count_of(row, "tp", 1.0), count_of(row, "pp", 1.0)
    context = count_of(row, "cp", 1.0)
    data = devices / (tensor * pipeline * context)
    micro, steps = count_of(row, "micro_batch_seqs"), count_of(row, "grad_accum_steps")
    return Run(
        model=model,
        machine=machine_of(row["hardware"]),
        devices=devices,
        tensor=tensor,
        pipeline=pipeline,
        virtual=count_of(row, "vp", 1.0),
        data=data,
        context=context,
        expert=count_of(row, "ep", 1.0),
        zero_stage=_zero_stage(row.get("sharding") or ""),
        recomputation=_recomputation(row.get("recompute") or "", framework),
        micro_batch=micro,
        sequences=count_of(row, "global_batch_seqs", micro * steps * data),
        sequence_length=count_of(row, "seq_len_tokens"),
        precision=_precision(row.get("precision") or ""),
        framework=framework,
        virtual_stated=bool((row.get("vp") or "").strip())
        or "(2021" in (row.get("software") or ""),
        fused=_is_fused(row.get("software") or ""),
        guessed=guessed,
    )
