"""JetMoE: a mixture of experts in attention and in the feed-forward block."""

from __future__ import annotations

from paramscale.architecture.mixture_of_attention import MixtureOfAttention
from paramscale.architecture.norm import Norm
from paramscale.architecture.vectors import Vectors
from paramscale.io.hf.common import decoder, same_layers
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import agrees, experts
from paramscale.specs.model import ModelSpec


@family("jetmoe")
def jetmoe(c: Config) -> ModelSpec:
    """Return a JetMoE: an expert of attention has as many heads as there are key-value heads."""
    feed, kv_heads = experts(c), c.integer("num_key_value_heads")
    agrees(
        c, "num_attention_heads", kv_heads * feed.chosen,
        "the class has num_key_value_heads for each chosen expert",
    )  # fmt: skip
    attend = MixtureOfAttention(feed.experts, feed.chosen, kv_heads, c.integer("kv_channels"))
    # the feed-forward block ends in a bias that no expert owns
    return decoder(c, same_layers(c, [Norm(), attend, Norm(), feed, Vectors()]))
