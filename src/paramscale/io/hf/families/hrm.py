"""HRM: two stacks of layers that run several times in one pass, with caches of their own."""

from __future__ import annotations

from paramscale.architecture.embedding import Table
from paramscale.architecture.repeated import Repeated
from paramscale.architecture.vectors import Vectors
from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, pre_norm
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import agrees
from paramscale.specs.block import Block
from paramscale.specs.model import Layer, ModelSpec


@family("hrm_text")
def hrm_text(c: Config) -> ModelSpec:
    """Return an HRM: norms that learn nothing; a slow stack after each few runs of a fast one."""
    width, heads = c.integer("hidden_size"), c.integer("num_attention_heads")
    if width % heads:
        c.contradiction("num_attention_heads", f"the width {int(width)} is no multiple of it")
    agrees(c, "num_key_value_heads", heads, "every head has keys and values of its own")
    bias = c.flag("attention_bias")
    attend = attention(c, kv_heads=heads, gate="elements", gate_bias=bias, **biased(bias))
    layer = pre_norm(attend, gated_mlp(c, bias=c.flag("mlp_bias")), "none")
    again = [Repeated(block) for block in layer]
    slow, fast = c.count("H_cycles"), c.count("L_cycles")
    own = c.count("num_layers_per_stack" if c.has("num_layers_per_stack") else "num_hidden_layers")
    if c.has("num_layers_per_stack"):
        runs = own * slow * (fast + 1)
        agrees(c, "num_hidden_layers", runs, "it must be the number of layers that run")
    rows = [Layer(layer, 2 * own)]
    if further := own * (slow * (fast + 1) - 2):
        rows.append(Layer(again, further))
    c.ignore("L_bp_cycles", "prefix_lm")
    embedding: list[Block] = [Table(c.integer("vocab_size")), Vectors()]
    return decoder(c, rows, norm="none", embedding=embedding)
