"""The bill of work: what a block of a model does in one pass, one operation a line.

Parameter counts, FLOPs, memory, roofline times and breakdowns are all reductions over operations.
A new kind of block therefore needs one class with one method, and every estimator knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, TypeGuard, TypeVar, runtime_checkable

import attrs
import numpy as np

from paramscale.core.registry import Registry, import_submodules
from paramscale.errors import RegistrationError
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = [
    "NOTHING", "Block", "Borrowed", "Operation", "Sparsity", "block", "blocks", "fields_of",
    "is_block",
]  # fmt: skip

#: What an operation has of everything that it does not state; one object, so that sums may skip it.
NOTHING = np.float64(0.0)
_ONE = np.float64(1.0)


class Sparsity(NamedTuple):
    """Which weights of an operation are zero.

    Attributes
    ----------
    pattern : str
        ``"2:4"``, ``"4:8"`` (at most 2 of each 4, or 4 of each 8, are not zero), or
        ``"unstructured"``: anywhere.
    density : Floats
        Share of the weights that are not zero.
    index_bits : Floats
        Bits an element (zeros included) that tell where the others stand.
    packed : bool
        Whether zeros are left out where the weights are stored.
    """

    pattern: str
    density: Floats
    index_bits: Floats = NOTHING
    packed: bool = False


class Operation(NamedTuple):
    """One thing that a block does in one pass; every number broadcasts.

    Elements become bytes only where a number format is known, in the estimators.

    Attributes
    ----------
    name : str
        What it is, for example ``"query"`` or ``"scores"``.
    part : str
        The component of a breakdown to which it belongs, for example ``"attention"``.
    kind : str
        ``"matmul"``, ``"attention"``, ``"scan"``, ``"elementwise"`` or ``"lookup"`` (a table).
    weights : Floats
        Elements held by this operation, each tensor counted where it first stands.
    borrowed : Floats
        Elements used here but held elsewhere (tied or shared tensors).
    active : Floats or None
        Elements of `weights` that one token touches; None means all of them.
    read : Floats or None
        Elements read in this pass, `borrowed` included; None means all of them.
    flops : Floats
        Floating-point operations of this pass, 2 a multiply-add; element-wise work is not counted.
    moved_in, moved_out : Floats
        Activation elements read and written.
    kept : Floats
        Activation elements kept for the backward pass in the activations' format, whatever the
        implementation: inputs of matrices, of norms and of activation functions, queries, keys,
        values. A tensor that several operations need is counted once, where it first stands.
    kept_fp32 : Floats
        Elements kept in fp32 whatever the format: statistics of norms and softmax, router
        probabilities, log-probabilities of the loss.
    apart, apart_fp32 : Floats
        Further elements that are kept only where element-wise work runs as kernels apart, as in
        the reference code: in the activations' format, and in fp32.
    scores : Floats
        Elements of the attention matrix, which only implementations that write it down keep.
    repeated : Floats
        Further elements of keys and values where grouped heads are repeated to all query heads.
    state : Floats
        Cache or state elements held after this pass, all sequences together.
    state_format : str
        ``"kv"``: in the cache's format; ``"model"``: in the activations' format; ``"fp32"``.
    state_read, state_written : Floats
        Cache or state elements moved in this pass.
    state_ranks : Floats
        Over how many tensor-parallel ranks the state can be divided; further ranks repeat it.
    split : str
        How tensor or expert parallelism divides the weights: ``"none"``, ``"column"``, ``"row"``,
        ``"heads"``, ``"experts"`` or ``"vocabulary"``.
    collective : str
        What follows when it is divided: ``""``, ``"all_reduce"``, ``"all_gather"``,
        ``"all_to_all"``.
    copies : Floats
        Copies of each token that an all-to-all sends, one for each expert that it visits.
    buffers : Floats
        Stored elements that are no parameters (router-bias corrections).
    fused : tuple of (str, Floats)
        Name and output channels of each matrix where the operation multiplies several at once
        (queries, keys and values; a gate and what it gates). Files store them one by one.
    sparse : Sparsity or None
        Which of the weights are zero; None: nobody knows of any.
    """

    name: str
    part: str
    kind: str
    weights: Floats = NOTHING
    borrowed: Floats = NOTHING
    active: Floats | None = None
    read: Floats | None = None
    flops: Floats = NOTHING
    moved_in: Floats = NOTHING
    moved_out: Floats = NOTHING
    kept: Floats = NOTHING
    kept_fp32: Floats = NOTHING
    apart: Floats = NOTHING
    apart_fp32: Floats = NOTHING
    scores: Floats = NOTHING
    repeated: Floats = NOTHING
    state: Floats = NOTHING
    state_format: str = "kv"
    state_read: Floats = NOTHING
    state_written: Floats = NOTHING
    state_ranks: Floats = _ONE
    split: str = "none"
    collective: str = ""
    copies: Floats = _ONE
    buffers: Floats = NOTHING
    fused: tuple[tuple[str, Floats], ...] = ()
    sparse: Sparsity | None = None

    @property
    def active_weights(self) -> Floats:
        """Elements held here that one token touches."""
        return self.weights if self.active is None else self.active

    @property
    def weights_read(self) -> Floats:
        """Elements read in this pass, borrowed ones included."""
        return self.weights + self.borrowed if self.read is None else self.read


@runtime_checkable
class Block(Protocol):
    """What every block offers: a kind, and the bill of its work."""

    kind: ClassVar[str]

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return what the block does in one pass of a model whose hidden states have `width`."""
        ...


