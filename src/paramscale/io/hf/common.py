"""What the families share: the usual decoder, put together from the usual fields."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from paramscale.architecture.embedding import Table
from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.architecture.head import Head
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.io.hf.config import Config
from paramscale.specs.block import Block
from paramscale.specs.model import Layer, ModelSpec
from paramscale.typing import Floats

__all__ = [
    "attention",
    "biased",
    "decoder",
    "even_attention",
    "gated_mlp",
    "layer_kinds",
    "plain_mlp",
    "pre_norm",
    "same_layers",
    "stack",
    "tables",
    "windowed",
]

K = TypeVar("K", bound=Hashable)


def tables(c: Config, positions: str = "max_position_embeddings", extra: int = 0) -> list[Block]:
    """Return the token table and a table of learned positions with `extra` unused rows."""
    return [
        Table(c.integer("vocab_size")),
        Table(c.integer(positions) + extra, of="position_embedding"),
    ]


def stack(kinds: Sequence[K], make: Callable[[K], Sequence[Block]]) -> list[Layer]:
    """Return the layers of a stack in which equal kinds are taken together.

    Parameters
    ----------
    kinds : sequence of hashable
        What kind each layer is, from the first to the last.
    make : callable
        Gives the blocks of a layer of one kind; called once a kind.
    """
    counts: dict[K, int] = {}
    for kind in kinds:
        counts[kind] = counts.get(kind, 0) + 1
    return [Layer(make(kind), count) for kind, count in counts.items()]


def same_layers(
    c: Config, blocks: Sequence[Block], field: str = "num_hidden_layers"
) -> list[Layer]:
    """Return as many equal layers as a field says."""
    return [Layer(blocks, c.count(field))]


def attention(c: Config, **changes: Any) -> GroupedAttention:
    """Return grouped attention from the usual fields; `changes` are fields of the block."""
    heads = c.integer("num_attention_heads")
    kv_heads = c.optional("num_key_value_heads")
    values: dict[str, Any] = {
        "heads": heads,
        "kv_heads": heads if kv_heads is None else kv_heads,
        "head_width": c.head_width(c.integer("hidden_size"), heads),
    }
    values.update(changes)
    if values["heads"] % values["kv_heads"]:
        c.contradiction(
            "num_key_value_heads", f"the {int(values['heads'])} heads are no multiple of it"
        )
    return GroupedAttention(**values)


def even_attention(
    c: Config, width: Floats, heads: Floats, kv_heads: Floats | None = None, **changes: Any
) -> GroupedAttention:
    """Return attention whose heads share the width evenly, where the class has no ``head_dim``."""
    if width % heads:
        c.contradiction("hidden_size", f"the {int(heads)} heads do not divide {int(width)}")
    if c.has("head_dim") and c.integer("head_dim") != width // heads:
        c.contradiction("head_dim", f"its class gives the heads {int(width // heads)} channels")
    kv_heads = heads if kv_heads is None else kv_heads
    if heads % kv_heads:
        c.contradiction("num_key_value_heads", f"{int(heads)} heads are no multiple of it")
    return GroupedAttention(heads, kv_heads, width // heads, **changes)


def biased(query_key_value: bool, output: bool | None = None) -> dict[str, bool]:
    """Return the bias fields of an attention block from one or two flags."""
    return {
        "query_bias": query_key_value,
        "key_bias": query_key_value,
        "value_bias": query_key_value,
        "output_bias": query_key_value if output is None else output,
    }


def gated_mlp(c: Config, inner: str = "intermediate_size", *, bias: bool = False) -> MLP:
    """Return a gated feed-forward block from its field."""
    return MLP(c.integer(inner), gated=True, bias_in=bias, bias_out=bias)


def plain_mlp(
    c: Config,
    inner: str = "intermediate_size",
    *,
    bias: bool = False,
    default: Floats | None = None,
) -> MLP:
    """Return a feed-forward block without a gate from its field."""
    return MLP(c.integer(inner, default), gated=False, bias_in=bias, bias_out=bias)


def pre_norm(attend: Block, feed: Block, norm: str = "rms") -> list[Block]:
    """Return the usual layer: a norm before attention, and one before the feed-forward block."""
    return [Norm(norm), attend, Norm(norm), feed]


def windowed(
    c: Config,
    make: Callable[[Floats | None], Sequence[Block]],
    default: Callable[[int], bool],
    window: Floats | None = None,
) -> list[Layer]:
    """Return layers of which some see a sliding window and the others the whole context.

    Parameters
    ----------
    make : callable
        Gives the blocks of a layer from its window, which is None where it sees everything.
    default : callable
        Says whether layer i has the window, where the file has no ``layer_types``.
    window : Floats, optional
        The window; by default the field ``sliding_window``.
    """
    slides, sees_all = "sliding_attention", "full_attention"
    window = c.optional("sliding_window") if window is None else window
    layers = c.count("num_hidden_layers")
    kinds = layer_kinds(c, layers, (slides, sees_all), lambda i: slides if default(i) else sees_all)
    return stack(kinds, lambda kind: make(window if kind == slides else None))


def layer_kinds(
    c: Config, layers: int, options: Sequence[str], default: Callable[[int], str]
) -> list[str]:
    """Return ``layer_types``, or what `default` says of each layer where the file is silent."""
    kinds = c.items("layer_types", layers)
    if kinds is None:
        return [default(i) for i in range(layers)]
    for kind in kinds:
        if kind not in options:
            c.refuse("layer_types", f"modelled are {', '.join(map(repr, options))}")
    return kinds


def decoder(
    c: Config,
    layers: Sequence[Layer],
    *,
    norm: str = "rms",
    width: Floats | None = None,
    embedding: Sequence[Block] | None = None,
    head: Sequence[Block] | None = None,
    tied: bool | None = None,
    head_bias: bool = False,
    draft: Sequence[Layer] = (),
) -> ModelSpec:
    """Return the model: token table, layers, final norm and head, unless others are given."""
    width = c.integer("hidden_size") if width is None else width
    if embedding is None:
        embedding = [Table(c.integer("vocab_size"))]
    if head is None:
        tie = c.flag("tie_word_embeddings") if tied is None else tied
        head = [Norm(norm), Head(c.integer("vocab_size"), tied=tie, bias=head_bias)]
    name = c.get("_name_or_path")
    return ModelSpec(
        width=width,
        layers=layers,
        embedding=embedding,
        head=head,
        draft=draft,
        name=name if isinstance(name, str) and name else c.model_type,
        family=c.model_type,
        max_context=_max_context(c),
    )


def _max_context(c: Config) -> Floats | None:
    for name in ("max_position_embeddings", "n_positions", "max_seq_len", "model_max_length"):
        value = c.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return c.optional(name)
    return None
