"""Mamba, Falcon-Mamba and Mamba-2: stacks of state-space layers without a feed-forward block."""

from __future__ import annotations

import numpy as np

from paramscale.architecture.mamba import Mamba
from paramscale.architecture.mamba2 import Mamba2
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import decoder, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.recurrent import agree
from paramscale.specs.model import ModelSpec


@family("mamba", "falcon_mamba")
def mamba(c: Config) -> ModelSpec:
    """Return a Mamba model; Falcon-Mamba normalises step, B and C without learning anything."""
    width, layers = c.integer("hidden_size"), c.count("num_hidden_layers")
    inner = c.integer("intermediate_size", c.integer("expand") * width)
    agree(c, d_model=width, d_inner=inner, n_layer=np.float64(layers))
    auto = c.get("time_step_rank") == "auto"
    mixer = Mamba(
        inner=inner,
        state=c.integer("state_size"),
        kernel=c.integer("conv_kernel"),
        rank=np.ceil(width / 16.0) if auto else c.integer("time_step_rank"),
        bias=c.flag("use_bias"),
        conv_bias=c.flag("use_conv_bias"),
    )
    return decoder(c, stack(["layer"] * layers, lambda _: [Norm(), mixer]))


@family("mamba2")
def mamba2(c: Config) -> ModelSpec:
    """Return a Mamba-2 model; the width times `expand` must be what the heads take."""
    heads, head_width = c.integer("num_heads"), c.integer("head_dim")
    inner = c.integer("expand") * c.integer("hidden_size")
    if heads * head_width != inner:
        c.contradiction("num_heads", f"{int(heads)} times head_dim is not {int(inner)} channels")
    agree(c, intermediate_size=inner)
    c.ignore("norm_before_gate")  # an order of two element-wise steps
    groups = c.integer("n_groups")
    if heads % groups:
        c.contradiction("n_groups", f"the {int(heads)} heads are no multiple of it")
    bias = c.flag("use_bias")
    mixer = Mamba2(
        heads=heads,
        head_width=head_width,
        state=c.integer("state_size"),
        groups=groups,
        kernel=c.integer("conv_kernel"),
        chunk=c.integer("chunk_size"),
        bias_in=bias,
        bias_out=bias,
        conv_bias=c.flag("use_conv_bias"),
    )
    kinds = ["layer"] * c.count("num_hidden_layers")
    return decoder(c, stack(kinds, lambda _: [Norm(), mixer]))
