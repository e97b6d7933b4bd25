"""What the families with a mixture of experts share: the block from its fields, and layer kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from paramscale.architecture.experts import MixtureOfExperts
from paramscale.io.hf.common import layer_kinds, stack
from paramscale.io.hf.config import Config
from paramscale.specs.block import Block
from paramscale.specs.model import Layer
from paramscale.typing import Floats

__all__ = ["agrees", "experts", "mixed", "same_layers", "windows"]


def experts(
    c: Config,
    total: str = "num_local_experts",
    chosen: str = "num_experts_per_tok",
    inner: str = "intermediate_size",
    **changes: Any,
) -> MixtureOfExperts:
    """Return a mixture of experts from the names of its fields; `changes` are fields of the block.

    Examples
    --------
    >>> from paramscale.io.hf.class_defaults import class_defaults
    >>> block = experts(Config({}, "mixtral", class_defaults("mixtral")))
    >>> float(block.experts), float(block.chosen), float(block.inner)
    (8.0, 2.0, 14336.0)
    """
    names = {"experts": total, "chosen": chosen, "inner": inner}
    values = {field: c.integer(name) for field, name in names.items() if field not in changes}
    values |= changes
    if values["chosen"] > values["experts"]:
        c.contradiction(chosen, f"there are {int(values['experts'])} experts")
    return MixtureOfExperts(**values)


def same_layers(c: Config, blocks: Sequence[Block]) -> list[Layer]:
    """Return ``num_hidden_layers`` equal layers."""
    return stack(["layer"] * c.count("num_hidden_layers"), lambda _: blocks)


def windows(
    c: Config, default: Callable[[int], bool], *, needs: str = "sliding_window"
) -> list[Floats | None]:
    """Return the sliding window of each layer, None where a layer sees the whole context.

    Parameters
    ----------
    default : callable
        Says whether layer i has the window, where the file has no ``layer_types``.
    needs : str
        The field that holds the window.
    """
    slides, sees_all = "sliding_attention", "full_attention"
    layers = c.count("num_hidden_layers")
    kinds = layer_kinds(
        c, layers, (slides, sees_all), lambda i: slides if default(i) else sees_all
    )
    window = c.optional(needs)
    if window is None and slides in kinds:
        c.contradiction(needs, "some layers have a sliding window; state it")
    return [window if kind == slides else None for kind in kinds]


def mixed(
    seen: Sequence[Floats | None],
    feeds: Sequence[str],
    blocks: Mapping[str, Block],
    make: Callable[[Floats | None, Block], Sequence[Block]],
) -> list[Layer]:
    """Return layers that differ both in what attention sees and in their feed-forward block.

    Parameters
    ----------
    seen : sequence
        The window of each layer, or None.
    feeds : sequence of str
        Which of `blocks` each layer has.
    make : callable
        Gives the blocks of a layer from its window and its feed-forward block.
    """
    kinds = list(zip(seen, feeds, strict=True))
    return stack(kinds, lambda kind: make(kind[0], blocks[kind[1]]))


def agrees(c: Config, name: str, expected: Any, why: str) -> None:
    """Refuse a field that the reference class leaves aside, unless it says what the class does.

    Published files carry such fields for code of their own; where they say something else than
    the class builds, its count would be that of another model.
    """
    if c.has(name) and c.get(name) != expected:
        c.refuse(name, why)
