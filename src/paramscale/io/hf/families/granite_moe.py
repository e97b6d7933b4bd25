"""Granite models with experts, with or without a dense block beside them."""

from __future__ import annotations

from paramscale.architecture.experts import MixtureOfExperts
from paramscale.io.hf.common import attention, biased, decoder, pre_norm, same_layers, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import experts, windows
from paramscale.specs.model import ModelSpec


def _with_shared(c: Config) -> MixtureOfExperts:
    shared = c.integer("shared_intermediate_size", low=0)
    return experts(c, shared_inner=shared if shared else None)


@family("granitemoe")
def granitemoe(c: Config) -> ModelSpec:
    """Return a Granite 3 MoE."""
    attend = attention(c, **biased(c.flag("attention_bias")))
    return decoder(c, same_layers(c, pre_norm(attend, experts(c))))


@family("granitemoeshared")
def granitemoeshared(c: Config) -> ModelSpec:
    """Return a Granite MoE with a dense block beside the experts, of a width of its own."""
    attend = attention(c, **biased(c.flag("attention_bias")))
    return decoder(c, same_layers(c, pre_norm(attend, _with_shared(c))))


@family("granitemoe_swa")
def granitemoe_swa(c: Config) -> ModelSpec:
    """Return a Granite MoE with attention sinks, and windows but in every fourth layer."""
    bias, feed = biased(c.flag("attention_bias")), _with_shared(c)
    layers = stack(
        windows(c, lambda i: i % 4 != 0),
        lambda window: pre_norm(attention(c, window=window, sinks=True, **bias), feed),
    )
    return decoder(c, layers)
