"""Dense models with latent attention: MiniCPM3 and Youtu-LLM."""

from __future__ import annotations

from paramscale.io.hf.common import decoder, gated_mlp, pre_norm, same_layers
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.latent import latent_attention
from paramscale.specs.model import ModelSpec


@family("minicpm3")
def minicpm3(c: Config) -> ModelSpec:
    """Return a MiniCPM3: values take width / heads channels where the file does not say."""
    width, heads = c.integer("hidden_size"), c.integer("num_attention_heads")
    if width % heads:
        c.contradiction("num_attention_heads", "the class asks that it divide hidden_size")
    values = c.optional("v_head_dim")
    attend = latent_attention(c, value_width=width // heads if values is None else values)
    layer = pre_norm(attend, gated_mlp(c, bias=c.flag("mlp_bias")))
    return decoder(c, same_layers(c, layer))


@family("youtu")
def youtu(c: Config) -> ModelSpec:
    """Return a Youtu-LLM: no biases in the feed-forward block."""
    layer = pre_norm(latent_attention(c), gated_mlp(c))
    return decoder(c, same_layers(c, layer))
