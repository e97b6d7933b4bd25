"""Instances of a kind of block, made from its fields, so that no list of them has to be kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from paramscale.errors import SpecError
from paramscale.specs.block import Block

__all__ = ["block_examples", "field_values"]

# One size for every field: whatever must divide, or be at most, something else then does.
_SIZE = 8


def block_examples(cls: type[Any]) -> list[Block]:
    """Return instances of a block: the plainest, and one for every other value of each field.

    Sizes are all 8, optional fields are left out and given, flags off and on, words each once.

    Parameters
    ----------
    cls : type
        A class decorated with ``@block``.

    Raises
    ------
    SpecError
        If the plainest instance is refused; then make instances yourself.

    Examples
    --------
    >>> from paramscale.architecture.mlp import MLP
    >>> block_examples(MLP)[1]
    MLP(inner=np.float64(8.0), gated=False, bias_in=False, bias_out=False, learned...=...(0.0))
    """
    fields = attrs.fields(cls)
    needed = {
        field.name: field_values(cls, field)[0]
        for field in fields
        if field.init and field.default is attrs.NOTHING
    }
    examples: list[Block] = [cls(**needed)]
    for field in fields:
        for value in field_values(cls, field) if field.init else ():
            if value is needed.get(field.name) or value is field.default:
                continue
            try:
                examples.append(cls(**{**needed, field.name: value}))
            except SpecError:  # a value that has a meaning only beside another one
                continue
    return examples


def field_values(cls: type[Any], field: Any) -> list[Any]:
    """Return values to try in a field, the plainest first."""
    if isinstance(field.default, bool):
        return [field.default, not field.default]
    words = _words(cls, field)
    if words:
        return words
    if isinstance(field.default, str):  # a free text, such as the component's name
        return [field.default]
    if field.converter is None:
        return list(_inner_blocks())
    high = field.metadata.get("high", np.inf)
    return [_SIZE] if high >= _SIZE else [0.5 * high, 0.25 * high]


def _words(cls: type[Any], field: Any) -> list[str]:
    """Return the words that a choice allows, as its refusal of another one names them."""
    if field.validator is None:
        return []
    try:
        field.validator(object.__new__(cls), field, "?")
    except SpecError as error:
        allowed = str(error).partition("one of ")[2].rpartition(", not ")[0]
        return re.findall(r"'([^']+)'", allowed)
    except (TypeError, AttributeError):  # it compares numbers
        return []
    return []


def _inner_blocks() -> Iterator[Block]:
    """Yield blocks to stand inside another one: one without state, and one with."""
    from paramscale.architecture.grouped_attention import GroupedAttention
    from paramscale.architecture.mlp import MLP

    yield MLP(_SIZE)
    yield GroupedAttention(_SIZE, _SIZE, _SIZE)
