"""Activations that real modelling code saves for the backward pass, and what is predicted.

``saved_bytes`` counts the distinct tensors that autograd saved, on a CPU. There PyTorch's fused
attention falls back to full matrices in fp32 where attention is dropped out or keys and values
differ in width, and dropout masks take the activations' format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs

from paramscale.analysis.estimate import estimate
from paramscale.architecture.head import Head
from paramscale.architecture.latent_attention import LatentAttention
from paramscale.core.estimate import Estimate
from paramscale.errors import ParamscaleError
from paramscale.io.hf.family import model_from_config
from paramscale.specs.model import ModelSpec
from paramscale.specs.training import TrainingSpec
from paramscale.validation.row import Comparison, compare_each, read_records, table

__all__ = ["activations", "full_size_activations"]

_RESIDUAL = ("resid_pdrop", "embd_pdrop", "dropout", "residual_dropout", "hidden_dropout")
_ATTENTION = ("attn_pdrop", "attention_dropout")

#: Classes whose dropout is on by default: residual branches, attention.
_DEFAULTS = {
    "gpt2": (0.1, 0.1), "gpt_bigcode": (0.1, 0.1), "seed_oss": (0.1, 0.1), "opt": (0.1, 0.0),
    "ctrl": (0.1, 0.0), "openai-gpt": (0.1, 0.1), "biogpt": (0.1, 0.1), "xglm": (0.1, 0.1),
}  # fmt: skip

_DEPTH = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")


@table("oracle/activations.jsonl")
def activations(folder: Path) -> Iterable[Comparison]:
    """Compare tiny models on real tensors."""
    return _records(folder, "oracle/activations")


@table("oracle/activations_fullsize.jsonl")
def full_size_activations(folder: Path) -> Iterable[Comparison]:
    """Compare published models on tensors without storage; fused attention may be 10 % high."""
    return _records(folder, "oracle/activations_fullsize")


def _records(folder: Path, name: str) -> Iterator[Comparison]:
    def measured(line: str) -> Iterator[Comparison]:
        record = json.loads(line)
        if record.get("saved_bytes"):
            yield _compare(record, folder, name)

    return compare_each(read_records(folder / f"{name}.jsonl"), measured, "activation_bytes", name)


def _compare(record: dict[str, Any], folder: Path, name: str) -> Comparison:
    mode = [record[key] for key in ("attn", "dtype", "checkpoint", "scope", "experts_impl")]
    words = " ".join(str(word) for word in mode if word)
    shape = f"{record.get('layers') or ''} {record['batch']}x{record['seq']}"
    row = f"{record['model']} {shape} {words}"
    place = ("activation_bytes", name, row, float(record["saved_bytes"]))
    if record.get("experts_impl") == "batched_mm":
        reason = "this implementation copies the weights of every chosen expert for every token"
        return Comparison(*place, group=record["attn"], refused=reason)
    config = _config(record, folder)
    if config is None:
        return Comparison(*place, group=record["attn"], refused="its configuration is not there")
    try:
        found = _estimate(config, record)
    except ParamscaleError as error:
        return Comparison(*place, group=record["attn"], refused=str(error))
    ends = float(found.value), float(found.low), float(found.high)
    return Comparison(*place, *ends, group=record["attn"])


def _config(record: dict[str, Any], folder: Path) -> dict[str, Any] | None:
    if "config" not in record:
        path = folder / "oracle/configs" / f"{record['model']}.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
    config = dict(record["config"])
    if record.get("layers"):
        gpt = config["model_type"] == "gpt2"
        config[next((key for key in _DEPTH if key in config), _DEPTH[gpt])] = record["layers"]
    return config


def predict(config: dict[str, Any], record: dict[str, Any]) -> float:
    """Return the estimated bytes for a record."""
    return float(_estimate(config, record).value)


def _estimate(config: dict[str, Any], record: dict[str, Any]) -> Estimate:
    """Return the estimate for a record: a model, a micro-batch, and how the pass is written."""
    model = model_from_config(config)
    if record["scope"] == "body":
        model = attrs.evolve(model, head=[b for b in model.head if not isinstance(b, Head)])
    residual, attention = _dropout(config)
    wide = record["dtype"] == "float32"
    training = TrainingSpec(
        tokens=1.0,
        micro_batch=record["batch"],
        sequence_length=record["seq"],
        precision="fp32" if wide else "bf16",
        attention_kernel=_kernel(record["attn"], attention, model),
        fused=False,
        recomputation="full" if record["checkpoint"] else "none",
        dropout=residual,
        attention_dropout=attention,
    )
    found = estimate(
        model=model, training=training, quantities=["activation_bytes"],
        options={"training_state.mask_bytes": 4.0 if wide else 2.0},
    )  # fmt: skip
    return found["activation_bytes"]


def _kernel(attn: str, dropout: float, model: ModelSpec) -> str:
    if attn == "eager":
        return "eager"
    latent = any(isinstance(block, LatentAttention) for _, block in model.walk())
    return "math" if dropout or latent else "flash"


def _dropout(config: dict[str, Any]) -> tuple[float, float]:
    """Return the dropout of residual branches and of attention."""
    residual, attention = _DEFAULTS.get(config["model_type"], (0.0, 0.0))
    said = [config[key] for key in _RESIDUAL if config.get(key) is not None]
    scores = [config[key] for key in _ATTENTION if config.get(key) is not None]
    return max(said, default=residual), max(scores, default=attention)
