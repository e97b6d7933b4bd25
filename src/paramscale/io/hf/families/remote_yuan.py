"""Yuan 2: Llama's layer with localized filtering before queries and keys."""

from __future__ import annotations

from paramscale.architecture.localized_filtering import LocalizedFiltering
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import decoder, gated_mlp, same_layers
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import agrees
from paramscale.io.hf.remote import even_heads, stated_tie
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("yuan")
def yuan(c: Config) -> ModelSpec:
    """Return a dense Yuan 2.

    Checked: Yuan2-2B has 2.09e9 parameters (arXiv:2311.15786: 2.1 billion).
    """
    if c.integer("hidden_size") % 2:
        c.contradiction("hidden_size", "the filter halves it, so it must be even")
    agrees(c, "use_shareqk", False, "modelled are separate queries and keys")
    c.ignore("causal_mask", "use_loss_mask", "reset_attention_mask")
    layer: list[Block] = [Norm(), LocalizedFiltering(), even_heads(c), Norm(), gated_mlp(c)]
    return decoder(c, same_layers(c, layer), tied=stated_tie(c))
