"""RecurrentGemma (Griffin): RG-LRU blocks, with local attention in every third layer."""

from __future__ import annotations

from paramscale.architecture.mlp import MLP
from paramscale.architecture.rg_lru import RGLRU
from paramscale.io.hf.common import attention, biased, decoder, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec

RECURRENT, ATTENTION = "recurrent", "attention"


@family("recurrent_gemma")
def recurrent_gemma(c: Config) -> ModelSpec:
    """Return a RecurrentGemma model; its field for the intermediate channels counts them twice."""
    if c.has("layers_block_type"):
        c.refuse("layers_block_type", "state the repeated pattern in 'block_types'")
    pattern = c.items("block_types") or []
    if not pattern or any(kind not in (RECURRENT, ATTENTION) for kind in pattern):
        c.refuse("block_types", f"modelled are {RECURRENT!r} and {ATTENTION!r}")
    width, heads = c.integer("hidden_size"), c.integer("num_attention_heads")
    inner = c.optional("lru_width")
    inner = width if inner is None else inner
    if inner % heads:
        c.contradiction("lru_width", f"it must be a multiple of the {int(heads)} heads")
    mixers: dict[str, Block] = {
        RECURRENT: RGLRU(inner, heads, c.integer("conv1d_width")),
        ATTENTION: attention(
            c,
            window=c.integer("attention_window_size"),
            **biased(c.flag("attention_bias"), True),
        ),
    }
    mlp = MLP(c.integer("intermediate_size") // 2.0, bias_in=True, bias_out=True)
    kinds = [pattern[i % len(pattern)] for i in range(c.count("num_hidden_layers"))]
    return decoder(c, stack(kinds, lambda kind: pre_norm(mixers[kind], mlp)))
