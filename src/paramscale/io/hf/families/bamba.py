"""Bamba, Granite 4 hybrid and Falcon-H1: Mamba-2 with attention between or beside it."""

from __future__ import annotations

from paramscale.architecture.experts import MixtureOfExperts
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.recurrent import FULL, LINEAR, always, mamba2, mixer_kinds
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("bamba")
def bamba(c: Config) -> ModelSpec:
    """Return a Bamba model: Mamba-2 layers, but for those in ``attn_layer_indices``."""
    layers = c.count("num_hidden_layers")
    attends = c.items("attn_layer_indices") or []
    if c.has("layers_block_type"):
        c.refuse("layers_block_type", "state the attention layers in 'attn_layer_indices'")
    mixers: dict[bool, Block] = {
        True: attention(c, **biased(c.flag("attention_bias"))),
        False: mamba2(c),
    }
    mlp = gated_mlp(c, bias=c.flag("mlp_bias"))
    kinds = [i in attends for i in range(layers)]
    return decoder(c, stack(kinds, lambda kind: pre_norm(mixers[kind], mlp)))


@family("granitemoehybrid")
def granite_hybrid(c: Config) -> ModelSpec:
    """Return a Granite 4 model: experts, of which there may be none, beside a shared MLP."""
    mixers: dict[str, Block] = {
        FULL: attention(c, **biased(c.flag("attention_bias"))),
        LINEAR: mamba2(c),
    }
    experts = c.integer("num_local_experts", low=0)
    shared = c.integer("shared_intermediate_size")
    c.ignore("intermediate_size", "num_experts_per_tok")  # without experts nothing has these
    feed: Block = MLP(shared)
    if experts > 0:
        chosen, inner = c.integer("num_experts_per_tok"), c.integer("intermediate_size")
        feed = MixtureOfExperts(experts, chosen, inner, shared)
    kinds = mixer_kinds(c, c.count("num_hidden_layers"), (LINEAR, FULL), lambda i: LINEAR)
    return decoder(c, stack(kinds, lambda kind: pre_norm(mixers[kind], feed)))


@family("falcon_h1")
def falcon_h1(c: Config) -> ModelSpec:
    """Return a Falcon-H1 model: each layer runs attention and Mamba-2 side by side."""
    if c.has("layers_block_type"):
        c.refuse("layers_block_type", "every layer of this type is a hybrid")
    always(c, mamba_use_mlp=True)
    c.ignore("mlp_expansion_factor")  # says again how wide the feed-forward block is
    mixer = mamba2(
        c,
        c.optional("mamba_d_ssm"),
        bias_out=c.flag("projectors_bias"),
        gated_norm=c.flag("mamba_rms_norm"),
    )
    attend = attention(c, **biased(c.flag("attention_bias")))
    mlp = gated_mlp(c, bias=c.flag("mlp_bias"))
    layer: list[Block] = [Norm(), mixer, attend, Norm(), mlp]
    return decoder(c, stack(["hybrid"] * c.count("num_hidden_layers"), lambda _: layer))