def fields_of(item: Block) -> tuple[attrs.Attribute[Any], ...]:
    """Return the fields of a block; registration made sure that its class has some."""
    return attrs.fields(type(item))  # type: ignore[arg-type, no-any-return]


#: Every registered kind of block, by its kind.
blocks: Registry[type[Any]] = Registry(
    "kind of block",
    built_in=lambda: import_submodules("paramscale.architecture"),
    package="paramscale.architecture",
    group="paramscale.blocks",
    adopt=lambda name, thing: _adopt(name, thing),
)


def _adopt(name: str, thing: Any) -> None:
    """Take what an entry point gave: a class that registered itself, or one to register."""
    if all(known is not thing for known in blocks.names_so_far().values()):
        block(name)(thing)


B = TypeVar("B", bound=type[Any])


def block(kind: str) -> Callable[[B], B]:
    """Return a class decorator that registers a block under `kind`.

    Parameters
    ----------
    kind : str
        The name by which saved models refer to it, for example ``"grouped_attention"``.

    Raises
    ------
    RegistrationError
        If the class has no ``operations`` method, is no attrs class, or the kind is taken.
    """

    def register(cls: B) -> B:
        if not callable(getattr(cls, "operations", None)):
            raise RegistrationError(
                f"block {kind!r}: {cls.__name__} has no method operations(width, step)"
            )
        if not hasattr(cls, "__attrs_attrs__"):
            raise RegistrationError(
                f"block {kind!r}: {cls.__name__} must be an attrs class;"
                " write @attrs.frozen(eq=False) below @block"
            )
        cls.kind = kind
        blocks.add(kind, cls)
        return cls

    return register


_ARE_BLOCKS: dict[type, bool] = {}


def is_block(thing: object) -> TypeGuard[Block]:
    """Tell whether a thing is a block; decided once a class, as looking at protocols is slow."""
    cls = type(thing)
    found = _ARE_BLOCKS.get(cls)
    if found is None:
        found = _ARE_BLOCKS[cls] = isinstance(thing, Block)
    return found


@block("borrowed")
@attrs.frozen(eq=False)
class Borrowed:
    """A block whose weights stand elsewhere in the model: shared, and counted there.

    Zamba's shared attention and tied output heads are of this kind.
    """

    kind: ClassVar[str]
    block: Block

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return the operations of the shared block, holding nothing."""
        return [
            op._replace(weights=NOTHING, borrowed=op.weights + op.borrowed, active=NOTHING)
            for op in self.block.operations(width, step)
        ]
