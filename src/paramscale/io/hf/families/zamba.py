"""Zamba and Zamba2: Mamba layers, before some of which a shared transformer block runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from paramscale.architecture.embedding import Projection
from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.architecture.low_rank_adapter import LowRankAdapter
from paramscale.architecture.mamba2 import Mamba2
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import decoder, gated_mlp, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.recurrent import HYBRID, LINEAR, mamba, mixer_kinds
from paramscale.specs.block import Block, Borrowed
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats

#: Positions of the shared blocks of Zamba2 where the file does not give them.
_ZAMBA2 = [6, 12, 18, 24, 30, 36, 42, 47, 51]
_ZAMBA2_LAYERS = 54


def _shared(
    c: Config, mlp: MLP, kv_heads: Floats, inputs: Floats, head_width: Floats
) -> list[Block]:
    """Return the shared block; it reads the hidden state and the embedding side by side."""
    heads = c.integer("num_attention_heads")
    if heads % kv_heads:
        c.contradiction("num_key_value_heads", f"the {int(heads)} heads are no multiple of it")
    attend = GroupedAttention(heads, kv_heads, head_width, input_width=inputs)
    return [Norm(channels=inputs), attend, Norm(), mlp]


@family("zamba")
def zamba(c: Config) -> ModelSpec:
    """Return a Zamba model: one shared block, with a projection of its own at each use."""
    width, heads = c.integer("hidden_size"), c.integer("num_attention_heads")
    inner = c.integer("mamba_expand") * width
    if inner % c.integer("n_mamba_heads"):
        c.contradiction("n_mamba_heads", f"the {int(inner)} channels are no multiple of it")
    period = c.count("attn_layer_period")
    offset = int(c.integer("attn_layer_offset", low=0))

    def usual(i: int) -> str:
        return HYBRID if i == 2 or (i > 2 and (i - 3) % period == offset) else LINEAR

    layers = c.count("num_hidden_layers")
    kinds = mixer_kinds(c, layers, (LINEAR, HYBRID), usual, "layers_block_type")
    inputs = c.optional("attention_hidden_size") or 2.0 * width
    head_width = c.optional("attention_head_dim") or 2.0 * width // heads
    shared = _shared(c, gated_mlp(c), c.integer("num_key_value_heads"), inputs, head_width)
    mixer = mamba(c)
    first = kinds.index(HYBRID) if HYBRID in kinds else -1
    shares = c.flag("tie_word_embeddings")  # the reference code ties all tensors or none
    borrowed: list[Block] = [Borrowed(item) for item in shared]

    def make(kind: tuple[str, bool]) -> list[Block]:
        layer: list[Block] = [Norm(), mixer]
        if kind[0] == LINEAR:
            return layer
        used = shared if kind[1] or not shares else borrowed
        return [*used, Projection(part="mixer"), *layer]

    return decoder(c, stack([(kind, i == first) for i, kind in enumerate(kinds)], make))


@family("zamba2")
def zamba2(c: Config) -> ModelSpec:
    """Return a Zamba2 model: a few shared blocks in turn, told apart by low-rank adapters."""
    layers = c.count("num_hidden_layers")
    if not c.has("layers_block_type") and layers != _ZAMBA2_LAYERS:
        c.contradiction(
            "num_hidden_layers",
            f"'layers_block_type' is missing, which is given only for {_ZAMBA2_LAYERS}",
        )
    kinds = mixer_kinds(
        c, layers, (LINEAR, HYBRID), lambda i: HYBRID if i in _ZAMBA2 else LINEAR,
        "layers_block_type",
    )  # fmt: skip
    places = [i for i, kind in enumerate(kinds) if kind == HYBRID]
    if (c.items("hybrid_layer_ids") or places) != places:
        c.contradiction("hybrid_layer_ids", "'layers_block_type' has its hybrid layers elsewhere")
    c.ignore("kv_channels", "num_query_groups")  # the reference code sets and never uses them
    make = _zamba2_layers(c, len(places))
    turns = c.count("num_mem_blocks")
    use, uses = -1, []
    for kind in kinds:
        use += kind == HYBRID
        uses.append((use % turns, use < turns) if kind == HYBRID else None)
    return decoder(c, stack(uses, make))


def _zamba2_layers(c: Config, hybrids: int) -> Callable[[tuple[int, bool] | None], list[Block]]:
    width, heads = c.integer("hidden_size"), c.integer("num_attention_heads")
    inputs = c.integer("attention_hidden_size", 2.0 * width)
    head_width = c.integer("attention_head_dim", 2.0 * width // heads)
    inner = c.integer("intermediate_size", 4.0 * width)
    bias = c.flag("add_bias_linear")
    kv_heads = c.integer("num_key_value_heads", heads)
    shared = _shared(c, MLP(inner, bias_in=bias, bias_out=bias), kv_heads, inputs, head_width)
    borrowed: list[Block] = [Borrowed(item) for item in shared]
    layer: list[Block] = [Norm(), _zamba2_mixer(c, bias)]
    rank, turns = c.integer("adapter_rank"), c.count("num_mem_blocks")
    attends, shares = c.flag("use_shared_attention_adapter"), c.flag("tie_word_embeddings")

    def make(kind: tuple[int, bool] | None) -> list[Block]:
        if kind is None:
            return layer
        turn, first = kind
        names = np.ceil((hybrids - turn) / turns)  # each use of a block names all its adapters
        adapters: list[Block] = [LowRankAdapter(rank, width, 2.0 * inner, names, shares, "mlp")]
        if attends:
            adapters += [LowRankAdapter(rank, inputs, inputs, names, shares)] * 3
        used = shared if first or not shares else borrowed
        return [*used, *adapters, Projection(part="mixer"), *layer]

    return make


def _zamba2_mixer(c: Config, bias: bool) -> Mamba2:
    inner, heads = c.integer("mamba_expand") * c.integer("hidden_size"), c.integer("n_mamba_heads")
    head_width = c.integer("mamba_headdim", inner // heads)
    if head_width * heads != inner:
        c.contradiction(
            "n_mamba_heads",
            f"{int(heads)} heads of {int(head_width)} are not {int(inner)} channels",
        )
    groups = c.integer("mamba_ngroups")
    if heads % groups:
        c.contradiction("mamba_ngroups", f"the {int(heads)} heads are no multiple of it")
    c.ignore("use_conv_bias")  # the reference code always has that bias
    return Mamba2(
        heads=heads, head_width=head_width, state=c.integer("mamba_d_state"), groups=groups,
        kernel=c.integer("mamba_d_conv"), chunk=c.integer("chunk_size"),
        bias_in=bias, bias_out=bias,
    )  # fmt: skip
