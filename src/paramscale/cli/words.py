"""A model in words: one line for each distinct kind of layer, with its count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np

from paramscale.specs.block import Block, Borrowed, fields_of
from paramscale.specs.model import Layer, ModelSpec

__all__ = ["block_words", "layer_lines", "number_words"]


def number_words(value: Any) -> str:
    """Return a number with commas, whole ones without decimals; NaN as ``unknown``.

    Examples
    --------
    >>> number_words(128256.0), number_words(0.5), number_words(float("nan"))
    ('128,256', '0.5', 'unknown')
    """
    if np.ndim(value):
        return f"{np.size(value)} values"
    number = float(value)
    if np.isnan(number):
        return "unknown"
    return f"{number:,.0f}" if number == np.rint(number) else f"{number:,g}"


def block_words(item: Block) -> str:
    """Return a block in words: its kind, and the fields that its defaults do not tell.

    Examples
    --------
    >>> from paramscale.architecture.mlp import MLP
    >>> block_words(MLP(14336)), block_words(MLP(256, gated=False))
    ('mlp (inner 14,336)', 'mlp (inner 256, not gated)')
    """
    if isinstance(item, Borrowed):
        return f"shared {block_words(item.block)}"
    facts = [
        fact
        for field in fields_of(item)
        if (fact := _field_words(field.name, getattr(item, field.name), field.default))
    ]
    kind = item.kind.replace("_", " ")
    return f"{kind} ({', '.join(facts)})" if facts else kind


def _field_words(name: str, value: Any, default: Any) -> str:
    """Return one field in words, or nothing where it holds its default."""
    words = name.replace("_", " ")
    if isinstance(value, bool):
        return "" if value is default else words if value else f"not {words}"
    if isinstance(value, Block):
        return block_words(value)
    if value is None or (default is not attrs.NOTHING and np.array_equal(value, default)):
        return ""
    return f"{words} {value if isinstance(value, str) else number_words(value)}"


def layer_lines(stack: Iterable[Layer]) -> list[tuple[str, str]]:
    """Return count and description of each distinct kind of layer, in order of appearance.

    Norms are left out, since nearly every layer has them and they weigh next to nothing.
    """
    counts: dict[str, Any] = {}
    for layer in stack:
        words = [block_words(item) for item in layer.blocks if item.kind != "norm"]
        text = " + ".join(words) or "norm"
        counts[text] = counts.get(text, 0.0) + layer.count
    return [(f"{number_words(count)} ×", text) for text, count in counts.items()]


def model_rows(model: ModelSpec) -> list[tuple[str, str]]:
    """Return label and text of what a model is made of."""
    rows = [("family", model.family), ("source", model.source)]
    layers = layer_lines(model.layers)
    alike = "all alike" if len(layers) == 1 else f"of {len(layers)} kinds"
    rows.append(
        ("size", f"{number_words(model.depth)} layers ({alike}) × {number_words(model.width)} wide")
    )
    if model.max_context is not None:
        rows.append(("context", f"up to {number_words(model.max_context)} tokens"))
    rows.append(("before", " + ".join(map(block_words, model.embedding))))
    rows += [("layers" if i == 0 else "", f"{n} {text}") for i, (n, text) in enumerate(layers)]
    rows.append(("after", " + ".join(block_words(b) for b in model.head if b.kind != "norm")))
    for count, text in layer_lines(model.draft):
        rows.append(("draft", f"{count} {text}; stored, not counted in parameters"))
    return [(label, text) for label, text in rows if text]
