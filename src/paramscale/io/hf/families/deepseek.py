"""DeepSeek V2, V3 and V3.2, and models of the same classes: latent attention, fine experts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paramscale.architecture.indexer import Indexer
from paramscale.io.hf.class_defaults import ClassDefaults, class_defaults
from paramscale.io.hf.common import decoder, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.latent import (
    dense_or_sparse,
    draft_layers,
    indexer,
    latent_attention,
    leading_dense,
    routed_experts,
)
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


def _first_dense(c: Config, *, bias: bool = False, **experts: Any) -> ModelSpec:
    """Return layers of latent attention of which the first have a dense feed-forward block."""
    attend = latent_attention(c)
    feeds: dict[str, Block] = {
        "dense": gated_mlp(c, bias=bias),
        "sparse": routed_experts(c, shared_bias=bias, **experts),
    }
    draft = draft_layers(c, pre_norm(attend, feeds["sparse"]))
    layers = stack(leading_dense(c), lambda kind: pre_norm(attend, feeds[kind]))
    return decoder(c, layers, draft=draft)


@family("deepseek_v2")
def deepseek_v2(c: Config) -> ModelSpec:
    """Return a DeepSeek-V2: a router without correction; biases in dense and shared experts."""
    c.word("topk_method", ("greedy", "group_limited_greedy"))
    if c.integer("hidden_size") % c.integer("num_attention_heads"):
        c.contradiction("num_attention_heads", "the class asks that it divide hidden_size")
    return _first_dense(c, bias=c.flag("mlp_bias"), correction="none")


@family("deepseek_v3")
def deepseek_v3(c: Config) -> ModelSpec:
    """Return a DeepSeek-V3 or R1: router corrections are buffers; prediction modules aside."""
    c.word("topk_method", ("noaux_tc",), "noaux_tc")
    return _first_dense(c)


@family("kimi_k2")
def kimi_k2(c: Config) -> ModelSpec:
    """Return a Kimi K2: the class of DeepSeek-V3 under a name of its own."""
    c.integer("hidden_size")  # the sizes of a file that states none would be DeepSeek's
    same = Config(c.given, c.model_type, class_defaults("deepseek_v3") or ClassDefaults())
    same.read = c.read
    return deepseek_v3(same)


@family("mistral4")
def mistral4(c: Config) -> ModelSpec:
    """Return a Mistral 4: the layers of DeepSeek-V3, a router without correction."""
    return _first_dense(c, correction="none")


@family("deepseek_v32")
def deepseek_v32(c: Config) -> ModelSpec:
    """Return a DeepSeek-V3.2: an indexer in every layer chooses the tokens that attention sees."""
    index = indexer(c)
    return indexed(c, [index] * c.count("num_hidden_layers"), index)


def indexed(c: Config, indexers: Sequence[Indexer | None], drafting: Indexer) -> ModelSpec:
    """Return layers of sparse latent attention, each with its indexer or that of one before it."""
    attend = latent_attention(
        c, query_rank=c.integer("q_lora_rank"), selected=c.integer("index_topk")
    )
    c.flag("mlp_bias")  # the class has the field and no such biases
    feeds: dict[str, Block] = {
        "dense": gated_mlp(c),
        "sparse": routed_experts(c, _total_experts(c)),
    }

    def layer(kind: str, index: Indexer | None) -> list[Block]:
        norm, *rest = pre_norm(attend, feeds[kind])
        return [norm, *([] if index is None else [index]), *rest]

    kinds = list(zip(dense_or_sparse(c, lambda _: leading_dense(c)), indexers, strict=True))
    draft = draft_layers(c, layer("sparse", drafting))
    return decoder(c, stack(kinds, lambda kind: layer(*kind)), draft=draft)


def _total_experts(c: Config) -> str:
    """Return the field with the number of experts, of which older files have two."""
    if not c.has("num_experts"):
        return "n_routed_experts"
    if c.has("n_routed_experts") and c.get("num_experts") != c.get("n_routed_experts"):
        c.contradiction("num_experts", f"n_routed_experts is {c.get('n_routed_experts')!r}")
    return "num_experts"


@family("glm_moe_dsa")
def glm_moe_dsa(c: Config) -> ModelSpec:
    """Return a GLM-5: some layers reuse the tokens that an earlier layer's indexer chose."""
    index = indexer(c)
    kinds = _indexer_kinds(c)
    return indexed(c, [index if kind == "full" else None for kind in kinds], index)


def _indexer_kinds(c: Config) -> list[str]:
    """Return which layers have an indexer, from a list, a pattern of letters, or a schedule."""
    layers = c.count("num_hidden_layers")
    kinds = c.items("indexer_types", layers)
    pattern = c.get("index_topk_pattern")
    freq, offset = c.integer("index_topk_freq", 1), c.integer("index_skip_topk_offset", 2, low=0)
    if kinds is None and isinstance(pattern, str):
        kinds = [{"F": "full", "S": "shared"}.get(letter, letter) for letter in pattern]
    elif kinds is None:
        kinds = c.items("index_topk_pattern", layers) or [
            "full" if max(i - offset + 1, 0) % freq == 0 else "shared" for i in range(layers)
        ]
    if len(kinds) != layers or not set(kinds) <= {"full", "shared"} or kinds[0] != "full":
        c.contradiction("indexer_types", "it must name each layer 'full' or 'shared', first 'full'")
    return kinds
