"""Gemma 3n and 4: embeddings for each layer, reused caches, two kinds of heads."""

from __future__ import annotations

from typing import Any, NamedTuple

from paramscale.architecture.alternating_updates import AlternatingUpdates
from paramscale.architecture.embedding import Projection, Table
from paramscale.architecture.experts import MixtureOfExperts
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import attention, biased, decoder, layer_kinds, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats

_SLIDES, _FULL = "sliding_attention", "full_attention"
_PART = "per_layer_input"


class _Kind(NamedTuple):
    """What distinguishes the layers of one model."""

    slides: bool
    reuses: bool
    inner: Floats


def _kinds(c: Config, every: int, inner: list[Floats], last_is_full: bool) -> list[_Kind]:
    layers = c.count("num_hidden_layers")
    types = layer_kinds(
        c, layers, (_SLIDES, _FULL), lambda i: _SLIDES if (i + 1) % every else _FULL
    )
    if last_is_full:
        types[-1] = _FULL  # the reference class forces it
    shared = int(c.integer("num_kv_shared_layers", 0, low=0))
    own = layers - shared
    if shared and set(types[:own]) != set(types):
        c.contradiction(
            "num_kv_shared_layers", "each kind of layer needs one that computes keys and values"
        )
    return [
        _Kind(kind == _SLIDES, i >= own, width)
        for i, (kind, width) in enumerate(zip(types, inner, strict=True))
    ]


def _layer_inputs(c: Config, layers: int) -> tuple[list[Block], list[Block]]:
    """Return what embeds the input of each layer, and what a layer does with it."""
    channels = c.optional("hidden_size_per_layer_input", low=0)
    if not channels:
        return [], []
    width = layers * channels
    before: list[Block] = [
        Table(c.integer("vocab_size_per_layer_input"), "other_embedding", width),
        Projection(outputs=width, part=_PART),
        Norm(channels=channels),
    ]
    return before, [
        Projection(outputs=channels, part=_PART),
        Projection(inputs=channels, part=_PART),
        Norm(),
    ]


def _window(c: Config, switch: object) -> Floats:
    window = c.integer("sliding_window")
    return window // 2 + 1 if switch else window


@family("gemma3n_text")
def gemma3n(c: Config) -> ModelSpec:
    """Return a Gemma 3n model: AltUp streams, low-rank residuals (LAuReL), shared caches."""
    layers = c.count("num_hidden_layers")
    given = c.get("intermediate_size")
    widths = given if isinstance(given, list) else [given] * layers
    inner = [_whole(c, "intermediate_size", value) for value in widths]
    if len(inner) != layers:
        c.contradiction("intermediate_size", f"the model has {layers} layers")
    before, within = _layer_inputs(c, layers)
    window = _window(c, c.get("use_bidirectional_attention"))
    bias = biased(c.flag("attention_bias"))
    streams = c.integer("altup_num_inputs")
    rank = c.integer("laurel_rank")

    def layer(kind: _Kind) -> list[Block]:
        attend = attention(
            c,
            window=window if kind.slides else None,
            shares_cache=kind.reuses,
            qk_norm="head",
            **bias,
        )
        laurel = [Projection(outputs=rank, part="laurel"), Projection(inputs=rank, part="laurel")]
        return [
            AlternatingUpdates(streams), Norm(), *laurel, Norm(), attend, Norm(),
            Norm(), MLP(kind.inner), Norm(), *within,
        ]  # fmt: skip

    more: list[Block] = [Projection(part="alternating_updates")] * int(streams - 1)
    model = decoder(c, stack(_kinds(c, 5, inner, False), layer))
    return _between(model, [*before, *more], more)


def _between(model: ModelSpec, before: list[Block], after: list[Block]) -> ModelSpec:
    """Return the model with blocks after its embedding, and others before its head."""
    import attrs

    return attrs.evolve(model, embedding=[*model.embedding, *before], head=[*after, *model.head])


def _whole(c: Config, name: str, value: object) -> Floats:
    """Return one entry of a field that may be a list."""
    one = Config({name: value}, c.model_type, c.known)
    return one.integer(name)


@family("gemma4_text", "gemma4_unified_text")
def gemma4(c: Config) -> ModelSpec:
    """Return a Gemma 4 model: full layers have wider heads, and may take their values from keys."""
    if c.has("per_layer_config"):
        c.refuse("per_layer_config", "modelled are global_head_dim and num_global_key_value_heads")
    layers = c.count("num_hidden_layers")
    inner = c.integer("intermediate_size")
    kinds = _kinds(c, 6, [inner] * layers, True)
    if c.flag("use_double_wide_mlp"):
        kinds = [k._replace(inner=2.0 * inner) if k.reuses else k for k in kinds]
    before, within = _layer_inputs(c, layers)
    values_are_keys = c.flag("attention_k_eq_v")
    full: dict[str, Any] = {
        "head_width": c.integer("global_head_dim", 512),
        "value_from_key": values_are_keys,
    }
    wide_heads = c.optional("num_global_key_value_heads")
    if values_are_keys and wide_heads is not None:
        full["kv_heads"] = wide_heads
    slides = {"window": _window(c, c.get("use_bidirectional_attention") == "all")}
    bias = biased(c.flag("attention_bias"))

    def layer(kind: _Kind) -> list[Block]:
        more = slides if kind.slides else full
        attend = attention(c, shares_cache=kind.reuses, qk_norm="head", **bias, **more)
        return [
            Norm(), attend, Norm(), Norm(), MLP(kind.inner), Norm(), *_experts(c), *within,
        ]  # fmt: skip

    return _between(decoder(c, stack(kinds, layer)), before, [])


def _experts(c: Config) -> list[Block]:
    """Return the experts beside the dense block, with their norms, or nothing."""
    if not c.flag("enable_moe_block"):
        c.ignore("num_experts", "top_k_experts", "moe_intermediate_size")
        return []
    experts = MixtureOfExperts(
        c.integer("num_experts"),
        c.integer("top_k_experts"),
        c.integer("moe_intermediate_size"),
        correction="parameter",  # a learned scale for each expert
    )
    # three norms of the two branches, and the router's own, whose scale is learned
    return [Norm(), Norm(), Norm(), Norm(), experts]
