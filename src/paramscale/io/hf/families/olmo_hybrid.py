"""OLMo Hybrid: gated delta layers, with attention in every fourth."""

from __future__ import annotations

import numpy as np

from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.recurrent import FULL, LINEAR, gated_delta, mixer_kinds
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("olmo_hybrid")
def olmo_hybrid(c: Config) -> ModelSpec:
    """Return an OLMo Hybrid model; norms stand after attention, and before the delta rule."""
    layers = c.count("num_hidden_layers")

    def usual(i: int) -> str:
        return FULL if i % 4 == 3 or (layers < 4 and i == layers - 1) else LINEAR

    kinds = mixer_kinds(c, layers, (LINEAR, FULL), usual)
    if len(set(kinds)) < 2:
        c.contradiction("layer_types", "this type has layers of both kinds")
    attend = attention(c, qk_norm="heads", **biased(c.flag("attention_bias")))
    key_heads = c.integer("linear_num_key_heads", attend.heads)
    usual_width = np.floor(0.75 * c.integer("hidden_size") / key_heads)
    key_width = c.integer("linear_key_head_dim", usual_width)
    delta = gated_delta(
        c, key_heads=key_heads, value_heads=c.integer("linear_num_value_heads", attend.heads),
        key_width=key_width, value_width=c.integer("linear_value_head_dim", 2.0 * key_width),
    )  # fmt: skip
    mlp = gated_mlp(c)
    made: dict[str, list[Block]] = {
        FULL: [attend, Norm(), mlp, Norm()],
        LINEAR: [Norm(), delta, Norm(), mlp],
    }
    return decoder(c, stack(kinds, lambda kind: made[kind]))
