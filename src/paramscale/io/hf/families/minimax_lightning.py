"""MiniMax-01: lightning attention and softmax attention in turn, experts everywhere."""

from __future__ import annotations

from paramscale.architecture.experts import MixtureOfExperts
from paramscale.architecture.lightning_attention import LightningAttention
from paramscale.io.hf.common import attention, decoder, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.recurrent import FULL, LINEAR, mixer_kinds
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("minimax")
def minimax(c: Config) -> ModelSpec:
    """Return a MiniMax-01 model (MiniMax-Text-01, MiniMax-M1)."""
    if c.optional("sliding_window") is not None:
        c.refuse("sliding_window", "the published models attend to everything")
    attend = attention(c, kv_heads=c.integer("num_key_value_heads"))
    mixers: dict[str, Block] = {
        FULL: attend,
        LINEAR: LightningAttention(attend.heads, attend.head_width, c.integer("block_size")),
    }
    experts = MixtureOfExperts(
        c.integer("num_local_experts"),
        c.integer("num_experts_per_tok"),
        c.integer("intermediate_size"),
    )
    kinds = mixer_kinds(
        c, c.count("num_hidden_layers"), (FULL, LINEAR), lambda i: LINEAR if i % 2 else FULL
    )
    older = c.items("attn_type_list")
    if older is not None and older != [int(kind == FULL) for kind in kinds]:
        c.contradiction("attn_type_list", "'layer_types', which is read, says another thing")
    if c.optional("shared_intermediate_size", 0, low=0):
        c.refuse("shared_intermediate_size", "the reference code has no shared expert")
    c.ignore("shared_moe_mode")
    return decoder(c, stack(kinds, lambda kind: pre_norm(mixers[kind], experts)))
