"""Larger and smaller members of a family, all of them at once."""

from __future__ import annotations

from functools import reduce
from math import gcd
from typing import Any

import attrs
import numpy as np

from paramscale.errors import SpecError
from paramscale.specs.block import Block, fields_of, is_block
from paramscale.specs.fields import to_floats
from paramscale.specs.model import Layer, ModelSpec
from paramscale.specs.passes import Pass
from paramscale.typing import Floats, FloatsLike

__all__ = ["scaled_to"]

_ROUND = 16.0  # channels of a feed-forward block stay a multiple of this


def _held(model: ModelSpec, blocks: Any) -> Floats:
    step = Pass(1, 1)
    return sum(
        (op.weights for item in blocks for op in item.operations(model.width, step)),
        start=np.float64(0.0),
    )


def _grain(model: ModelSpec) -> int:
    """Return the number of equal steps in which the family's width can be divided."""
    exact = [int(model.width)]
    for _, item in model.walk():
        for field in fields_of(item):
            value = getattr(item, field.name)
            if field.metadata.get("scales") == "exactly" and value is not None and value > 1:
                exact.append(int(value))
    return reduce(gcd, exact)


def _scaled_block(item: Block, factor: Floats) -> Block:
    changes: dict[str, Any] = {}
    for field in fields_of(item):
        value = getattr(item, field.name)
        how = field.metadata.get("scales", "")
        if is_block(value):
            changes[field.name] = _scaled_block(value, factor)
        elif how == "exactly" and value is not None and value > 1:
            changes[field.name] = np.rint(value * factor)
        elif how == "about" and value is not None:
            changes[field.name] = np.maximum(np.rint(value * factor / _ROUND), 1.0) * _ROUND
    return attrs.evolve(item, **changes) if changes else item  # type: ignore[misc]


def _with_width(model: ModelSpec, factor: Floats) -> ModelSpec:
    def each(stack: tuple[Block, ...]) -> tuple[Block, ...]:
        return tuple(_scaled_block(item, factor) for item in stack)

    def layers(stack: tuple[Layer, ...]) -> tuple[Layer, ...]:
        return tuple(attrs.evolve(layer, blocks=each(layer.blocks)) for layer in stack)

    return attrs.evolve(
        model,
        width=np.rint(model.width * factor),
        embedding=each(model.embedding),
        head=each(model.head),
        layers=layers(model.layers),
        draft=layers(model.draft),
    )


def scaled_to(base: ModelSpec, parameters: FloatsLike) -> ModelSpec:
    """Return the member of `base`'s family whose size is nearest to `parameters`.

    The width is chosen first, as the cube root of the ratio of sizes at the family's own ratio of
    depth to width; the number of layers then takes up what the width left over.
    """
    wanted = to_floats(parameters, "of_size(parameters)")
    if np.any(~(wanted > 0) | ~np.isfinite(wanted)):
        raise SpecError(f"of_size(parameters) must be positive and finite, not {parameters!r}")
    if base.arrays():
        raise SpecError(f"of_size(like=...) needs one model, but {base.name!r} is a grid")
    step = Pass(1, 1)
    total = sum((n * op.weights for n, op in base.operations(step)), start=np.float64(0.0))
    outside = _held(base, base.embedding) + _held(base, base.head)
    inside = total - outside
    # tables grow with the width, layers with its cube: N = outside * s + inside * s^3
    scale = np.cbrt(wanted / inside)  # Newton from above: the function is convex
    for _ in range(16):
        scale = (wanted + 2.0 * inside * scale**3) / (outside + 3.0 * inside * scale**2)
    grain = _grain(base)
    factor = np.maximum(np.rint(scale * grain), 1.0) / grain
    model = _with_width(base, factor)
    outside = _held(model, model.embedding) + _held(model, model.head)
    one = sum((lay.count * _held(model, lay.blocks) for lay in model.layers), start=np.float64(0.0))
    deeper = np.maximum(wanted - outside, 0.0) / one
    layers = tuple(
        attrs.evolve(layer, count=np.maximum(np.rint(layer.count * deeper), 1.0))
        for layer in model.layers
    )
    return attrs.evolve(model, layers=layers, name=f"like {base.name}", nominal_parameters=wanted)
