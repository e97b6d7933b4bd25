"""Llama and the models that share its layer: pre-norm, grouped attention, gated feed-forward."""

from __future__ import annotations

from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import (
    attention,
    biased,
    decoder,
    gated_mlp,
    plain_mlp,
    pre_norm,
    same_layers,
)
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("llama", "granite", "emu3_text_model")
def llama(c: Config) -> ModelSpec:
    """Return a Llama model (1, 2, 3; CodeLlama, and many that were saved under this type)."""
    layer = pre_norm(
        attention(c, **biased(c.flag("attention_bias"))), gated_mlp(c, bias=c.flag("mlp_bias"))
    )
    return decoder(c, same_layers(c, layer))


@family("seed_oss")
def seed_oss(c: Config) -> ModelSpec:
    """Return a Seed-OSS model: the output projection has its own bias flag."""
    attend = attention(c, **biased(c.flag("attention_bias"), c.flag("attention_out_bias")))
    layer = pre_norm(attend, gated_mlp(c, bias=c.flag("mlp_bias")))
    return decoder(c, same_layers(c, layer))


@family("internlm3", "iquestcoder")
def internlm3(c: Config) -> ModelSpec:
    """Return an InternLM3-like model."""
    layer = pre_norm(
        attention(c, **biased(c.flag("attention_bias"))), gated_mlp(c, bias=c.flag("mlp_bias"))
    )
    return decoder(c, same_layers(c, layer))


@family("ernie4_5")
def ernie(c: Config) -> ModelSpec:
    """Return an Ernie 4.5 dense model: one flag gives every projection a bias."""
    bias = c.flag("use_bias")
    layer = pre_norm(attention(c, **biased(bias)), gated_mlp(c, bias=bias))
    return decoder(c, same_layers(c, layer))


@family("helium")
def helium(c: Config) -> ModelSpec:
    """Return a Helium model: the output projection has no bias and maps width to width."""
    attend = attention(c, **biased(c.flag("attention_bias"), False))
    if attend.heads * attend.head_width != c.integer("hidden_size"):
        c.contradiction("head_dim", "heads times it must be the width, which the output maps to")
    layer = pre_norm(attend, gated_mlp(c, bias=c.flag("mlp_bias")))
    return decoder(c, same_layers(c, layer))


@family("arcee")
def arcee(c: Config) -> ModelSpec:
    """Return an Arcee model: a Llama without the gate (squared ReLU)."""
    attend = attention(c, **biased(c.flag("attention_bias")))
    layer = pre_norm(attend, plain_mlp(c, bias=c.flag("mlp_bias")))
    return decoder(c, same_layers(c, layer))


@family("nemotron", "jais2")
def nemotron(c: Config) -> ModelSpec:
    """Return a Nemotron model: layer norms with bias, no gate."""
    attend = attention(c, **biased(c.flag("attention_bias")))
    layer = pre_norm(attend, plain_mlp(c, bias=c.flag("mlp_bias")), "layer")
    return decoder(c, same_layers(c, layer), norm="layer")


@family("hyperclovax")
def hyperclovax(c: Config) -> ModelSpec:
    """Return a HyperCLOVA X model, with norms after the blocks where the file asks for them."""
    attend = attention(c, **biased(c.flag("attention_bias")))
    mlp = gated_mlp(c, bias=c.flag("mlp_bias"))
    post = [Norm()] if c.flag("use_post_norm") else []
    layer: list[Block] = [Norm(), attend, *post, Norm(), mlp, *post]
    return decoder(c, same_layers(c, layer))


@family("bitnet")
def bitnet(c: Config) -> ModelSpec:
    """Return a BitNet b1.58 model: a norm before each output projection."""
    attend = attention(c, **biased(c.flag("attention_bias")))
    mlp = gated_mlp(c)
    layer: list[Block] = [Norm(), attend, Norm(), Norm(), mlp, Norm(channels=mlp.inner)]
    return decoder(c, same_layers(c, layer))


@family("hunyuan_v1_dense")
def hunyuan(c: Config) -> ModelSpec:
    """Return a Hunyuan dense model: queries and keys are normalised in each head."""
    attend = attention(c, qk_norm="head", **biased(c.flag("attention_bias")))
    layer = pre_norm(attend, gated_mlp(c))
    return decoder(c, same_layers(c, layer))


@family("nanochat")
def nanochat(c: Config) -> ModelSpec:
    """Return a nanochat model: norms that learn nothing, also one after the embedding."""
    attend = attention(c, **biased(c.flag("attention_bias")))
    layer = pre_norm(attend, plain_mlp(c), "none")
    return decoder(c, same_layers(c, layer), norm="none")
