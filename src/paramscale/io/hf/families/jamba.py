"""Jamba: Mamba layers with attention at a fixed period, and experts at another."""

from __future__ import annotations

from paramscale.architecture.experts import MixtureOfExperts
from paramscale.io.hf.common import attention, decoder, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.recurrent import always, mamba
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


def _period(c: Config, what: str) -> tuple[int, int]:
    period = c.count(f"{what}_layer_period")
    offset = int(c.integer(f"{what}_layer_offset", low=0))
    if offset >= period:
        c.contradiction(f"{what}_layer_offset", f"it must be smaller than the period {period}")
    return period, offset


@family("jamba")
def jamba(c: Config) -> ModelSpec:
    """Return a Jamba model; its Mamba layers also normalise step, B and C."""
    attends, experts_in = _period(c, "attn"), _period(c, "expert")
    experts = c.integer("num_experts")
    mixers: dict[bool, Block] = {
        True: attention(c, kv_heads=c.integer("num_key_value_heads")),
        False: mamba(c, norms=True),
    }
    feeds: dict[bool, Block] = {False: gated_mlp(c)}
    if experts > 1:
        feeds[True] = MixtureOfExperts(
            experts, c.integer("num_experts_per_tok"), c.integer("intermediate_size")
        )
    always(c, mamba_inner_layernorms=True)
    c.ignore("num_experts_per_tok", "num_logits_to_keep", "n_ctx")
    kinds = [
        (i % attends[0] == attends[1], experts > 1 and i % experts_in[0] == experts_in[1])
        for i in range(c.count("num_hidden_layers"))
    ]
    return decoder(c, stack(kinds, lambda kind: pre_norm(mixers[kind[0]], feeds[bool(kind[1])])))
