"""What the families with multi-head latent attention share: attention, experts, and layer kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from paramscale.architecture.embedding import Projection, Table
from paramscale.architecture.experts import MixtureOfExperts
from paramscale.architecture.head import Head
from paramscale.architecture.indexer import Indexer
from paramscale.architecture.latent_attention import LatentAttention
from paramscale.architecture.norm import Norm
from paramscale.io.hf.config import Config
from paramscale.io.hf.mixture import experts as mixture
from paramscale.io.hf.mixture import listed_kinds
from paramscale.specs.block import Block, Borrowed
from paramscale.specs.model import Layer

__all__ = [
    "dense_or_sparse",
    "draft_layers",
    "index_block",
    "indexer",
    "latent_attention",
    "leading_dense",
    "routed_experts",
]

#: Both names of layers with an indexer.
INDEXED = ("indexed_attention", "deepseek_sparse_attention")


#: The fields of a file that every latent attention has, by the fields of the block.
FIELDS = {
    "heads": "num_attention_heads",
    "kv_rank": "kv_lora_rank",
    "nope_width": "qk_nope_head_dim",
    "rope_width": "qk_rope_head_dim",
    "value_width": "v_head_dim",
}


def latent_attention(c: Config, **changes: Any) -> LatentAttention:
    """Return latent attention from the usual fields; `changes` are fields of the block."""
    # keys and values are rebuilt for every query head, so their number has no influence
    c.optional("num_key_value_heads")
    c.ignore("head_dim")  # the classes set it to the rotary width themselves
    if not c.flag("use_mla", True):
        c.refuse("use_mla", "the class always has latent attention")
    values: dict[str, Any] = {"query_rank": c.optional("q_lora_rank")}
    values["bias"] = c.flag("attention_bias")
    for name, field in FIELDS.items():
        if name not in changes:
            values[name] = c.integer(field)
    values.update(changes)
    block = LatentAttention(**values)
    stated = c.optional("qk_head_dim")
    if stated is not None and stated != block.nope_width + block.rope_width:
        c.contradiction("qk_head_dim", "it must be qk_nope_head_dim + qk_rope_head_dim")
    return block


def indexer(c: Config) -> Indexer:
    """Return the indexer of a model that has one in every layer, and check the layers' names."""
    for kind in c.items("layer_types", c.count("num_hidden_layers")) or ():
        if kind not in INDEXED:
            c.refuse("layer_types", f"modelled are {', '.join(map(repr, INDEXED))}")
    return index_block(c)


def index_block(c: Config, **changes: Any) -> Indexer:
    """Return the indexer of sparse attention from its fields; `changes` are fields of the block."""
    if c.integer("index_head_dim") < c.integer("qk_rope_head_dim"):
        c.contradiction("index_head_dim", "qk_rope_head_dim of its channels are rotated")
    heads, channels = c.integer("index_n_heads"), c.integer("index_head_dim")
    return Indexer(heads, channels, c.integer("q_lora_rank"), **changes)


def routed_experts(
    c: Config,
    experts: str = "n_routed_experts",
    chosen: str = "num_experts_per_tok",
    inner: str = "moe_intermediate_size",
    shared: str | None = "n_shared_experts",
    groups: str = "n_group",
    **changes: Any,
) -> MixtureOfExperts:
    """Return DeepSeek's experts, shared ones beside those that a router chooses.

    The names are those of the fields; `changes` are fields of the block.
    """
    total, parts = c.integer(experts), c.optional(groups)
    if parts is not None and total % parts:
        c.contradiction(groups, f"the {int(total)} experts are no multiple of it")
    c.ignore("topk_group", "use_grouped_topk", "ep_size")
    beside = 0.0 if shared is None else c.integer(shared, low=0)
    usual = {"shared_inner": beside * c.integer(inner) or None, "correction": "buffer"}
    return mixture(c, experts, chosen, inner, **{**usual, **changes})


def leading_dense(c: Config, usual: int | None = None, *, frequency: bool = False) -> list[str]:
    """Return the kinds of the feed-forward blocks from the number of dense ones at the start.

    Parameters
    ----------
    usual : int, optional
        That number where neither file nor class gives one.
    frequency : bool
        Whether the class reads ``moe_layer_freq``: experts in the layers that it divides.
    """
    first = c.integer("first_k_dense_replace", usual, low=0)
    every = c.integer("moe_layer_freq", 1)
    if every != 1 and not frequency:
        c.refuse("moe_layer_freq", "modelled is 1: experts in every layer after the dense ones")
    layers = range(c.count("num_hidden_layers"))
    return ["sparse" if i >= first and i % every == 0 else "dense" for i in layers]


def dense_or_sparse(c: Config, default: Callable[[int], Sequence[str]]) -> list[str]:
    """Return ``mlp_layer_types``, or what `default` says for this many layers."""
    stated = c.get("mlp_layer_types") is not None
    usual = [] if stated else default(c.count("num_hidden_layers"))
    c.ignore("first_k_dense_replace", "moe_layer_freq")
    return listed_kinds(c, lambda i: usual[i] == "sparse")


def draft_layers(c: Config, blocks: Sequence[Block], norm: str = "rms") -> list[Layer]:
    """Return the multi-token-prediction modules that the file states.

    DeepSeek-V3 report (arXiv:2412.19437), section 2.2, equations 21 to 23: token embedding and
    hidden state are normed and projected from two widths to one, one full layer follows; table and
    head are the model's. Published checkpoints store a norm before that head.

    Parameters
    ----------
    blocks : sequence of Block
        The full layer inside of each module.
    """
    name = "num_nextn_predict_layers"
    # the class's default is taken only for a file that states nothing but its type
    count = c.optional(name, 0, low=0) if c.has(name) or c.bare else None
    if not count:
        return []
    vocabulary = c.integer("vocab_size")
    module = [
        Borrowed(Table(vocabulary)),
        Norm(norm),
        Norm(norm),
        Projection(),  # one matrix from two widths to one, written as its two halves
        Projection(),
        *blocks,
        Norm(norm),
        Borrowed(Head(vocabulary)),
    ]
    return [Layer(module, count)]
