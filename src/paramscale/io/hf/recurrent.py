"""What the families with recurrent layers share: kinds of layers, and their usual mixers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from paramscale.architecture.gated_delta import GatedDelta
from paramscale.architecture.mamba import Mamba
from paramscale.architecture.mamba2 import Mamba2
from paramscale.io.hf.config import Config
from paramscale.typing import Floats

__all__ = [
    "FULL",
    "HYBRID",
    "LINEAR",
    "agree",
    "always",
    "gated_delta",
    "mamba",
    "mamba2",
    "mixer_kinds",
]

LINEAR, FULL, HYBRID = "linear_attention", "full_attention", "hybrid"

#: Older names of kinds of layers, which the reference code still accepts.
_OLDER = {"mamba": LINEAR, "attention": FULL}


def mixer_kinds(
    c: Config,
    layers: int,
    options: Sequence[str],
    default: Callable[[int], str],
    name: str = "layer_types",
) -> list[str]:
    """Return the kind of each layer: field `name`, in older or newer words, else `default`."""
    stated = c.items(name, layers)
    if stated is None:
        return [default(i) for i in range(layers)]
    kinds = [_OLDER.get(kind, kind) if isinstance(kind, str) else kind for kind in stated]
    for kind in kinds:
        if kind not in options:
            c.refuse(name, f"modelled are {', '.join(map(repr, options))}")
    return kinds


def agree(c: Config, **names: Floats) -> None:
    """Read fields that repeat a number in other words, and refuse those that say another one."""
    for name, value in names.items():
        if c.has(name) and c.integer(name) != value:
            c.contradiction(name, f"the other fields make it {int(value)}")


def always(c: Config, **flags: bool) -> None:
    """Read flags that some files state and the reference code fixes, and refuse other values."""
    for name, value in flags.items():
        if c.flag(name, value) is not value:
            c.refuse(name, f"the reference code always has it {str(value).lower()}")


def mamba(c: Config, prefix: str = "mamba_", **changes: Any) -> Mamba:
    """Return a Mamba mixer from the usual fields, which begin with `prefix`."""
    width = c.integer("hidden_size")
    rank = f"{prefix}dt_rank"
    stated = c.get(rank)
    values: dict[str, Any] = {
        "inner": c.integer(f"{prefix}expand") * width,
        "state": c.integer(f"{prefix}d_state"),
        "kernel": c.integer(f"{prefix}d_conv"),
        "rank": np.ceil(width / 16.0) if stated == "auto" else c.integer(rank),
        "bias": c.flag(f"{prefix}proj_bias"),
        "conv_bias": c.flag(f"{prefix}conv_bias"),
    }
    values.update(changes)
    return Mamba(**values)


def mamba2(c: Config, inner: Floats | None = None, **changes: Any) -> Mamba2:
    """Return a Mamba-2 mixer of `inner` channels from the usual fields."""
    if inner is None:
        inner = c.integer("mamba_expand") * c.integer("hidden_size")
    heads = c.integer("mamba_n_heads")
    if inner % heads:
        c.contradiction("mamba_n_heads", f"the {int(inner)} channels are no multiple of it")
    auto = c.get("mamba_d_head") == "auto"
    head_width = inner / heads if auto else c.integer("mamba_d_head")
    if head_width * heads != inner:
        c.contradiction("mamba_d_head", f"{int(heads)} heads of it are not {int(inner)} channels")
    bias = c.flag("mamba_proj_bias")
    values: dict[str, Any] = {
        "heads": heads,
        "head_width": head_width,
        "state": c.integer("mamba_d_state"),
        "groups": c.integer("mamba_n_groups"),
        "kernel": c.integer("mamba_d_conv"),
        "chunk": c.integer("mamba_chunk_size"),
        "bias_in": bias,
        "bias_out": bias,
        "conv_bias": c.flag("mamba_conv_bias"),
    }
    values.update(changes)
    if heads % values["groups"]:
        c.contradiction("mamba_n_groups", f"the {int(heads)} heads are no multiple of it")
    return Mamba2(**values)


def gated_delta(c: Config, **changes: Any) -> GatedDelta:
    """Return a gated delta mixer from the fields ``linear_…``."""
    values: dict[str, Any] = {"kernel": c.integer("linear_conv_kernel_dim")}
    for field, name in (
        ("key_heads", "linear_num_key_heads"),
        ("value_heads", "linear_num_value_heads"),
        ("key_width", "linear_key_head_dim"),
        ("value_width", "linear_value_head_dim"),
    ):
        values[field] = changes[field] if field in changes else c.integer(name)
    if values["value_heads"] % values["key_heads"]:
        c.contradiction(
            "linear_num_value_heads",
            f"it must be a multiple of the {int(values['key_heads'])} heads of keys",
        )
    return GatedDelta(**values)
