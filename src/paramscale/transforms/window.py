"""Attention limited to the last tokens."""

from __future__ import annotations

from operator import is_
from typing import Any

import attrs
import numpy as np

from paramscale.errors import SpecError
from paramscale.specs.block import Block, fields_of
from paramscale.specs.changes import Windowed
from paramscale.specs.fields import to_floats
from paramscale.specs.model import Layer, ModelSpec
from paramscale.transforms.chain import changed, model_of, transform
from paramscale.typing import FloatsLike

__all__ = ["window"]


@transform("window")
def window(
    model: ModelSpec | str,
    tokens: FloatsLike,
    *,
    share: FloatsLike = 1.0,
    recovery_tokens: FloatsLike = 0.0,
) -> ModelSpec:
    """Return the model with attention that sees the last tokens only.

    Cache and attention of such a layer stop growing at the window; weights stay, so that this may
    come after any other change. Layers that have a window keep the smaller one.

    Parameters
    ----------
    model : ModelSpec or str
        A model, or the name of a published one.
    tokens : FloatsLike
        What a token sees, itself included.
    share : FloatsLike
        Share of the layers that get the window, of each kind: 5/6 leaves every sixth as it is.
    recovery_tokens : FloatsLike
        Tokens of training after the change.

    Raises
    ------
    SpecError
        If no layer has attention with a window, or a number is out of range.

    Examples
    --------
    >>> import paramscale as ps
    >>> near = ps.window("llama-3.1-8b", 4096, share=0.75)
    >>> print(near.describe().splitlines()[1][:24])
    24 x Norm(), GroupedAtte
    """
    model = model_of(model)
    record = Windowed(
        window=to_floats(tokens, "window(tokens)"), share=to_floats(share, "window(share)"),
        recovery_tokens=to_floats(recovery_tokens, "recovery_tokens"),
    )  # fmt: skip
    layers = [new for layer in model.layers for new in _divided(layer, record)]
    if len(layers) == len(model.layers) and all(map(is_, layers, model.layers)):
        raise SpecError(
            f"window(...): no layer of {model.name!r} has attention that a window can limit, or the"
            f" share of {share!r} leaves out all of them"
        )
    return changed(model, record, "windowed", layers=layers)


def _divided(layer: Layer, record: Windowed) -> list[Layer]:
    """Return some equal layers as those that get the window, and those that do not."""
    blocks = tuple(_limited(item, record.window) for item in layer.blocks)
    count = np.rint(layer.count * record.share)
    if all(map(is_, blocks, layer.blocks)) or not np.any(count > 0.0):
        return [layer]
    limited = attrs.evolve(layer, blocks=blocks, count=count)
    rest = layer.count - count
    return [limited, attrs.evolve(layer, count=rest)] if np.any(rest > 0.0) else [limited]


def _limited(item: Block, tokens: Any) -> Block:
    """Return a block with a window, also inside others, or the block itself."""
    changes: dict[str, Any] = {}
    for field in fields_of(item):
        value = getattr(item, field.name)
        if isinstance(value, Block):
            inner = _limited(value, tokens)
            if inner is not value:
                changes[field.name] = inner
        elif field.name == "window":
            changes["window"] = tokens if value is None else np.minimum(value, tokens)
    return attrs.evolve(item, **changes) if changes else item  # type: ignore[misc]
