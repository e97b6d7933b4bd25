"""A language model as a user or a file describes it: blocks in layers, between tables and head."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import attrs
import numpy as np

from paramscale.core.spec import spec_type
from paramscale.errors import SpecError
from paramscale.specs.bill import Bill, SequenceBill
from paramscale.specs.block import NOTHING, Block, Operation, fields_of, is_block
from paramscale.specs.changes import Change, changes_of
from paramscale.specs.fields import array_fields, number, short_repr
from paramscale.specs.names import FINDERS
from paramscale.specs.passes import Pass
from paramscale.typing import Floats, FloatsLike

__all__ = ["Layer", "ModelSpec"]

_ONE = np.float64(1.0)
_ONE_TOKEN = Pass(_ONE, _ONE)
_RESULTS_KEPT = 24

T = TypeVar("T")


def _blocks(value: Any) -> tuple[Block, ...]:
    found = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    for item in found:
        if not is_block(item):
            raise SpecError(
                f"a layer is made of blocks (objects with operations(width, step)), not {item!r}"
            )
    return found


def _reads_alike(row: tuple[Floats, Operation]) -> bool:
    """Return whether weights are read however many sequences there are, or a row for each token."""
    op = row[1]
    return op.read is None or op.read is NOTHING or op.kind == "lookup"


def _with_reads(
    row: tuple[Floats, Operation], other: tuple[Floats, Operation]
) -> tuple[Floats, Operation]:
    """Return an operation that reads the weights that another does."""
    return row if _reads_alike(row) else (row[0], row[1]._replace(read=other[1].read))


def _inside(path: str, item: Block) -> Iterator[tuple[str, Block]]:
    """Yield a block, and the blocks that its fields hold."""
    yield path, item
    for field in fields_of(item):
        if is_block(inner := getattr(item, field.name)):
            yield from _inside(f"{path}.{field.name}", inner)


def _line(stack: tuple[Block, ...]) -> str:
    return ", ".join(short_repr(item) for item in stack)


def _range(values: Floats) -> str:
    low, high = np.min(values), np.max(values)
    return f"{low:,.0f}" if low == high or np.isnan(low) else f"{low:,.0f} … {high:,.0f}"


def _layers(value: Any) -> tuple[Layer, ...]:
    found = tuple(value)
    for item in found:
        if not isinstance(item, Layer):
            raise SpecError(f"ModelSpec.layers must hold Layer objects, not {item!r}")
    return found


@attrs.frozen(eq=False)
class Layer:
    """Equal layers of a model: what one of them does, and how many there are.

    Parameters
    ----------
    blocks : sequence of Block
        What one layer does, norms included.
    count : FloatsLike
        How many layers are like this one.
    """

    blocks: tuple[Block, ...] = attrs.field(converter=_blocks)
    count: Floats = number(1.0, integer=True, doc="how many layers are like this one")


@spec_type("model")
@attrs.frozen(eq=False, kw_only=True, repr=False)
class ModelSpec:
    """The architecture of a model; counts, FLOPs, memory and time all follow from its blocks.

    Layers that differ (windowed and full attention, dense and expert, attention and state space)
    are different layers with counts. Numeric fields, also those of blocks, may be arrays.

    Parameters
    ----------
    width : FloatsLike
        Channels of the hidden state.
    layers : sequence of Layer
        The stack, equal layers taken together.
    embedding, head : sequence of Block
        What stands before the layers (tables, projections), and after them (norm, logits).
    draft : sequence of Layer
        Multi-token-prediction layers: stored with published checkpoints, run only to draft
        tokens, and not part of ``parameters``.
    name, family, source : str
        Name, model type, and where the architecture was read.
    max_context : FloatsLike, optional
        Longest context in tokens; None where it is not stated.
    nominal_parameters : FloatsLike
        Size that was asked for, or that the publisher names; NaN where there is none. It names
        the point and is not computed with.
    changes : sequence of Change
        What was done to the model after it was trained, in this order (quantization, pruning, ...);
        transforms write it, and laws of loss read it.

    Examples
    --------
    >>> from paramscale.architecture.embedding import Table
    >>> from paramscale.architecture.head import Head
    >>> from paramscale.architecture.mlp import MLP
    >>> model = ModelSpec(width=64, embedding=Table(1000), layers=[Layer(MLP(256), 4)],
    ...                   head=Head(1000, tied=True))
    >>> sum(float(n * op.weights) for n, op in model.operations(Pass(1, 1)))
    260608.0
    """

    width: Floats = number(integer=True, missing=True, doc="channels of the hidden state")
    layers: tuple[Layer, ...] = attrs.field(converter=_layers)
    embedding: tuple[Block, ...] = attrs.field(default=(), converter=_blocks)
    head: tuple[Block, ...] = attrs.field(default=(), converter=_blocks)
    draft: tuple[Layer, ...] = attrs.field(default=(), converter=_layers)
    name: str = "unnamed"
    family: str = ""
    source: str = ""
    max_context: Floats | None = number(None, integer=True, optional=True)
    nominal_parameters: Floats = number(np.nan, missing=True)
    changes: tuple[Change, ...] = attrs.field(default=(), converter=changes_of)
    _kept: dict[tuple[str, object], Any] = attrs.field(factory=dict, init=False, repr=False)
    _known: dict[str, bool] = attrs.field(factory=dict, init=False, repr=False)

    def __repr__(self) -> str:
        """Return name, family and shape; the blocks are shown by :meth:`describe`."""
        shape = f"{_range(self.depth)} layers of width {_range(self.width)}"
        kinds = len(self.layers)
        return f"<ModelSpec {self.name!r} ({self.family}): {shape}, {kinds} kind{'s'[: kinds > 1]}>"

    def describe(self) -> str:
        """Return one line for each kind of layer, and for what stands around the layers.

        Examples
        --------
        >>> from paramscale.architecture.mlp import MLP
        >>> print(ModelSpec(width=64, layers=[Layer(MLP(256), 4)]).describe())
        4 x MLP(inner=256)
        """
        lines = ["embedding: " + _line(self.embedding)] if self.embedding else []
        lines += [f"{_range(layer.count)} x {_line(layer.blocks)}" for layer in self.layers]
        lines += ["head: " + _line(self.head)] if self.head else []
        lines += [f"draft: {_range(lay.count)} x {_line(lay.blocks)}" for lay in self.draft]
        lines += [f"changed: {short_repr(record)}" for record in self.changes]
        return "\n".join(lines)

    def operations(self, step: Pass) -> Bill:
        """Return ``(count, operation)`` for everything that the model does in one pass."""
        return self.kept("bill", step, self._bill)

    def holding(self, step: Pass) -> Bill:
        """Return ``(count, operation)`` of the blocks that hold a cache or a state.

        Which they are is the model's, not the pass's, so that a single model asks only them.
        """
        if not self._is_point():
            return self.operations(step)
        holders = self.kept("holders", _ONE_TOKEN, self._holders)
        return tuple(
            (count, op) for count, item in holders for op in item.operations(self.width, step)
        )

    def bill(self, step: Pass) -> Bill:
        """Return the same; in a grid of batches a bill that knows the part of one sequence.

        Of routed experts many sequences read more than one, but not as often more: what is read
        of them is that of all, which does not depend on the tokens that are cached.
        """
        if not isinstance(step.sequences, np.ndarray):
            return self.operations(step)
        one = self.operations(attrs.evolve(step, sequences=1.0))
        if not all(map(_reads_alike, one)):
            if np.ndim(step.cached_tokens) == 0:  # nothing is spared
                return self.operations(step)
            read = self.operations(attrs.evolve(step, cached_tokens=1.0))
            if [op.name for _, op in one] != [op.name for _, op in read]:
                return self.operations(step)
            one = tuple(map(_with_reads, one, read))
        return SequenceBill(one, step.sequences, lambda: self.operations(step))

    def kept(self, what: str, step: Pass, make: Callable[[Pass], T]) -> T:
        """Return what `make` makes of a pass, from memory where it was made before.

        The last results for single passes are kept: a scenario asks for the same few again when
        its hardware, formats or prices change. Those of grids, which may be large, are not.

        Parameters
        ----------
        what : str
            Name of the result, which with the pass decides what `make` returns.
        """
        key = step.key()
        if key is None or not self._is_point():
            return make(step)
        found: T | None = self._kept.pop((what, key), None)
        if found is None:
            if len(self._kept) >= _RESULTS_KEPT:  # those that were not asked for the longest time
                for oldest in list(self._kept)[: _RESULTS_KEPT // 2]:
                    self._kept.pop(oldest, None)
            found = make(step)
        self._kept[what, key] = found
        return found

    def _bill(self, step: Pass) -> Bill:
        width = self.width
        return tuple(
            (count, op) for count, item in self._stack() for op in item.operations(width, step)
        )

    def _stack(self) -> Iterator[tuple[Floats, Block]]:
        """Yield how often and which block, in the order of the pass."""
        for item in self.embedding:
            yield _ONE, item
        for layer in self.layers:
            for item in layer.blocks:
                yield layer.count, item
        for item in self.head:
            yield _ONE, item

    def _holders(self, step: Pass) -> tuple[tuple[Floats, Block], ...]:
        return tuple(
            (count, item)
            for count, item in self._stack()
            if any(op.state is not NOTHING for op in item.operations(self.width, step))
        )

    def _is_point(self) -> bool:
        """Return whether no field of the model is an array."""
        point = self._known.get("point")
        if point is None:
            point = self._known["point"] = not self.arrays()
        return point

    def draft_operations(self, step: Pass) -> Bill:
        """Return ``(count, operation)`` of the multi-token-prediction layers in one pass."""
        return tuple(
            (layer.count, op)
            for layer in self.draft
            for item in layer.blocks
            for op in item.operations(self.width, step)
        )

    @property
    def depth(self) -> Floats:
        """Number of layers."""
        total: Floats = np.float64(0.0)
        for layer in self.layers:
            total = total + layer.count
        return total

    def walk(self) -> Iterator[tuple[str, Block]]:
        """Yield ``(path, block)`` for every block, those of equal layers once.

        A block inside another, such as a borrowed one, comes after it.
        """
        for place in ("embedding", "head"):
            for i, item in enumerate(getattr(self, place)):
                yield from _inside(f"{place}[{i}]", item)
        for place in ("layers", "draft"):
            for i, layer in enumerate(getattr(self, place)):
                for j, item in enumerate(layer.blocks):
                    yield from _inside(f"{place}[{i}].blocks[{j}]", item)

    def arrays(self) -> dict[str, Floats]:
        """Return every field that holds an array, by its path in the model.

        The size that was asked for comes first, so that it names the axis of a grid of sizes.
        """
        if self._known.get("point"):
            return {}
        found = array_fields(self)
        if np.ndim(self.nominal_parameters):
            found = {"parameters": self.nominal_parameters, **found}
            del found["nominal_parameters"]
        found |= self._changed()
        for i, layer in enumerate(self.layers):
            found |= array_fields(layer, f"layers[{i}].")
        for path, item in self.walk():
            found |= array_fields(item, f"{path}.")
        return found

    def _changed(self) -> dict[str, Floats]:
        """Return the fields of changes that hold arrays: where there are any, they name an axis."""
        found: dict[str, Floats] = {}
        for i, record in enumerate(self.changes):
            found |= array_fields(record, f"changes[{i}].")
        return found

    @classmethod
    def of_size(cls, parameters: FloatsLike, like: str | ModelSpec = "llama-3.1-8b") -> ModelSpec:
        """Return a family member of about `parameters` parameters.

        Width and depth grow together (both as the cube root of the layers' parameters), heads keep
        their width, and all numbers stay whole, so that the size is met about, not exactly.

        Parameters
        ----------
        parameters : FloatsLike
            Wanted parameters, tied weights once; may be an array, and then the model is a grid.
        like : str or ModelSpec
            The family: the name of a published model, or a model.

        Raises
        ------
        SpecError
            If a size is not positive, or smaller than the smallest member of the family.
        """
        from paramscale.specs.scaling import scaled_to

        base = FINDERS["model"](like) if isinstance(like, str) else like
        return scaled_to(base, parameters)

    def to_dict(self) -> dict[str, Any]:
        """Return the model as plain lists, numbers and text, for JSON."""
        from paramscale.specs.plain import model_to_plain

        return model_to_plain(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ModelSpec:
        """Return the model that :meth:`to_dict` wrote."""
        from paramscale.specs.plain import model_from_plain

        return model_from_plain(plain)
