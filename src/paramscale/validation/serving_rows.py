"""Rows of ``systems/inference.csv`` as scenarios: what was served, on what, how."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import attrs

from paramscale.analysis.estimate import estimate
from paramscale.catalogue.file_types import file_type, file_types
from paramscale.catalogue.formats import Format, formats
from paramscale.catalogue.mixtures import AnyFormat
from paramscale.errors import ParamscaleError
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.validation.machine_names import machine_named
from paramscale.validation.names import (
    engine_named,
    format_named,
    model_named,
)
from paramscale.validation.row import number_in

__all__ = ["Refused", "Served", "served"]

#: Mean prompt of request mixes whose tables do not print it, and the deviation of their outputs
#: over the mean. ASSUMED: no source prints the means. What is sent is known (github
#: ml-energy/benchmark, mlenergy/llm/datasets.py): in the chat mix each turn of 1,024 requests of
#: lmarena-ai/arena-human-preference-100k, with all turns before it; in gpqa a question of GPQA
#: diamond with its four choices. The chat mix was checked only by the fit, which is as good with
#: 50 tokens as with 200 and worse with 800. Rows that use them stay in scope.
MIXES = {"lm-arena-chat": (350.0, 1.0), "gpqa": (250.0, 0.6), "sharegpt": (220.0, 1.0)}

#: Models whose published 4-bit checkpoints quantize the routed experts alone, by words of the name.
EXPERTS_ONLY = ("deepseek", "kimi", "gpt-oss")


class Refused(ParamscaleError):
    """A row whose scenario cannot be known; the text says why."""


class Served(NamedTuple):
    """A row as specs, what it belongs to, and what had to be assumed."""

    model: ModelSpec
    hardware: HardwareSpec
    serving: ServingSpec
    parallel: ParallelSpec
    group: str
    assumed: tuple[str, ...]


def served(row: dict[str, str]) -> Served:
    """Return the scenario of a row.

    Raises
    ------
    Refused
        If model, machine, format, layout or lengths are not known.
    """
    try:
        return _served(row)
    except Refused:
        raise
    except ParamscaleError as error:
        raise Refused(str(error)) from None


def _served(row: dict[str, str]) -> Served:
    assumed: list[str] = []
    engine, phase = engine_named(row["framework"]), row["phase"]
    model = model_named(row["model"])
    spec, count = _machine(row["hardware"])
    parallel = _layout(row, count, engine, assumed)
    static = "static" in row["serving_mode"] or row["serving_mode"] == "batch 1"
    prompt, output, variation = _lengths(row, assumed)
    dense, experts = _formats(row, model, engine)
    serving = ServingSpec(
        batch=max(round(number_in(row, "batch_or_concurrency") or 0), 1),
        prompt_tokens=max(prompt, 1.0),
        output_tokens=output,
        output_variation=variation,
        weight_format=dense,
        expert_format=experts,
        kv_format=_cache_format(row, dense, (experts or dense).name == "nvfp4"),
        engine=engine or "other",
        schedule="static" if static else "continuous",
    )
    kind = _kind(row, phase, static)
    assumed += _outside(row, spec, parallel, engine, kind)
    if model.max_context is not None and model.max_context < serving.stated_tokens:
        model = attrs.evolve(model, max_context=None)  # it was measured, so that it runs
    if _weights(model, serving, parallel) > float(spec.memory_bytes):
        assumed.append("the weights do not fit the stated devices: others are hidden")
    scope = "out_of_scope" if assumed else "in_scope"
    serving = attrs.evolve(serving, assumed=tuple(assumed))
    return Served(model, spec, serving, parallel, f"{scope}: {kind}", tuple(assumed))


def _weights(model: ModelSpec, serving: ServingSpec, parallel: ParallelSpec) -> float:
    given: dict[str, Any] = {"model": model, "serving": serving, "parallel": parallel}
    return float(estimate(**given, quantities="weight_bytes")["weight_bytes"].value)


def _kind(row: dict[str, str], phase: str, static: bool) -> str:
    if phase in ("prefill", "decode"):
        return f"single stream {phase}"
    return "offline" if static else "serving"


def _machine(text: str) -> tuple[HardwareSpec, int]:
    """Return the machine, and how many its name says; half an MI250X is one of its two dies."""
    name = re.sub(r"\s*\((?:\d+\s?W cap)\)", "", text)
    die = "(1 GCD)" in name
    found, count = machine_named(name.replace("(1 GCD)", "").strip())
    if die:
        halves = {
            field.name: getattr(found, field.name) / 2.0
            for field in attrs.fields(HardwareSpec)
            if field.name.endswith(("flops_per_s", "ops_per_s", "memory_bytes"))
            or field.name == "memory_bandwidth_bytes_per_s"
        }
        found = attrs.evolve(found, **halves)
    return found, count


def _layout(row: dict[str, str], count: int, engine: str, assumed: list[str]) -> ParallelSpec:
    devices = number_in(row, "n_devices") or 1.0
    tensor, pipeline = number_in(row, "tp") or 1.0, max(number_in(row, "pp") or 1.0, 1.0)
    expert = max(number_in(row, "ep") or 1.0, 1.0)
    if engine == "llama.cpp" and tensor == 1.0:  # its default divides the layers
        return ParallelSpec(pipeline=max(devices, float(count)))
    if devices == 1.0 and count > 1:
        devices = float(count)
    if expert > 1.0 and number_in(row, "dp") == 1.0:
        # vLLM: expert ranks are tensor ranks x replicas
        tensor = devices / pipeline
    data, rest = divmod(devices, tensor * pipeline)
    if rest or data < 1.0:
        raise Refused(f"{devices:g} devices cannot be {tensor:g} tensor x {pipeline:g} pipeline")
    if data > 1.0 and expert == 1.0 and not (number_in(row, "dp") or 0.0) > 1.0:
        assumed.append("how the devices share the work is not said: replicas assumed")
    return ParallelSpec(tensor=tensor, pipeline=pipeline, data=data, expert=expert)


def _lengths(row: dict[str, str], assumed: list[str]) -> tuple[float, float, float]:
    """Return prompt and output tokens, and the variation of outputs."""
    prompt, output = number_in(row, "prompt_len_tokens"), number_in(row, "output_len_tokens")
    variation = 0.0
    text = f"{row['notes']} {row['serving_mode']}".lower()
    mix = next((mix for name, mix in MIXES.items() if name in text), None)
    if prompt is None:
        if mix is None:
            raise Refused("the length of the prompts is not said")
        prompt, variation = mix
        if output is None:
            raise Refused("the length of the outputs is not said")
    if output is None:
        if row["phase"] != "decode":
            raise Refused("the length of the outputs is not said")
        output = 200.0  # a single stream hardly depends on it
    return prompt, float(round(output)), variation


def _formats(row: dict[str, str], model: ModelSpec, engine: str) -> tuple[AnyFormat, Format | None]:
    """Return the format of the matrices, and of the experts where it is another one."""
    name = row["weight_precision"]
    if name.lower() in file_types() and (engine == "llama.cpp" or "_K_" in name):
        return file_type(name, model), None
    stated = format_named(name)
    found = re.search(r"moe_quant=([^;\s]*)", row["notes"])
    experts = format_named(found[1]) if found and found[1] else stated
    if "gpt-oss" in row["model"].lower():
        return formats["bf16"], formats["mxfp4"]
    if experts.bits_per_weight < 7.0 and any(word in row["model"].lower() for word in EXPERTS_ONLY):
        return formats["bf16"], experts
    return stated, None if experts == stated else experts


def _cache_format(row: dict[str, str], dense: AnyFormat, four_bits: bool) -> Any:
    if stated := row.get("kv_precision"):
        return format_named(stated)
    # Assumed where the table is silent: recipes of InferenceX, and NVIDIA's own quantized
    # checkpoints, keep the cache in fp8. The fit prefers it (InferenceX: 0.6 of 16 bits); no
    # column says it.
    named = row["source_group"] + row["model"]
    narrow = dense.compute_type in ("fp8", "fp4") and ("inferencex" in named or "nvidia/" in named)
    return "fp8" if narrow or four_bits else "bf16"


def _outside(
    row: dict[str, str], spec: HardwareSpec, parallel: ParallelSpec, engine: str, kind: str
) -> list[str]:
    """Return why a row lies outside what is calibrated, in words."""
    said = []
    notes = row["notes"].lower()
    if not engine:
        said.append("an engine that is not calibrated")
    if spec.vendor not in ("NVIDIA", "Apple"):
        said.append(f"a vendor that is not calibrated: {spec.vendor}")
    if row["serving_mode"] == "disaggregated":
        said.append("prefill and decode run on devices of their own")
    if re.search(r"\bmtp\b|speculat|draft|eagle", notes):
        said.append("tokens are drafted")
    if kind == "serving" and parallel.devices is not None and parallel.devices > 8.0:
        said.append("more than 8 devices")
    return said
