"""One function for every kind of model file."""

from __future__ import annotations

import warnings
from os import PathLike
from pathlib import Path

import attrs
import numpy as np

from paramscale.architecture.stored import Stored
from paramscale.errors import ConfigError, IgnoredFieldWarning, UnsupportedArchitectureError
from paramscale.io.files import read_json, resolve
from paramscale.io.gguf import GGUFFile, read_gguf
from paramscale.io.hf.family import model_from_config
from paramscale.io.hf.from_gguf import to_config
from paramscale.io.safetensors import read_safetensors, read_safetensors_index
from paramscale.io.tensors import TensorTable
from paramscale.specs.bill import total
from paramscale.specs.model import Layer, ModelSpec
from paramscale.specs.passes import Pass

__all__ = ["read_model"]

#: Names under which files store the token table.
_TOKEN_TABLES = (
    "token_embd.weight", "model.embed_tokens.weight", "transformer.wte.weight",
    "gpt_neox.embed_in.weight", "backbone.embeddings.weight", "model.embeddings.weight",
)  # fmt: skip


def read_model(path: str | PathLike[str], *, unknown_fields: str = "refuse") -> ModelSpec:
    """Return the model that a file or a folder describes.

    Nothing is fetched and no code of the file is run.

    Parameters
    ----------
    path : str or path
        A Hugging Face ``config.json``, a GGUF file, a safetensors file or index, or a folder with
        one of them (in this order). Of tensors alone only the counts are known: what depends on
        the architecture is then NaN.
    unknown_fields : str
        ``"refuse"`` raises on a field that looks like architecture and that nothing reads,
        ``"ignore"`` leaves it aside.

    Returns
    -------
    ModelSpec
        Of a multimodal configuration, its text decoder.

    Raises
    ------
    UnsupportedArchitectureError
        If the architecture is not modelled; it is never guessed.
    ConfigError
        If a field is missing, unknown, contradictory or out of range.
    FileFormatError
        If the file is missing, truncated, too large, or not what its name says.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> config = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
    ...           "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100}
    >>> _ = (folder / "config.json").write_text(json.dumps(config))
    >>> float(read_model(folder).depth)
    2.0
    """
    found = resolve(path)
    name, source = _name(found), str(path)
    lower = found.name.lower()
    if lower.endswith(".gguf"):
        return _from_gguf(read_gguf(found), name, source)
    if lower.endswith(".safetensors"):
        return _from_tensors(read_safetensors(found).tensors, name, source)
    if lower.endswith(".safetensors.index.json"):
        tensors = read_safetensors_index(found).tensors
        assert tensors is not None  # only absent when totals alone are wanted
        return _from_tensors(tensors, name, source)
    model = model_from_config(read_json(found), unknown_fields=unknown_fields, source=source)
    return attrs.evolve(model, name=name) if model.name == model.family else model


def _name(found: Path) -> str:
    """Return how to call a model whose file does not say: the folder of a config, else the file."""
    if found.name == "config.json":
        return found.resolve().parent.name
    return found.name.partition(".safetensors")[0].removesuffix(".json").removesuffix(".gguf")


def _from_gguf(file: GGUFFile, name: str, source: str) -> ModelSpec:
    """Return the architecture that the metadata tell, if it has just the tensors of the file."""
    name = file.name or name
    try:
        model = model_from_config(to_config(file), source=source)
        counted = total(model.operations(Pass(1.0, 1.0)), lambda op: op.weights)
        if counted != file.parameters:
            raise ConfigError(
                f"its metadata describe {int(counted):,} parameters, its tensors hold"
                f" {file.parameters:,}"
            )
    except (UnsupportedArchitectureError, ConfigError) as error:
        warnings.warn(
            f"{source}: only the counts are known, for {error}", IgnoredFieldWarning, stacklevel=3
        )
        return _from_tensors(file.parameter_tensors, name, source)
    return attrs.evolve(model, name=name)


def _from_tensors(tensors: TensorTable, name: str, source: str) -> ModelSpec:
    """Return a model of which nothing but the tensors is known."""
    shapes = [tensors.shape(each) for each in _TOKEN_TABLES]
    found = next((shape for shape in shapes if shape is not None and len(shape) == 2), None)
    table = found[0] * found[1] if found else 0
    return ModelSpec(
        width=float(found[1]) if found else np.nan,
        layers=[Layer(Stored(tensors.elements - table, table))],
        name=name,
        family="tensors",
        source=source,
    )
