"""Qwen4 (experimental): gated delta and sparse attention between gated residual streams."""

from __future__ import annotations

import numpy as np

from paramscale.architecture.embedding import Table
from paramscale.architecture.experts import MixtureOfExperts
from paramscale.architecture.gated_residual import GatedResidual
from paramscale.architecture.head import Head
from paramscale.architecture.ngram_injection import NgramInjection
from paramscale.architecture.pooled_indexer import PooledIndexer
from paramscale.io.hf.common import attention, biased, decoder, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.recurrent import FULL, LINEAR, gated_delta, mixer_kinds
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec

INDEXED = "indexed_attention"

#: Larger tables are no models; the search for the primes of their sizes would take long.
_LARGEST_TABLE, _MOST_HASHES = 10**9, 4096


def _primes_from(start: int, count: int) -> list[int]:
    """Return the first `count` primes that are at least `start`."""
    found: list[int] = []
    candidate = start
    while len(found) < count:
        if candidate > 1 and all(candidate % d for d in range(2, int(candidate**0.5) + 1)):
            found.append(candidate)
        candidate += 1
    return found


def _ngrams(c: Config, kinds: list[str]) -> dict[int, NgramInjection]:
    """Return the n-gram table of each layer (counted from 0) that has one.

    Each hash function of each of these layers has a table of its own, as long as the next prime.
    """
    places = sorted(set(c.items("ple_layer_ids") or []))
    for place in places:
        if not isinstance(place, int) or not 1 <= place <= len(kinds):
            c.contradiction("ple_layer_ids", f"it must hold numbers from 1 to {len(kinds)}")
        if kinds[place - 1] != LINEAR:
            c.contradiction("ple_layer_ids", "only layers of linear attention can be among them")
    width, size = c.integer("hidden_size"), c.count("ngram_size")
    hashes = (size - 1) * c.count("heads_per_ngram")
    channels = c.integer("ple_embed_dim", width)
    base, multiple = (
        c.integer("ngram_vocab_size_base"),
        c.integer("make_ngram_vocab_size_divisible_by"),
    )
    streams, kernel = c.integer("hc_count"), c.integer("ple_conv_kernel_size")
    c.ignore("split_ngram_parts")  # how a checkpoint is cut
    if not places:
        return {}
    if base > _LARGEST_TABLE or not 0 < len(places) * hashes <= _MOST_HASHES or channels % hashes:
        c.refuse("ngram_vocab_size_base", "sizes of the n-gram tables that no model has")
    primes = _primes_from(int(base), len(places) * hashes)
    found = {}
    for i, place in enumerate(places):
        rows = multiple * np.ceil(sum(primes[i * hashes : (i + 1) * hashes]) / multiple)
        found[place - 1] = NgramInjection(
            rows=rows, hashes=hashes, channels=channels, streams=streams, kernel=kernel,
            dilation=size,
        )  # fmt: skip
    return found


def _attention(c: Config) -> list[Block]:
    """Return the indexer and the attention over what it chooses; the cache keeps everything."""
    if c.integer("indexer_kv_heads") != 1:
        c.contradiction("indexer_kv_heads", "the indexer has one key a token")
    budget, block = c.integer("indexer_budget"), c.integer("indexer_compress_ratio")
    if budget % block:
        c.contradiction("indexer_budget", f"it must be a multiple of the block, {int(block)}")
    bias = c.flag("attention_bias")
    attend = attention(
        c, kv_heads=c.integer("num_key_value_heads"), head_width=c.integer("head_dim"),
        qk_norm="head", gate="elements", gate_bias=bias, window=budget + block - 1.0,
        keeps_all=True, **biased(bias),
    )  # fmt: skip
    return [
        PooledIndexer(c.integer("indexer_n_heads"), c.integer("indexer_head_dim"), block),
        attend,
    ]


@family("qwen4_exp_text")
def qwen4(c: Config) -> ModelSpec:
    """Return a Qwen4 model; a query attends to chosen blocks and to the unfinished one."""
    interval = c.count("full_attention_interval", 4)
    options = (LINEAR, INDEXED, FULL, "qwen_sparse_attention")
    stated = mixer_kinds(
        c,
        c.count("num_hidden_layers"),
        options,
        lambda i: LINEAR if (i + 1) % interval else INDEXED,
    )
    kinds = [kind if kind == LINEAR else INDEXED for kind in stated]
    residual = GatedResidual(c.integer("hc_count", low=2), c.integer("hc_lowrank"))
    experts = MixtureOfExperts(
        c.integer("num_experts"),
        c.integer("num_experts_per_tok"),
        c.integer("moe_intermediate_size"),
        c.integer("shared_expert_intermediate_size"),
        shared_switch=True,
    )
    mixers: dict[str, list[Block]] = {LINEAR: [gated_delta(c)]}
    if INDEXED in kinds:
        mixers[INDEXED] = _attention(c)
    ngrams = _ngrams(c, kinds)
    c.ignore("intermediate_size")  # no layer is dense

    def make(kind: tuple[str, int]) -> list[Block]:
        before = [ngrams[kind[1]]] if kind[1] >= 0 else []
        return [*before, residual, *mixers[kind[0]], residual, experts]

    places = [(kind, i if i in ngrams else -1) for i, kind in enumerate(kinds)]
    vocabulary = c.integer("vocab_size")
    last = GatedResidual(residual.streams, residual.rank, injects=False)
    return decoder(
        c,
        stack(places, make),
        embedding=[Table(vocabulary)],
        head=[last, Head(vocabulary, tied=c.flag("tie_word_embeddings"))],
    )
