"""Rows of ``energy/inference_energy.csv`` as scenarios: what was served, on what, how."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import attrs

from paramscale.catalogue.formats import formats
from paramscale.errors import ParamscaleError
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.validation.names import engine_named, format_named, machine_named, model_named
from paramscale.validation.row import number_in
from paramscale.validation.serving_rows import EXPERTS_ONLY, MIXES, Refused

__all__ = ["Measured", "measured"]

#: Tokens of a prompt, and the deviation of the outputs over their mean, where a table names the
#: task only. ASSUMED; see ``serving_rows.MIXES``. The energy of a token hardly depends on them.
TASKS = {
    **MIXES,
    "llm_text_generation/chat": (220.0, 1.0),
    "llm_text_generation/code": (150.0, 0.5),
    "legacy": (60.0, 0.0),
}

#: Models of which a table gives the size only, all of them of Llama's first kind.
LIKE = "llama-1-7b"


class Measured(NamedTuple):
    """A row as specs, what was measured, and what it belongs to.

    Attributes
    ----------
    energy : float
        Joules of all accelerators for an output token.
    throughput : float
        Measured output tokens a second, NaN where the row does not tell.
    group : str
        ``"in_scope"``, or why it is not.
    """

    model: ModelSpec
    hardware: HardwareSpec
    serving: ServingSpec
    parallel: ParallelSpec
    energy: float
    throughput: float
    group: str

    def specs(self) -> dict[str, Any]:
        """Return the scenario as arguments of ``estimate``."""
        names = ("model", "hardware", "serving", "parallel")
        return {name: getattr(self, name) for name in names}


def measured(row: dict[str, str]) -> Measured:
    """Return the scenario of a row.

    Raises
    ------
    Refused
        If model, machine, format or lengths are not known.
    """
    try:
        return _measured(row)
    except Refused:
        raise
    except ParamscaleError as error:
        raise Refused(str(error)) from None


def _measured(row: dict[str, str]) -> Measured:
    energy, output = number_in(row, "j_per_output_token"), number_in(row, "output_tokens_avg")
    if energy is None or output is None:
        raise Refused("the row states no energy of an output token, or no length of the outputs")
    engine, legacy = _engine(row["dataset"])
    batch = number_in(row, "batch_avg") or (1.0 if legacy else None)
    if batch is None:
        raise Refused("the batch is not said")
    model = _model(row, legacy)
    prompt, variation, assumed = _prompt(row)
    if (group := _group(row, legacy)).endswith("keys and values"):
        assumed = (*assumed, "a cache of keys and values")
    dense, experts = _formats(row, model)
    serving = ServingSpec(
        batch=max(round(batch), 1), prompt_tokens=prompt, output_tokens=max(round(output), 1),
        output_variation=variation, weight_format=dense, expert_format=experts, engine=engine,
        schedule="static" if legacy else "continuous", assumed=assumed,
    )  # fmt: skip
    return Measured(
        model, _hardware(row["hardware"]), serving, _layout(row), energy,
        number_in(row, "throughput_output_tok_s") or float("nan"), group,
    )  # fmt: skip


def _engine(dataset: str) -> tuple[str, bool]:
    """Return the engine, and whether it is of the old kind that starts all requests together."""
    lower = dataset.lower()
    if any(word in lower for word in ("fastchat", "transformers")):
        return "transformers", True
    engine = engine_named(lower)
    old = re.search(r"vllm[^)]*(2023|2024|\bv?0\.[0-6]\b)", lower)
    return ("vllm-2024" if old else engine or "other"), False


def _model(row: dict[str, str], legacy: bool) -> ModelSpec:
    try:
        return model_named(row["model"])
    except ParamscaleError:
        size = number_in(row, "total_params_b")
        if not legacy or size is None:
            raise
        return ModelSpec.of_size(1e9 * size, like=LIKE)


def _prompt(row: dict[str, str]) -> tuple[float, float, tuple[str, ...]]:
    """Return the tokens of a prompt, the variation of outputs, and what was assumed."""
    given = number_in(row, "input_tokens")
    if given is not None:
        return max(round(given), 1), 0.0, ()
    for task, (tokens, variation) in TASKS.items():
        if task in row["task"]:
            return tokens, variation, ()
    if any(word in row["task"].lower() for word in ("fim", "completion")):
        return 1500.0, 1.0, ("prompts of 1,500 tokens, of code around the gap",)
    return 220.0, 0.0, ("prompts of 220 tokens",)


def _formats(row: dict[str, str], model: ModelSpec) -> tuple[Any, Any]:
    """Return the format of the matrices, and that of the experts where it is another one."""
    stated = format_named(re.sub(r"^b?float16", "bf16", row["weight_precision"].lower()))
    few = stated.bits_per_weight < 7.0
    if few and any(word in row["model"].lower() for word in EXPERTS_ONLY):
        return formats["bf16"], stated
    return stated, None


def _hardware(text: str) -> HardwareSpec:
    """Return the machine; a name may begin with the site and the processor beside it."""
    found = machine_named(text.rpartition("+")[2]).spec
    cap = re.search(r"\((\d+)\s?W cap\)", text)
    return attrs.evolve(found, power_cap_w=float(cap[1])) if cap else found


def _layout(row: dict[str, str]) -> ParallelSpec:
    """Return the layout: devices that are neither stages nor replicas share the tensors.

    With expert parallelism tables of vLLM print TP1, and mean the experts: ranks of experts are
    those of tensors times replicas there, and the running sequences of the 235B model on eight
    H100 fit only if attention is divided.
    """
    text, devices = row["parallelism"], number_in(row, "num_devices") or 1.0

    def degree(word: str) -> float:
        found = re.search(rf"\b{word}(\d+)", text)
        return float(found[1]) if found else 1.0

    data, pipeline = degree("DP"), degree("PP")
    tensor, rest = divmod(devices, data * pipeline)
    if rest or tensor < 1.0:
        raise Refused(f"{devices:g} devices cannot be {data:g} data x {pipeline:g} pipeline")
    return ParallelSpec(tensor=tensor, pipeline=pipeline, data=data, expert=degree("EP"))


def _group(row: dict[str, str], legacy: bool) -> str:
    scope, kind = row["scope"].lower(), row["kind"].lower()
    if "gpu" not in scope or any(word in kind for word in ("estimate", "lca", "provider")):
        return "out_of_scope: another boundary, or not measured"
    if "fixed lengths" in row["task"]:
        return "out_of_scope: without a cache of keys and values"
    if "unreviewed" in kind or "midpoint" in kind:
        return "out_of_scope: not reviewed"
    return "old engine" if legacy else "in_scope"
