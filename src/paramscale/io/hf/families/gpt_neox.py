"""GPT-NeoX and its kin: rotary positions, layer norms, attention and MLP side by side or not."""

from __future__ import annotations

from typing import Any

from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import (
    attention,
    biased,
    decoder,
    even_attention,
    gated_mlp,
    plain_mlp,
    pre_norm,
    same_layers,
    stack,
)
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats


def _even(c: Config, kv_heads: Floats | None = None, **changes: Any) -> Block:
    heads = c.integer("num_attention_heads")
    return even_attention(c, c.integer("hidden_size"), heads, kv_heads, **changes)


def _equal_layers(c: Config, blocks: list[Block], **model: Any) -> ModelSpec:
    layers = same_layers(c, blocks)
    return decoder(c, layers, norm="layer", **model)


@family("gpt_neox")
def gpt_neox(c: Config) -> ModelSpec:
    """Return a GPT-NeoX or Pythia; two norms a layer also where the residual is parallel."""
    c.flag("use_parallel_residual")
    attend = _even(c, **biased(c.flag("attention_bias")))
    return _equal_layers(c, pre_norm(attend, plain_mlp(c, bias=True), "layer"))


@family("gpt_neox_japanese")
def gpt_neox_japanese(c: Config) -> ModelSpec:
    """Return a Japanese GPT-NeoX: the attention of the last layer alone has an output bias."""
    count = c.count("num_hidden_layers")
    inner = c.integer("intermediate_multiple_size") * c.integer("hidden_size")
    mlp = MLP(inner, gated=False)

    def layer(last: bool) -> list[Block]:
        return pre_norm(_even(c, output_bias=last), mlp, "layer")

    return decoder(c, stack([i == count - 1 for i in range(count)], layer), norm="layer")


@family("phi")
def phi(c: Config) -> ModelSpec:
    """Return a Phi (1, 1.5, 2): one norm a layer, biases everywhere, also of the logits."""
    c.ignore("type_vocab_size")  # copied into some files from another class
    normed = c.flag("qk_layernorm")
    attend = attention(c, qk_norm="head_bias" if normed else "none", **biased(True))
    if normed and attend.head_width * attend.heads != c.integer("hidden_size"):
        c.contradiction("head_dim", "the norms of queries and keys have width / heads channels")
    return _equal_layers(c, [Norm("layer"), attend, plain_mlp(c, bias=True)], head_bias=True)


@family("persimmon")
def persimmon(c: Config) -> ModelSpec:
    """Return a Persimmon: biases everywhere but of the logits, norms of queries and keys."""
    normed = c.flag("qk_layernorm")
    attend = _even(c, qk_norm="head_bias" if normed else "none", **biased(True))
    return _equal_layers(c, pre_norm(attend, plain_mlp(c, bias=True), "layer"))


@family("stablelm")
def stablelm(c: Config) -> ModelSpec:
    """Return a StableLM: a gated MLP; the parallel form has one norm a layer."""
    attend = _even(
        c,
        c.integer("num_key_value_heads"),
        qk_norm="heads" if c.flag("qk_layernorm") else "none",
        **biased(c.flag("use_qkv_bias"), False),
    )
    mlp = gated_mlp(c)
    if c.flag("use_parallel_residual"):
        return _equal_layers(c, [Norm("layer"), attend, mlp])
    return _equal_layers(c, pre_norm(attend, mlp, "layer"))


@family("starcoder2")
def starcoder2(c: Config) -> ModelSpec:
    """Return a StarCoder 2: grouped attention, with a window in every layer where one is given."""
    bias = c.flag("use_bias")
    c.word("mlp_type", ("default",), "default")
    c.word("norm_type", ("layer_norm",), "layer_norm")
    attend = attention(c, window=c.optional("sliding_window"), **biased(bias))
    return _equal_layers(c, pre_norm(attend, plain_mlp(c, bias=bias), "layer"))
