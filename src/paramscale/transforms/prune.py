"""Weights, heads, channels, layers or experts taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from paramscale.architecture.sparse import INDICES, STORAGES, Sparse
from paramscale.errors import SpecError, UnknownNameError
from paramscale.specs.changes import PRUNED_STRUCTURES, SHAPES, ZEROS, Pruning
from paramscale.specs.fields import to_floats
from paramscale.specs.model import ModelSpec
from paramscale.transforms.chain import (
    changed,
    each_block,
    in_order,
    model_of,
    parameters_of,
    transform,
)
from paramscale.transforms.matrices import has_matrices, layer_weights
from paramscale.transforms.shapes import (
    with_channels,
    with_experts,
    with_heads,
    with_layers,
)
from paramscale.typing import Floats, FloatsLike

__all__ = ["prune"]


@transform("prune")
def prune(
    model: ModelSpec | str,
    structure: str = "unstructured",
    sparsity: FloatsLike | None = None,
    *,
    width: FloatsLike | None = None,
    inner: FloatsLike | None = None,
    heads: FloatsLike | None = None,
    layers: FloatsLike | None = None,
    experts: FloatsLike | None = None,
    storage: str | None = None,
    method: str = "magnitude",
    recovery_tokens: FloatsLike = 0.0,
) -> ModelSpec:
    """Return the model with a share of it taken away, or what is left of it in numbers.

    Unstructured zeros and patterns leave shapes, and FLOPs that machines without units for them
    compute; bytes fall where zeros are left out of storage. The other structures are smaller
    models of the same kind: everything falls.

    Parameters
    ----------
    model : ModelSpec or str
        A model, or the name of a published one.
    structure : str
        ``"unstructured"``, ``"2:4"``, ``"4:8"`` (zeros); ``"heads"``, ``"width"`` (channels of the
        hidden state and of feed-forward blocks), ``"depth"`` (layers), ``"experts"``.
    sparsity : FloatsLike, optional
        Share that is taken away; patterns have 0.5. Channels are rounded to multiples of 16,
        heads to whole groups.
    width, inner, heads, layers, experts : FloatsLike, optional
        In place of `sparsity`: what is left. `width` and `inner` (feed-forward channels) belong to
        ``"width"`` and either may be given alone.
    storage : str, optional
        How zeros are stored: ``"dense"``, ``"bitmask"`` (one bit each), ``"csr"`` (16 bits for
        each kept weight) or, of patterns, ``"indexed"``. Unless said, patterns are indexed and
        unstructured zeros are stored.
    method : str
        How weights are chosen: ``"magnitude"``, ``"wanda"``, ``"sparsegpt"``, ``"minitron"``, ...
    recovery_tokens : FloatsLike
        Tokens of training afterwards.

    Raises
    ------
    SpecError
        If a number is out of range, what is named is not there, or weights of the model are rounded
        or zero already.

    Examples
    --------
    The published shapes of a pruned model give its published size:

    >>> import paramscale as ps
    >>> small = ps.prune("mistral-nemo-12b", "width", width=4096, inner=11520)
    >>> ps.estimate(model=small).parameters.value
    np.float64(8414105600.0)
    """
    model = model_of(model)
    if structure not in PRUNED_STRUCTURES:
        raise UnknownNameError("structure to prune", structure, PRUNED_STRUCTURES)
    zeros = structure not in _SHAPED
    in_order(model, f"prune(structure={structure!r})", ZEROS if zeros else SHAPES)
    given = {"width": width, "inner": inner, "heads": heads, "layers": layers, "experts": experts}
    left = {name: value for name, value in given.items() if value is not None}
    before = parameters_of(model)
    if zeros:
        _none_left(structure, left)
        record = Pruning(
            method=method,
            structure=structure,
            sparsity=_share(structure, sparsity),
            recovery_tokens=to_floats(recovery_tokens, "recovery_tokens"),
            storage=_storage(structure, storage),
            parameters_before=before,
        )
        left_over = before - record.sparsity * layer_weights(model)
        record = attrs.evolve(record, parameters_after=left_over)
        return changed(model, record, f"{structure} zeros", **_with_zeros(model, record))
    if storage is not None:
        raise SpecError(
            f"prune(structure={structure!r}) leaves no zeros, so that storage={storage!r} has no"
            " meaning; leave it out"
        )
    after = _shaped(model, structure, sparsity, left)
    count = parameters_of(after)
    gone = 1.0 - count / before if sparsity is None else sparsity
    record = Pruning(
        method=method,
        structure=structure,
        sparsity=_checked(structure, gone, count, before),
        recovery_tokens=to_floats(recovery_tokens, "recovery_tokens"),
        parameters_before=before,
        parameters_after=count,
    )
    return changed(after, record, f"pruned {structure}")


def _checked(structure: str, gone: Any, after: Floats, before: Floats) -> Any:
    if np.any(after > before):
        raise SpecError(
            f"prune(structure={structure!r}) would make the model larger, {np.max(after):.4g}"
            f" parameters instead of {np.max(before):.4g}; write what is left of it"
        )
    return gone


def _none_left(structure: str, left: dict[str, Any]) -> None:
    if left:
        raise SpecError(
            f"prune(structure={structure!r}) has no {next(iter(left))}: zeros leave the shapes;"
            " write sparsity=..., or structure='width', 'depth', 'heads' or 'experts'"
        )


def _share(structure: str, sparsity: Any) -> Any:
    """Return the share of zeros; a pattern decides it."""
    if structure in INDICES:
        if sparsity is not None and np.any(np.asarray(sparsity) != 0.5):
            raise SpecError(
                f"prune(structure={structure!r}) has a sparsity of 0.5, not {sparsity!r}; leave it"
                " out, or write structure='unstructured'"
            )
        return 0.5
    if sparsity is None:
        raise SpecError("prune(structure='unstructured') needs a sparsity, such as sparsity=0.5")
    return sparsity


def _storage(structure: str, storage: str | None) -> str:
    if storage is None:
        return "indexed" if structure in INDICES else "dense"
    if storage == "indexed" and structure not in INDICES:
        others = ", ".join(repr(each) for each in STORAGES if each != "indexed")
        raise SpecError(
            f"prune(storage='indexed') is for patterns; unstructured zeros are stored as {others}"
        )
    return storage


def _with_zeros(model: ModelSpec, record: Pruning) -> dict[str, Any]:
    return each_block(
        model,
        lambda item: (
            Sparse(item, record.sparsity, record.structure, record.storage)
            if has_matrices(item, model.width)
            else item
        ),
    )


#: Structures whose removal leaves a smaller model, with the fields that say what is left.
_SHAPED: dict[str, tuple[Callable[..., ModelSpec], tuple[str, ...]]] = {
    "width": (with_channels, ("width", "inner")),
    "heads": (with_heads, ("heads",)),
    "depth": (with_layers, ("layers",)),
    "experts": (with_experts, ("experts",)),
}


def _shaped(model: ModelSpec, structure: str, sparsity: Any, left: dict[str, Any]) -> ModelSpec:
    """Return the smaller model."""
    build, names = _SHAPED[structure]
    for name in left:
        if name not in names:
            raise SpecError(
                f"prune(structure={structure!r}) takes {' and '.join(names)}, not {name}; write"
                f" {names[0]}=... or another structure"
            )
    if (sparsity is None) == (not left):
        raise SpecError(
            f"prune(structure={structure!r}) needs a sparsity or {' or '.join(names)}, one of them"
        )
    if sparsity is not None:
        share = Pruning(structure=structure, sparsity=sparsity).sparsity  # checks the range
        return build(model, keep=1.0 - share)
    numbers = {
        name: np.float64(1.0) * np.asarray(value, np.float64) for name, value in left.items()
    }
    return build(model, **{name: value[()] for name, value in numbers.items()})
