"""Smaller shapes of a model: fewer channels, heads, layers or experts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from paramscale.errors import SpecError
from paramscale.specs.block import Block, fields_of
from paramscale.specs.model import Layer, ModelSpec
from paramscale.transforms.chain import each_block
from paramscale.typing import Floats

__all__ = ["with_channels", "with_experts", "with_heads", "with_layers"]

_ROUND = 16.0  # channels stay a multiple of this

#: Fields that repeat the model's width where a block states it.
_WIDTHS = ("channels", "input_width", "inputs", "outputs")

#: Fields that hold the channels of feed-forward blocks.
_INNER = ("inner", "shared_inner")


def _whole(value: Floats, keep: Floats, grain: float = _ROUND) -> Floats:
    """Return about a share of some channels, in whole grains, never more than there are."""
    return np.minimum(np.maximum(np.rint(value * keep / grain), 1.0) * grain, value)


def _evolved(item: Block, new: Callable[[str, Any], Any]) -> Block:
    """Return a block with the fields that `new` gives, also inside other blocks."""
    changes: dict[str, Any] = {}
    for field in fields_of(item):
        value: Any = getattr(item, field.name)
        found: Any
        if isinstance(value, Block):
            found = _evolved(value, new)
        else:
            found = None if value is None else new(field.name, value)
        if found is not None and found is not value:
            changes[field.name] = found
    return attrs.evolve(item, **changes) if changes else item  # type: ignore[misc]


def _same(model: ModelSpec, fields: dict[str, Any]) -> bool:
    """Tell whether no block of the layers was changed."""
    pairs = zip(fields["layers"], model.layers, strict=True)
    return all(a is b for new, old in pairs for a, b in zip(new.blocks, old.blocks, strict=True))


def with_channels(
    model: ModelSpec,
    *,
    keep: Floats | None = None,
    width: Floats | None = None,
    inner: Floats | None = None,
) -> ModelSpec:
    """Return the model with fewer channels of the hidden state and of feed-forward blocks.

    Heads keep their number and width. With `inner` given, blocks of other widths than the largest
    shrink in proportion.
    """
    if keep is not None:
        width = _whole(model.width, keep)
    now = model.width if width is None else width
    if np.any(now > model.width):
        raise SpecError(
            f"prune(width={np.max(now):.0f}): the model has {model.width:.0f} channels; write fewer"
        )
    found = [getattr(item, name, None) for _, item in model.walk() for name in _INNER]
    widths = [each for each in found if each is not None]
    if inner is not None and not widths:
        raise SpecError(f"prune(inner=...): {model.name!r} has no feed-forward blocks; write width")
    largest = np.max([np.max(each) for each in widths]) if widths else 1.0

    def new(name: str, value: Any) -> Any:
        if name in _INNER and keep is not None:
            return _whole(value, keep)
        if name in _INNER and inner is not None:
            return np.rint(value * (inner / largest))
        if name in _WIDTHS and np.all(value == model.width):
            return now
        return value

    around: dict[str, Any] = {
        place: tuple(_evolved(item, new) for item in getattr(model, place))
        for place in ("embedding", "head")
    }
    fields = each_block(model, lambda item: _evolved(item, new))
    return attrs.evolve(model, width=now, **around, **fields)


def with_heads(
    model: ModelSpec, *, keep: Floats | None = None, heads: Floats | None = None
) -> ModelSpec:
    """Return the model with fewer heads: whole groups that share a key, or all of one key's.

    Key-value heads are kept as far as they divide the heads that are left.
    """

    def change(item: Block) -> Block:
        inner = {f.name: change(v) for f in fields_of(item)
                 if isinstance(v := getattr(item, f.name), Block)}  # fmt: skip
        item = attrs.evolve(item, **inner) if inner else item  # type: ignore[misc]
        return _fewer_heads(item, keep, heads)

    fields = each_block(model, change)
    if _same(model, fields):
        raise SpecError(
            f"prune(structure='heads') changes nothing: no block of {model.name!r} has heads that"
            " can be taken away in that number"
        )
    return attrs.evolve(model, **fields)


def _fewer_heads(item: Block, keep: Floats | None, heads: Floats | None) -> Block:
    now = getattr(item, "heads", None)
    if now is None:
        return item
    shared = getattr(item, "kv_heads", None)
    if keep is not None:  # a group of query heads goes with its key, unless there is one for all
        groups = now if shared is None else np.where(shared > 1.0, shared, now)[()]
        left = np.maximum(np.rint(groups * keep), 1.0)
        heads = left * (now / groups)
        shared = None if shared is None else np.where(shared > 1.0, left, shared)[()]
    assert heads is not None
    if np.any(heads > now):
        raise SpecError(
            f"prune(heads={np.max(heads):.0f}): attention has {np.max(now):.0f} heads; write fewer"
        )
    if shared is None:
        return attrs.evolve(item, heads=heads)  # type: ignore[misc]
    if np.any(np.remainder(heads, shared)):
        raise SpecError(
            f"prune(heads={np.max(heads):.0f}) leaves key-value heads, {np.max(shared):.0f}, that"
            f" do not divide the heads; write a multiple of {np.max(shared):.0f}"
        )
    return attrs.evolve(item, heads=heads, kv_heads=shared)  # type: ignore[misc]


def with_layers(
    model: ModelSpec, *, keep: Floats | None = None, layers: Floats | None = None
) -> ModelSpec:
    """Return the model with fewer layers, of each kind in proportion; the commonest rounds."""
    kinds = len(model.layers)
    wanted = layers
    if keep is not None:  # at least one layer of each kind stays
        wanted = np.maximum(np.rint(model.depth * keep), float(kinds))
    assert wanted is not None
    if np.any(wanted > model.depth) or np.any(wanted < kinds):
        raise SpecError(
            f"prune(layers={np.min(wanted):.0f}): {model.name!r} has {np.max(model.depth):.0f}"
            f" layers of {kinds} kind{'s'[: kinds > 1]}; write a number from {kinds} to"
            f" {np.max(model.depth):.0f}"
        )
    share = wanted / model.depth
    counts = [np.maximum(np.rint(layer.count * share), 1.0) for layer in model.layers]
    commonest = int(np.argmax([np.max(layer.count) for layer in model.layers]))
    rest = sum((c for i, c in enumerate(counts) if i != commonest), np.float64(0.0))
    counts[commonest] = np.maximum(wanted - rest, 1.0)
    fewer = tuple(
        Layer(layer.blocks, count) for layer, count in zip(model.layers, counts, strict=True)
    )
    return attrs.evolve(model, layers=fewer)


def with_experts(
    model: ModelSpec, *, keep: Floats | None = None, experts: Floats | None = None
) -> ModelSpec:
    """Return the model with fewer routed experts; a token passes as many as before."""

    def change(item: Block) -> Block:
        inner = {f.name: change(v) for f in fields_of(item)
                 if isinstance(v := getattr(item, f.name), Block)}  # fmt: skip
        item = attrs.evolve(item, **inner) if inner else item  # type: ignore[misc]
        now, chosen = getattr(item, "experts", None), getattr(item, "chosen", None)
        if now is None or chosen is None:
            return item
        left = np.rint(now * keep) if keep is not None else experts
        assert left is not None
        if np.any(left < chosen) or np.any(left > now):
            raise SpecError(
                f"prune(experts={np.min(left):.0f}): a token passes {np.max(chosen):.0f} of"
                f" {np.max(now):.0f} experts; write a number from {np.max(chosen):.0f} to"
                f" {np.max(now):.0f}"
            )
        return attrs.evolve(item, experts=left)  # type: ignore[misc]

    fields = each_block(model, change)
    if _same(model, fields):
        raise SpecError(
            f"prune(structure='experts'): {model.name!r} has no experts; write structure='width'"
        )
    return attrs.evolve(model, **fields)
