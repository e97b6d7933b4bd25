"""Inkling 1 and 2: short convolutions around attention, relative biases, windows, experts."""

from __future__ import annotations

import attrs

from paramscale.architecture.attention_residual import AttentionResidual
from paramscale.architecture.depthwise import DepthwiseConvolution
from paramscale.architecture.embedding import Projection, Table
from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.architecture.head import Head
from paramscale.architecture.norm import Norm
from paramscale.architecture.relative_bias import RelativeBias
from paramscale.architecture.vectors import Vectors
from paramscale.io.hf.common import decoder, gated_mlp, layer_kinds, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import fine_experts, listed_kinds, numbers
from paramscale.specs.block import Block
from paramscale.specs.model import Layer, ModelSpec

_WHOLE, _SLIDING = "hybrid", "hybrid_sliding"


def _attention(c: Config, slides: bool, qk_norm: str, gate: str) -> GroupedAttention:
    """Return attention, whose layers with a window have sizes of their own."""
    prefix = "swa_" if slides else ""
    heads = c.integer(f"{prefix}num_attention_heads")
    kv_heads = c.integer(f"{prefix}num_key_value_heads")
    if heads % kv_heads:
        c.contradiction(f"{prefix}num_key_value_heads", f"the {int(heads)} heads are no multiple")
    return GroupedAttention(
        heads, kv_heads, c.integer(f"{prefix}head_dim"), qk_norm=qk_norm, gate=gate,
        window=c.integer("sliding_window_size") if slides else None,
    )  # fmt: skip


def _beside(
    c: Config, attend: GroupedAttention, *, dynamic: bool = False, scaled: bool = False
) -> list[Block]:
    """Return the convolutions of keys and of values, and the relative bias."""
    convolve = DepthwiseConvolution(
        c.integer("conv_kernel_size"), attend.kv_heads * attend.head_width,
        dynamic_heads=attend.kv_heads if dynamic else None,
    )  # fmt: skip
    extent = c.integer("rel_extent") if attend.window is None else attend.window
    return [
        convolve,
        convolve,
        RelativeBias(attend.heads, c.integer("d_rel"), extent, scaled=scaled),
    ]


def _model(c: Config, layers: list[Layer], *before_norm: Block) -> ModelSpec:
    """Return the model with its normed table; the head has its own matrix."""
    rows = c.integer("vocab_size")
    c.optional("unpadded_vocab_size")  # logits beyond it are computed and dropped
    c.flag("tie_word_embeddings")  # the class never ties
    head = [*before_norm, Norm(), Head(rows)]
    return decoder(c, layers, embedding=[Table(rows, normed=True)], head=head)


@family("inkling_text")
def inkling(c: Config) -> ModelSpec:
    """Return an Inkling: the router also weighs the shared experts, and scales all of them."""
    convolve = DepthwiseConvolution(c.integer("conv_kernel_size"))
    layers = c.count("num_hidden_layers")
    local = numbers(c, "local_layer_ids")
    kinds = layer_kinds(
        c, layers, (_WHOLE, _SLIDING),
        lambda i: _SLIDING if ((i + 1) % 6 if local is None else i in local) else _WHOLE,
    )  # fmt: skip
    dense = int(c.integer("dense_mlp_idx", 0, low=0))
    feeds = listed_kinds(c, lambda i: i >= dense)
    wide, fine = "intermediate_size", "moe_intermediate_size"
    if c.has("dense_intermediate_size"):
        wide, fine = "dense_intermediate_size", "intermediate_size"
    inner, shared = c.integer(fine), c.integer("n_shared_experts")
    sparse = fine_experts(c, shared=None, shared_inner=shared * inner)
    sparse = attrs.evolve(sparse, inner=inner, router_outputs=sparse.experts + shared)
    blocks: dict[str, Block] = {"dense": gated_mlp(c, wide), "sparse": sparse}
    c.ignore(
        "shared_expert_sink", "num_mtp_layers", "chain_hidden_post_norm", "mtp_local_layer_ids"
    )

    def make(kind: tuple[str, str]) -> list[Block]:
        attend = _attention(c, kind[0] == _SLIDING, "head", "none")
        scale = Vectors(1.0, 1.0, "router" if kind[1] == "sparse" else "mlp")
        return [
            Norm(), attend, *_beside(c, attend), convolve,
            Norm(), blocks[kind[1]], scale, convolve,
        ]  # fmt: skip

    return _model(c, stack(list(zip(kinds, feeds, strict=True)), make))


def _residual(sums: int, queries: float = 1.0) -> AttentionResidual:
    """Return an attention residual whose norm learns nothing."""
    return AttentionResidual(sums, queries, form="none", part="attention")


@family("inkling2_text")
def inkling2(c: Config) -> ModelSpec:
    """Return an Inkling 2: block attention residuals, gated attention, taps from each token."""
    convolve = DepthwiseConvolution(c.integer("conv_kernel_size"))
    layers, group = c.count("num_hidden_layers"), c.count("n_layers_per_attn_res_block")
    kinds = layer_kinds(
        c, layers, (_WHOLE, _SLIDING), lambda i: _SLIDING if (i + 1) % 6 else _WHOLE
    )
    feed = fine_experts(c, shared=None)

    def make(kind: tuple[str, int, int]) -> list[Block]:
        name, before, after = kind
        whole = name == _WHOLE
        attend = _attention(c, not whole, "none", "elements")
        inputs = 3.0 if whole else 1.0
        residual = [_residual(before, inputs)] if before else []
        return [
            *residual, *[Norm()] * int(inputs), attend,
            *_beside(c, attend, dynamic=whole, scaled=True),
            Projection(outputs=attend.heads, part="attention"),  # the sink of each head
            Vectors(attend.heads, attend.head_width, "attention"),
            convolve, _residual(after), Norm(), feed, convolve,
        ]  # fmt: skip

    # sources are the embedding and whole groups before a layer, and the group so far
    sources = [(-(-i // group) + 1 if i else 0, i // group + 2) for i in range(layers)]
    rows = stack([(kind, *pair) for kind, pair in zip(kinds, sources, strict=True)], make)
    return _model(c, rows, _residual((layers - 1) // group + 2))
