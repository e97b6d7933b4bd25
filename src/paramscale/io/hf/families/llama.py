"""Llama and the models that share its layer: pre-norm, grouped attention, gated feed-forward."""

from __future__ import annotations

from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.model import ModelSpec


@family("llama")
def llama(c: Config) -> ModelSpec:
    """Return a Llama model (1, 2, 3; CodeLlama, and many that were saved under this type)."""
    attend = attention(c, **biased(c.flag("attention_bias")))
    mlp = gated_mlp(c, bias=c.flag("mlp_bias"))
    kinds = ["layer"] * c.count("num_hidden_layers")
    return decoder(c, stack(kinds, lambda _: [Norm(), attend, Norm(), mlp]))
