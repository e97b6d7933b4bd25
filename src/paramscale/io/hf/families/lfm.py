"""LFM2 and LFM3: gated short convolutions, with attention in a few layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from paramscale.architecture.experts import MixtureOfExperts
from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.architecture.short_convolution import ShortConvolution
from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.recurrent import FULL, agree, always, mixer_kinds
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats

CONV, SLIDING = "conv", "sliding_attention"


def _convolution(c: Config) -> ShortConvolution:
    return ShortConvolution(c.integer("conv_L_cache"), bias=c.flag("conv_bias"))


def _attention(c: Config, **changes: Any) -> GroupedAttention:
    return attention(c, kv_heads=c.integer("num_key_value_heads"), qk_norm="head", **changes)


def _tied(c: Config) -> bool:
    return c.flag("tie_embedding" if c.has("tie_embedding") else "tie_word_embeddings")


def _rounded_inner(c: Config) -> Floats:
    """Return the intermediate channels, two thirds of the field and rounded up by default."""
    inner = c.integer("block_ff_dim" if c.has("block_ff_dim") else "intermediate_size")
    c.ignore("intermediate_size")
    multiple, factor = c.integer("block_multiple_of"), c.get("block_ffn_dim_multiplier")
    if not c.flag("block_auto_adjust_ff_dim"):
        return inner
    inner = np.floor(2.0 * inner / 3.0)
    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or factor <= 0:
        c.contradiction("block_ffn_dim_multiplier", "it must be a positive number")
    return multiple * np.ceil(np.floor(factor * inner) / multiple)


def _older_words(c: Config) -> None:
    """Read what the files of LFM2 say twice."""
    width = c.integer("hidden_size")
    agree(c, block_dim=width, conv_dim=width, conv_dim_out=width)
    agree(c, num_heads=c.integer("num_attention_heads"))
    always(c, block_use_swiglu=True)


@family("lfm2")
def lfm2(c: Config) -> ModelSpec:
    """Return an LFM2 model; without a list every layer attends."""
    _older_words(c)
    attends = c.items("full_attn_idxs")
    kinds = mixer_kinds(
        c, c.count("num_hidden_layers"), (CONV, FULL),
        lambda i: FULL if attends is None or i in attends else CONV,
    )  # fmt: skip
    mixers: dict[str, Block] = {FULL: _attention(c), CONV: _convolution(c)}
    mlp = MLP(_rounded_inner(c))
    return decoder(c, stack(kinds, lambda k: pre_norm(mixers[k], mlp)), tied=_tied(c))


@family("lfm2_moe")
def lfm2_moe(c: Config) -> ModelSpec:
    """Return an LFM2 model with experts after the first dense layers."""
    _older_words(c)
    layers = c.count("num_hidden_layers")
    if c.items("layer_types", layers) is None:
        c.contradiction("layer_types", "the kinds of the layers must be given")
    kinds = mixer_kinds(c, layers, (CONV, FULL), lambda i: CONV)
    mixers: dict[str, Block] = {FULL: _attention(c), CONV: _convolution(c)}
    experts = MixtureOfExperts(
        c.integer("num_experts"),
        c.integer("num_experts_per_tok"),
        c.integer("moe_intermediate_size"),
        correction="buffer" if c.flag("use_expert_bias") else "none",
    )
    feeds: dict[bool, Block] = {True: gated_mlp(c), False: experts}
    dense = c.integer("num_dense_layers", low=0)
    places = [(kind, bool(i < dense)) for i, kind in enumerate(kinds)]
    stacked = stack(places, lambda k: pre_norm(mixers[k[0]], feeds[k[1]]))
    return decoder(c, stacked, tied=_tied(c))


@family("lfm3")
def lfm3(c: Config) -> ModelSpec:
    """Return an LFM3 model: also sliding windows, gates a head, and norms after the blocks."""

    def usual(i: int) -> str:
        return FULL if i % 4 == 2 else SLIDING if i % 4 == 0 and i > 0 else CONV

    kinds = mixer_kinds(c, c.count("num_hidden_layers"), (CONV, SLIDING, FULL), usual)
    gate = "heads" if c.flag("use_attention_gate") else "none"
    bias = biased(c.flag("attention_bias"))
    width = c.integer("head_dim")
    window = c.optional("sliding_window")
    mixers: dict[str, Block] = {
        FULL: _attention(c, head_width=width, gate=gate, **bias),
        SLIDING: _attention(c, head_width=width, gate=gate, window=window, **bias),
        CONV: _convolution(c),
    }
    mlp = gated_mlp(c)
    post = [Norm()] if c.flag("use_sandwich_norm") else []
    return decoder(c, stack(kinds, lambda k: [Norm(), mixers[k], *post, Norm(), mlp, *post]))
