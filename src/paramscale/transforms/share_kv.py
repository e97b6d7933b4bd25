"""Keys and values shared by more heads, or rebuilt from one latent a token."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import attrs
import numpy as np

from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.architecture.latent_attention import LatentAttention
from paramscale.errors import SpecError
from paramscale.specs.bill import total
from paramscale.specs.block import Block
from paramscale.specs.changes import SHAPES, SharedKV
from paramscale.specs.fields import to_floats
from paramscale.specs.model import ModelSpec
from paramscale.specs.passes import Pass
from paramscale.transforms.chain import changed, each_block, in_order, model_of, transform
from paramscale.typing import Floats, FloatsLike

__all__ = ["share_kv", "with_kv_heads", "with_latent"]


@singledispatch
def with_kv_heads(item: Any, kv_heads: Floats) -> Block:
    """Return attention with so many key-value heads; other blocks are returned as they are."""
    found: Block = item
    return found


@with_kv_heads.register
def _(item: GroupedAttention, kv_heads: Floats) -> Block:
    if np.any(kv_heads > item.kv_heads) or np.any(np.remainder(item.heads, kv_heads)):
        raise SpecError(
            f"share_kv(kv_heads={kv_heads:g}): attention has {item.heads:g} heads and"
            f" {item.kv_heads:g} key-value heads; write a divisor of {item.heads:g} that is at most"
            f" {item.kv_heads:g}"
        )
    cached = None if item.cached_heads is None else np.minimum(item.cached_heads, kv_heads)
    return attrs.evolve(item, kv_heads=kv_heads, cached_heads=cached)


@singledispatch
def with_latent(item: Any, rank: Floats, rope: Floats) -> Block:
    """Return attention that caches a latent; other blocks are returned as they are."""
    found: Block = item
    return found


@with_latent.register
def _(item: GroupedAttention, rank: Floats, rope: Floats) -> Block:
    """Keep heads and their widths; each query and key gets rotary channels beside its own."""
    return LatentAttention(
        heads=item.heads,
        kv_rank=rank,
        nope_width=item.head_width,
        rope_width=rope,
        value_width=item.head_width if item.value_width is None else item.value_width,
        window=item.window,
        sinks=item.sinks,
    )


@transform("share_kv")
def share_kv(
    model: ModelSpec | str,
    kv_heads: FloatsLike | None = None,
    *,
    latent: FloatsLike | None = None,
    rope: FloatsLike = 64.0,
    recovery_tokens: FloatsLike = 0.0,
) -> ModelSpec:
    """Return the model with a smaller cache: fewer key-value heads, or one latent a token.

    Fewer heads are grouped-query attention (arXiv:2305.13245), one is multi-query. A latent
    (arXiv:2405.04434) is cached with one rotary key for all heads: rank + rope elements a token.

    Parameters
    ----------
    model : ModelSpec or str
        A model with grouped or multi-head attention, or the name of a published one.
    kv_heads : FloatsLike, optional
        Key-value heads; or give `latent`.
    latent : FloatsLike, optional
        Channels of the latent.
    rope : FloatsLike
        Rotary channels that are cached beside the latent.
    recovery_tokens : FloatsLike
        Tokens of training afterwards.

    Raises
    ------
    SpecError
        If not exactly one of the two is given, the number of heads does not divide the query heads
        or is no smaller than it was, no layer has grouped attention, or weights are rounded.

    Examples
    --------
    >>> import paramscale as ps
    >>> ps.share_kv("llama-2-7b", kv_heads=8).changes[-1].share
    np.float64(0.25)
    """
    model = model_of(model)
    in_order(model, "share_kv(...)", SHAPES)
    if (kv_heads is None) == (latent is None):
        raise SpecError("share_kv(...) needs kv_heads or latent, one of the two")
    heads: Floats = np.float64(np.nan)
    rank: Floats = heads
    if kv_heads is not None:
        heads = to_floats(kv_heads, "share_kv(kv_heads)")
        fields = each_block(model, lambda item: with_kv_heads(item, heads))
    else:
        rank, turned = to_floats(latent, "share_kv(latent)"), to_floats(rope, "share_kv(rope)")
        fields = each_block(model, lambda item: with_latent(item, rank, turned))
    after = attrs.evolve(model, **fields)
    share = _entries(after) / _entries(model)
    if np.all(share >= 1.0):
        raise SpecError(
            f"share_kv(...) leaves the cache of {model.name!r} as large as it was, {share:.3g} of"
            " it; write fewer key-value heads, or a smaller latent"
        )
    record = SharedKV(
        kv_heads=heads,
        kv_rank=rank,
        share=share,
        recovery_tokens=to_floats(recovery_tokens, "recovery_tokens"),
    )
    return changed(after, record, "shared keys" if latent is None else "latent keys")


def _entries(model: ModelSpec) -> Floats:
    """Return the cache elements that one more token of context adds."""
    longer, shorter = (
        total(model.operations(Pass(1.0, 1.0, cached)), lambda op: op.state)
        for cached in (3.0, 2.0)  # below any window
    )
    return np.maximum(longer - shorter, 1.0)
