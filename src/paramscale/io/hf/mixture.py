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

__all__ = [
    "agrees",
    "experts",
    "fine_experts",
    "listed_kinds",
    "mixed",
    "numbers",
    "sparse_after",
    "step_kinds",
    "total_experts",
    "windows",
]


def numbers(c: Config, name: str, length: int | None = None, *, low: int = 0) -> list[int] | None:
    """Return a list of whole numbers of at least `low` (layers, heads), or None."""
    listed = c.items(name, length)
    if listed is None:
        return None
    if any(isinstance(k, bool) or not isinstance(k, int) or k < low for k in listed):
        c.contradiction(name, f"its entries must be whole numbers of at least {low}")
    return listed


def total_experts(c: Config, name: str = "num_experts", *, low: int = 1) -> Floats:
    """Return the number of routed experts.

    Some classes have a field and also take its name as another spelling of a field that they do
    not have; then the file's number goes to the one and the default stands at the other.
    """
    canonical = c.known.aliases.get(name, name)
    return c.integer(canonical, c.known.defaults.get(name), low=low)


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
    number, picked = total_experts(c, total), c.integer(chosen)
    if picked > number:
        c.contradiction(chosen, f"there are {int(number)} experts")
    return MixtureOfExperts(number, picked, c.integer(inner), **changes)


def fine_experts(
    c: Config,
    total: str = "n_routed_experts",
    shared: str | None = "n_shared_experts",
    **changes: Any,
) -> MixtureOfExperts:
    """Return many narrow experts, with shared ones of the same width, as DeepSeek-V3 has them.

    The correction of the router's choice is a buffer, unless `changes` say something else.
    """
    inner = "moe_intermediate_size"
    beside = 0.0 if shared is None else c.integer(shared, low=0)
    groups = c.optional("n_group")
    if groups is not None and total_experts(c, total) % groups:
        c.contradiction("n_group", f"the {int(total_experts(c, total))} experts are no multiple")
    c.ignore("topk_group", "topk_method", "scoring_func", "ep_size")
    values: dict[str, Any] = {
        "correction": "buffer",
        "shared_inner": beside * c.integer(inner) if beside else None,
    }
    return experts(c, total, inner=inner, **{**values, **changes})


def windows(
    c: Config, default: Callable[[int], bool], *, needs: str = "sliding_window"
) -> list[float | None]:
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
    kinds = layer_kinds(c, layers, (slides, sees_all), lambda i: slides if default(i) else sees_all)
    window = c.optional(needs)
    if window is None and slides in kinds:
        c.contradiction(needs, "some layers have a sliding window; state it")
    return [float(window) if window is not None and kind == slides else None for kind in kinds]


def sparse_after(c: Config, first: str = "first_k_dense_replace") -> list[str]:
    """Return the feed-forward kinds when experts start after `first` dense layers."""
    if c.optional("moe_layer_freq", 1) != 1:
        c.refuse("moe_layer_freq", "modelled is 1: experts in every layer after the dense ones")
    dense, layers = int(c.integer(first, low=0)), c.count("num_hidden_layers")
    return ["sparse" if i >= dense else "dense" for i in range(layers)]


def listed_kinds(c: Config, default: Callable[[int], bool]) -> list[str]:
    """Return ``mlp_layer_types``; where the file has none, `default` says if layer i is sparse."""
    layers = c.count("num_hidden_layers")
    kinds = c.items("mlp_layer_types", layers)
    if kinds is None:
        return ["sparse" if default(i) else "dense" for i in range(layers)]
    if not set(kinds) <= {"dense", "sparse"}:
        c.refuse("mlp_layer_types", "modelled are 'dense' and 'sparse'")
    return kinds


def step_kinds(c: Config, dense: Sequence[int] = ()) -> list[str]:
    """Return the feed-forward kinds by ``decoder_sparse_step`` and ``mlp_only_layers``.

    Parameters
    ----------
    dense : sequence of int
        The dense layers where the file lists none.
    """
    total = total_experts(c, low=0)
    step, listed = c.count("decoder_sparse_step"), numbers(c, "mlp_only_layers")
    dense = dense if listed is None else listed
    return [
        "sparse" if total and i not in dense and (i + 1) % step == 0 else "dense"
        for i in range(c.count("num_hidden_layers"))
    ]


def mixed(
    seen: Sequence[float | None],
    feeds: Sequence[str],
    blocks: Mapping[str, Block],
    make: Callable[[float | None, Block], Sequence[Block]],
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
