"""GLM-4.5 and models of its shape: first dense layers, then DeepSeek's experts, grouped attention."""

from __future__ import annotations

from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, pre_norm
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.latent import draft_layers, routed_experts, sparse_from
from paramscale.io.hf.mixture import mixed, windows
from paramscale.specs.model import ModelSpec


@family("glm4_moe")
def glm4_moe(c: Config) -> ModelSpec:
    """Return a GLM-4.5: q/k norms in each head where the file asks for them."""
    attend = attention(
        c,
        qk_norm="head" if c.flag("use_qk_norm") else "none",
        **biased(c.flag("attention_bias"), False),
    )
    blocks = {"dense": gated_mlp(c), "sparse": routed_experts(c)}
    feeds = sparse_from(int(c.integer("first_k_dense_replace", low=0)), c.count("num_hidden_layers"))
    layers = mixed([None] * len(feeds), feeds, blocks, lambda _, feed: pre_norm(attend, feed))
    return decoder(c, layers, draft=draft_layers(c, pre_norm(attend, blocks["sparse"])))


@family("dots1")
def dots1(c: Config) -> ModelSpec:
    """Return a dots.llm1: q/k norms in each head; a window from a given layer upwards."""
    bias = biased(c.flag("attention_bias"))
    first = c.integer("max_window_layers", low=0)
    blocks = {"dense": gated_mlp(c), "sparse": routed_experts(c)}
    feeds = sparse_from(int(c.integer("first_k_dense_replace", low=0)), c.count("num_hidden_layers"))
    layers = mixed(
        windows(c, lambda i: c.has_value("sliding_window") and i >= first), feeds, blocks,
        lambda window, feed: pre_norm(attention(c, qk_norm="head", window=window, **bias), feed),
    )  # fmt: skip
    return decoder(c, layers)
