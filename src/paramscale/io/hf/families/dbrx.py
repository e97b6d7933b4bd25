"""DBRX, whose sizes have names of their own and stand in nested objects."""

from __future__ import annotations

from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.io.hf.class_defaults import ClassDefaults
from paramscale.io.hf.common import decoder, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import experts
from paramscale.specs.model import ModelSpec

_NORM = "layer_no_bias"


def _nested(c: Config, name: str) -> Config:
    """Return a nested object with the defaults of its own class."""
    usual = c.known.sub.get(name, {}).get("defaults", {})
    nested = Config(c.sub(name).given, f"{c.model_type}.{name}", ClassDefaults(defaults=usual))
    nested.bare = True
    for key in nested.unread():
        nested.refuse(key, "the class does not know it")
    return nested


def _attention(c: Config) -> GroupedAttention:
    width, heads = c.integer("d_model"), c.integer("n_heads")
    if width % heads:
        c.contradiction("n_heads", f"the width {int(width)} is no multiple of it")
    own = _nested(c, "attn_config")
    kv_heads = own.integer("kv_n_heads")
    if heads % kv_heads:
        own.contradiction("kv_n_heads", f"the {int(heads)} heads are no multiple of it")
    return GroupedAttention(heads, kv_heads, width // heads)


@family("dbrx")
def dbrx(c: Config) -> ModelSpec:
    """Return a DBRX: layer norms without bias; the head is never tied."""
    feed = experts(_nested(c, "ffn_config"), "moe_num_experts", "moe_top_k", "ffn_hidden_size")
    if c.flag("tie_word_embeddings"):
        c.refuse("tie_word_embeddings", "the class has no tied head")
    kinds = ["layer"] * c.count("n_layers")
    layers = stack(kinds, lambda _: pre_norm(_attention(c), feed, _NORM))
    return decoder(c, layers, norm=_NORM, width=c.integer("d_model"), tied=False)
