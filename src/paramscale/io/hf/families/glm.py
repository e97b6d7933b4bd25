"""GLM 4 dense models."""

from __future__ import annotations

from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, pre_norm, same_layers
from paramscale.io.hf.config import Config
from paramscale.io.hf.families.gemma import sandwich
from paramscale.io.hf.family import family
from paramscale.specs.model import ModelSpec


@family("glm")
def glm(c: Config) -> ModelSpec:
    """Return a GLM model: the output projection never has a bias."""
    layer = pre_norm(attention(c, **biased(c.flag("attention_bias"), False)), gated_mlp(c))
    return decoder(c, same_layers(c, layer))


@family("glm4")
def glm4(c: Config) -> ModelSpec:
    """Return a GLM-4-0414 model: norms before and after both blocks."""
    layer = sandwich(attention(c, **biased(c.flag("attention_bias"), False)), gated_mlp(c))
    return decoder(c, same_layers(c, layer))
