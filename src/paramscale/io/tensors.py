"""A table of tensors: what a file of weights says it stores, without the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import attrs

from paramscale.errors import FileFormatError
from paramscale.io.files import shown

__all__ = ["DtypeTotal", "TensorTable"]


@attrs.frozen
class DtypeTotal:
    """What one storage type holds: how many tensors, elements and bytes."""

    tensors: int
    elements: int
    bytes: int


@attrs.frozen(slots=False)
class TensorTable:
    """The tensors of one model as they are stored.

    Nothing is known of sharing: a matrix that two layers use is counted as often as it is stored.
    An element of a packed integer type (``I32`` of GPTQ or AWQ) holds several weights and counts as
    one element; the block types of GGUF and the sub-byte types of safetensors count weights.

    Attributes
    ----------
    names : tuple of str
        In the order of the file.
    shapes : tuple of tuples of int
        Slowest axis first, as NumPy and PyTorch write them (GGUF files store them reversed).
    dtypes : tuple of str
        Name of the storage type in the file's own words: ``"BF16"``, ``"Q4_K"``.
    tensor_bytes : tuple of int
        Bytes of each, without padding between tensors.

    Examples
    --------
    >>> table = TensorTable(("a", "b"), ((2, 3), (4,)), ("F16", "F32"), (12, 16))
    >>> table.elements, table.bytes
    (10, 28)
    >>> table.by_dtype()["F16"]
    DtypeTotal(tensors=1, elements=6, bytes=12)
    """

    names: tuple[str, ...] = attrs.field(repr=False)
    shapes: tuple[tuple[int, ...], ...] = attrs.field(repr=False)
    dtypes: tuple[str, ...] = attrs.field(repr=False)
    tensor_bytes: tuple[int, ...] = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        lengths = {len(self.names), len(self.shapes), len(self.dtypes), len(self.tensor_bytes)}
        if len(lengths) != 1:
            raise FileFormatError(
                "TensorTable: names, shapes, dtypes and tensor_bytes must be equally long, not "
                f"{len(self.names)}, {len(self.shapes)}, {len(self.dtypes)} and "
                f"{len(self.tensor_bytes)}"
            )
        if len(self._index) != len(self.names):
            last = self._index  # of a repeated name it holds the last place
            twice = next(name for index, name in enumerate(self.names) if last[name] != index)
            raise FileFormatError(f"the tensor {shown(twice)} is stored twice")

    @classmethod
    def merge(cls, tables: Iterable[TensorTable]) -> TensorTable:
        """Return one table with the tensors of all `tables`; a name may stand in only one."""
        parts = list(tables)
        return cls(
            tuple(name for part in parts for name in part.names),
            tuple(shape for part in parts for shape in part.shapes),
            tuple(dtype for part in parts for dtype in part.dtypes),
            tuple(size for part in parts for size in part.tensor_bytes),
        )

    @property
    def elements(self) -> int:
        """How many elements are stored, exactly."""
        return sum(self.tensor_elements)

    @property
    def bytes(self) -> int:
        """How many bytes they take, exactly, without padding and headers."""
        return sum(self.tensor_bytes)

    @property
    def tensor_elements(self) -> tuple[int, ...]:
        """Elements of each tensor."""
        return tuple(math.prod(shape) for shape in self.shapes)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def __repr__(self) -> str:
        return f"TensorTable({len(self)} tensors, {self.elements:,} elements, {self.bytes:,} bytes)"

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Return the shape of the tensor `name`, or None if it is not stored."""
        index = self._index.get(name)
        return None if index is None else self.shapes[index]

    def select(self, wanted: Callable[[str], bool]) -> TensorTable:
        """Return the table of the tensors whose name is wanted.

        Examples
        --------
        >>> table = TensorTable(("a", "b"), ((2, 3), (4,)), ("F16", "F32"), (12, 16))
        >>> table.select(lambda name: name != "a").names
        ('b',)
        """
        kept = [index for index, name in enumerate(self.names) if wanted(name)]
        return TensorTable(
            tuple(self.names[index] for index in kept),
            tuple(self.shapes[index] for index in kept),
            tuple(self.dtypes[index] for index in kept),
            tuple(self.tensor_bytes[index] for index in kept),
        )

    def by_dtype(self) -> Mapping[str, DtypeTotal]:
        """Return tensors, elements and bytes of each storage type, largest first."""
        totals: dict[str, list[int]] = {}
        for dtype, count, size in zip(
            self.dtypes, self.tensor_elements, self.tensor_bytes, strict=True
        ):
            total = totals.setdefault(dtype, [0, 0, 0])
            total[0] += 1
            total[1] += count
            total[2] += size
        largest = sorted(totals.items(), key=lambda item: -item[1][2])
        return {dtype: DtypeTotal(*total) for dtype, total in largest}

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.names)}
