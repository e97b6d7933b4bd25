"""Models, number formats and engines as tables of measurements spell them."""

from __future__ import annotations

import re
from functools import cache

from paramscale.catalogue.formats import Format, formats
from paramscale.catalogue.models import models
from paramscale.errors import UnknownNameError
from paramscale.specs.model import ModelSpec
from paramscale.validation.machine_names import Machine, machine_named

__all__ = ["Machine", "engine_named", "format_named", "machine_named", "model_named"]

#: What is added to the name of a model for its tuning or its number format.
_SUFFIX = re.compile(
    r"[-_ ]?(instruct|chat|it|hf|base|fp8|nvfp4|mxfp4|fp4|bf16|fp16|awq|gptq|int4|int8|w8a8|w4a16"
    r"|2507|2503|2506|thinking|dynamic|static|per-?tensor|kv|gguf|v\d\.\d|v\d|\d+(\.\d+)?b|preview|\(.*\))$",
    re.IGNORECASE,
)


@cache
def model_named(text: str) -> ModelSpec:
    """Return the published model that a table means, whatever its tuning or number format.

    Raises
    ------
    UnknownNameError
        If the catalogue has no model of that name.

    Examples
    --------
    >>> model_named("nvidia/Llama-3.1-8B-Instruct-FP8").name
    'llama-3.1-8b'
    """
    name = text.strip()
    while True:
        for each in (name, name.rpartition("/")[2]):
            if each in models:
                return models[each]
        shorter = _SUFFIX.sub("", name)
        if shorter == name or not shorter:
            raise UnknownNameError("model", text, models)
        name = shorter


_FORMATS = {
    "": "bf16", "fp16/bf16": "bf16", "16-bit": "bf16", "half": "fp16", "f16": "fp16",
    "fp8": "fp8", "fp8_block": "fp8-block128", "fp4": "nvfp4", "int4": "int4-g128-sym",
    "int4_wo": "int4-g128-sym", "w4a16_awq": "gptq-int4-g128", "awq": "gptq-int4-g128",
    "gptq": "gptq-int4-g128", "int8_wo": "int8", "w4afp8": "int4-g128-sym", "mxfp4": "mxfp4",
    "w4a16_mxfp4": "mxfp4", "bnb.nf4": "nf4", "bnb.nf4-dq": "nf4-dq", "bnb.fp4": "nf4",
}  # fmt: skip


@cache
def format_named(text: str) -> Format:
    """Return the number format that a table means; empty means 16 bits.

    Examples
    --------
    >>> format_named("fp16/bf16 (source does not say per row)").name
    'bf16'
    """
    name = re.sub(r"\s*\(.*\)$", "", text.strip())
    name = _FORMATS.get(name.lower(), name)
    if name not in formats and (found := re.match(r"int(\d) g(\d+)$", name)):
        name = f"int{found[1]}-g{found[2]}-sym"
        name = name if name in formats else f"gptq-int{found[1]}-g{found[2]}"
    return formats[name]


_ENGINES = {
    "llama.cpp": ("llama.cpp", "llama-bench", "ollama", "ggml", "koboldcpp", "lm studio"),
    "vllm": ("vllm",),
    "sglang": ("sglang",),
    "trtllm": ("trtllm", "tensorrt", "trt-llm", "nim"),
    "lmdeploy": ("lmdeploy", "turbomind"),
    "gpt-fast": ("gpt-fast", "torch.compile"),
    "exllama": ("exllama",),
    "mlc": ("mlc",),
    "mlx": ("mlx",),
    "tgi": ("tgi", "text-generation-inference"),
    "transformers": ("transformers", "huggingface", "hf ", "litgpt"),
    "deepspeed": ("deepspeed",),
}


def engine_named(text: str) -> str:
    """Return the engine of a framework's name, in the spelling of :class:`ServingSpec`; or "".

    Examples
    --------
    >>> engine_named("TensorRT-LLM"), engine_named("llama.cpp (llama-bench)"), engine_named("own")
    ('trtllm', 'llama.cpp', '')
    """
    lower = text.lower()
    for engine, words in _ENGINES.items():
        if any(word in lower for word in words):
            return engine
    return ""
