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
from paramscale.specs.block import Block, Borrowed
from paramscale.specs.model import Layer

__all__ = [
    "dense_or_sparse",
    "draft_layers",
    "indexer",
    "latent_attention",
    "routed_experts",
    "sparse_from",
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
    """Return the indexer of sparse attention, and check the names of the layers that have one."""
    layers = c.count("num_hidden_layers")
    for kind in c.items("layer_types", layers) or ():
        if kind not in INDEXED:
            c.refuse("layer_types", f"modelled are {', '.join(map(repr, INDEXED))}")
    if c.integer("index_head_dim") < c.integer("qk_rope_head_dim"):
        c.contradiction("index_head_dim", "qk_rope_head_dim of its channels are rotated")
    return Indexer(
        c.integer("index_n_heads"), c.integer("index_head_dim"), c.integer("q_lora_rank")
    )


def routed_experts(
    c: Config,
    experts: str = "n_routed_experts",
    chosen: str = "num_experts_per_tok",
    inner: str = "moe_intermediate_size",
    shared: str | None = "n_shared_experts",
    **changes: Any,
) -> MixtureOfExperts:
    """Return DeepSeek's experts, shared ones beside those that a router chooses.

    The names are those of the fields; `changes` are fields of the block.
    """
    total, width = c.integer(experts), c.integer(inner)
    if c.integer(chosen) > total:
        c.contradiction(chosen, f"there are {int(total)} experts")
    groups = c.optional("n_group")
    if groups is not None and total % groups:
        c.contradiction("n_group", f"the {int(total)} experts are no multiple of it")
    c.ignore("topk_group", "ep_size")
    beside = 0.0 if shared is None else c.integer(shared, low=0)
    values: dict[str, Any] = {
        "experts": total,
        "chosen": c.integer(chosen),
        "inner": width,
        "shared_inner": beside * width if beside else None,
        "correction": "buffer",
    }
    values.update(changes)
    return MixtureOfExperts(**values)


def sparse_from(c: Config, usual: int | None = None, *, frequency: bool = False) -> list[str]:
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


def dense_or_sparse(c: Config, default: Callable[[], Sequence[str]]) -> list[str]:
    """Return ``mlp_layer_types``, or what `default` says where the file is silent."""
    kinds = c.items("mlp_layer_types", c.count("num_hidden_layers"))
    if kinds is None:
        return list(default())
    c.ignore("first_k_dense_replace", "moe_layer_freq")
    if not set(kinds) <= {"dense", "sparse"}:
        c.refuse("mlp_layer_types", "modelled are 'dense' and 'sparse'")
    return kinds


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
    # a class's default is taken for a file that states nothing but its type
    usual = c.known.defaults.get("num_mtp_layers") if c.bare else None
    if not c.has(name) and usual is None:
        return []
    count = c.integer(name, usual, low=0)
    if not count:
        return []
    width, vocabulary = c.integer("hidden_size"), c.integer("vocab_size")
    module = [
        Borrowed(Table(vocabulary)),
        Norm(norm),
        Norm(norm),
        Projection(2.0 * width, width),
        *blocks,
        Norm(norm),
        Borrowed(Head(vocabulary)),
    ]
    return [Layer(module, count)]
