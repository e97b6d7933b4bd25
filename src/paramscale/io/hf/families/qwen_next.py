"""Qwen3-Next and Qwen3.5: gated delta layers, with gated attention in every fourth."""

from __future__ import annotations

from paramscale.architecture.experts import MixtureOfExperts
from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.recurrent import FULL, LINEAR, always, gated_delta, mixer_kinds
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


def _mixers(c: Config) -> tuple[list[str], dict[str, Block]]:
    """Return the kind of each layer, and the mixer of each kind."""
    interval = c.count("full_attention_interval", 4)
    kinds = mixer_kinds(
        c, c.count("num_hidden_layers"), (LINEAR, FULL),
        lambda i: LINEAR if (i + 1) % interval else FULL,
    )  # fmt: skip
    bias = c.flag("attention_bias")
    always(c, attn_output_gate=True)
    attend = attention(
        c, kv_heads=c.integer("num_key_value_heads"), head_width=c.integer("head_dim"),
        qk_norm="head", gate="elements", gate_bias=bias, **biased(bias),
    )  # fmt: skip
    c.ignore("mtp_num_hidden_layers", "mtp_use_dedicated_embeddings")  # not built, as all drafts
    return kinds, {LINEAR: gated_delta(c), FULL: attend}


def _experts(c: Config) -> MixtureOfExperts:
    return MixtureOfExperts(
        c.integer("num_experts"),
        c.integer("num_experts_per_tok"),
        c.integer("moe_intermediate_size"),
        c.integer("shared_expert_intermediate_size"),
        shared_switch=True,
    )


@family("qwen3_next")
def qwen3_next(c: Config) -> ModelSpec:
    """Return a Qwen3-Next model: experts everywhere but in the layers that the file exempts."""
    kinds, mixers = _mixers(c)
    dense = c.items("mlp_only_layers") or []
    period = c.count("decoder_sparse_step")
    some = bool(c.integer("num_experts", low=0) > 0)
    sparse = [some and i not in dense and (i + 1) % period == 0 for i in range(len(kinds))]
    feeds: dict[bool, Block] = {}
    if not all(sparse):
        feeds[False] = gated_mlp(c)
    if any(sparse):
        feeds[True] = _experts(c)
    layers = stack(
        list(zip(kinds, sparse, strict=True)), lambda k: pre_norm(mixers[k[0]], feeds[k[1]])
    )
    return decoder(c, layers)


@family("qwen3_5_text")
def qwen3_5(c: Config) -> ModelSpec:
    """Return a dense Qwen3.5 model."""
    kinds, mixers = _mixers(c)
    mlp = gated_mlp(c)
    return decoder(c, stack(kinds, lambda kind: pre_norm(mixers[kind], mlp)))


@family("qwen3_5_moe_text")
def qwen3_5_moe(c: Config) -> ModelSpec:
    """Return a Qwen3.5 model with experts in every layer."""
    kinds, mixers = _mixers(c)
    experts = _experts(c)
    c.ignore("intermediate_size")  # no layer is dense
    return decoder(c, stack(kinds, lambda kind: pre_norm(mixers[kind], experts)))
