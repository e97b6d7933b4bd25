"""Nemotron-H: layers of one block each, Mamba-2, attention, feed-forward or experts."""

from __future__ import annotations

from collections.abc import Callable

from paramscale.architecture.embedding import Projection
from paramscale.architecture.experts import MixtureOfExperts
from paramscale.architecture.mamba2 import Mamba2
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import attention, decoder, plain_mlp, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.recurrent import FULL, LINEAR, agree, mixer_kinds
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec

_KINDS = {"M": LINEAR, "*": FULL, "-": "mlp", "E": "moe"}

#: What the class takes when neither list nor pattern is given.
_USUAL = [LINEAR, "moe", FULL, "mlp"]


def _kinds(c: Config) -> list[str]:
    """Return the kind of each layer from the list, else from the older pattern of letters."""
    stated = c.items("layers_block_type")
    pattern = c.get("hybrid_override_pattern")
    if stated is not None:
        kinds = mixer_kinds(
            c, len(stated), list(_KINDS.values()), lambda i: "", "layers_block_type"
        )
    elif pattern is not None:
        if not isinstance(pattern, str) or not pattern or set(pattern) - _KINDS.keys():
            c.refuse("hybrid_override_pattern", f"its letters are {', '.join(_KINDS)}")
        kinds = [_KINDS[letter] for letter in pattern]
    elif c.bare:
        kinds = _USUAL
    else:
        c.contradiction("layers_block_type", "the kinds of the layers must be given")
    if c.has("num_hidden_layers") and c.count("num_hidden_layers") != len(kinds):
        c.contradiction("num_hidden_layers", f"{len(kinds)} kinds of layers are given")
    return kinds


def _mixer(c: Config) -> Mamba2:
    def first(older: str, name: str) -> str:  # the names of the first files come before the class's
        c.ignore(name)
        return older if c.has(older) else name

    c.ignore("expand", "mamba_expand", "mamba_proj_bias")  # read by the class, used by no layer
    heads, bias = c.integer("mamba_num_heads"), c.flag("use_bias")
    groups = c.integer(first("mamba_n_groups", "n_groups"))
    if heads % groups:
        c.contradiction("n_groups", f"the {int(heads)} heads are no multiple of it")
    return Mamba2(
        heads=heads, head_width=c.integer("mamba_head_dim"), state=c.integer("ssm_state_size"),
        groups=groups, kernel=c.integer(first("mamba_d_conv", "conv_kernel")),
        chunk=c.integer(first("mamba_chunk_size", "chunk_size")), bias_in=bias, bias_out=bias,
        conv_bias=c.flag(first("mamba_conv_bias", "use_conv_bias")),
    )  # fmt: skip


def _experts(c: Config) -> list[Block]:
    """Return experts without gate; they may stand between two projections to a small latent."""
    latent, bias = c.optional("moe_latent_size"), c.flag("mlp_bias")
    shared = c.integer("moe_shared_expert_intermediate_size", low=0)
    experts = MixtureOfExperts(
        c.integer("n_routed_experts"),
        c.integer("num_experts_per_tok"),
        c.integer("moe_intermediate_size"),
        shared if shared > 0 else c.integer("intermediate_size"),
        gated=False, shared_gated=False, shared_bias=bias, correction="buffer",
        expert_width=latent,
    )  # fmt: skip
    if latent is None:
        return [experts]
    into = Projection(outputs=latent, bias=bias, part="experts")
    return [into, experts, Projection(inputs=latent, bias=bias, part="experts")]


@family("nemotron_h")
def nemotron_h(c: Config) -> ModelSpec:
    """Return a Nemotron-H or Nemotron 3 model; its attention has neither biases nor positions."""
    attend = attention(
        c, head_width=c.integer("head_dim"), kv_heads=c.integer("num_key_value_heads")
    )
    agree(c, attention_head_dim=attend.head_width, num_query_groups=attend.kv_heads)
    if c.optional("sliding_window") is not None:
        c.ignore("sliding_window")  # read by the class, used by no layer
    make: dict[str, Callable[[], list[Block]]] = {
        FULL: lambda: [attend],
        LINEAR: lambda: [_mixer(c)],
        "mlp": lambda: [plain_mlp(c, bias=c.flag("mlp_bias"))],
        "moe": lambda: _experts(c),
    }
    c.ignore(
        "time_step_rank",
        "n_shared_experts",
        "moe_shared_expert_overlap",
        "num_nextn_predict_layers",
    )
    c.ignore("tie_word_embeddings")  # the reference code names no tensors to tie for this type
    layers = stack(_kinds(c), lambda kind: [Norm(), *make[kind]()])
    return decoder(c, layers, tied=False)
