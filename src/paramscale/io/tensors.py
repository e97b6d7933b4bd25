"""A table of tensors, what a file of weights says it stores, and the storage types of ggml."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

import attrs

from paramscale.errors import FileFormatError
from paramscale.io.files import shown

__all__ = [
    "GGML_FILE_TYPES",
    "GGML_REMOVED_TYPES",
    "GGML_TYPES",
    "DtypeTotal",
    "GgmlType",
    "TensorTable",
]


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


@attrs.frozen
class GgmlType:
    """A storage type of ggml: the weights in a block, and the bytes that a block takes.

    Examples
    --------
    >>> GGML_TYPES[12].name, GGML_TYPES[12].bits_per_weight
    ('Q4_K', 4.5)
    """

    name: str
    block_weights: int
    block_bytes: int

    @property
    def bits_per_weight(self) -> float:
        """Bits of one weight, scales included."""
        return 8 * self.block_bytes / self.block_weights


# Numbers: enum ggml_type of llama.cpp, ggml/include/ggml.h (@004eaba up to 39), gguf-py 0.19.0
# constants.py (40, 41); 42 as later headers and gguf-py are quoted to say (Q2_0: 64, 2 + 16).
# Bytes: ggml/src/ggml-common.h, block_* and static_assert, llama.cpp@01243c5 (in
# shared/data/capability/formats.csv); GGML_QUANT_SIZES of gguf-py 0.19.0 says the same, but for
# Q8_1: 40 there, when d and s were floats; they are half floats now, 36. Files do not store it.
_GGML_ROWS = """
0 F32 1 4 | 1 F16 1 2 | 30 BF16 1 2 | 28 F64 1 8 | 24 I8 1 1 | 25 I16 1 2 | 26 I32 1 4 | 27 I64 1 8
2 Q4_0 32 18 | 3 Q4_1 32 20 | 6 Q5_0 32 22 | 7 Q5_1 32 24 | 8 Q8_0 32 34 | 9 Q8_1 32 36
10 Q2_K 256 84 | 11 Q3_K 256 110 | 12 Q4_K 256 144 | 13 Q5_K 256 176 | 14 Q6_K 256 210
15 Q8_K 256 292 | 16 IQ2_XXS 256 66 | 17 IQ2_XS 256 74 | 22 IQ2_S 256 82 | 18 IQ3_XXS 256 98
21 IQ3_S 256 110 | 19 IQ1_S 256 50 | 29 IQ1_M 256 56 | 20 IQ4_NL 32 18 | 23 IQ4_XS 256 136
34 TQ1_0 256 54 | 35 TQ2_0 256 66 | 39 MXFP4 32 17 | 40 NVFP4 64 36 | 41 Q1_0 128 18 | 42 Q2_0 64 18
"""


def _ggml_types() -> Iterator[tuple[int, GgmlType]]:
    for row in _GGML_ROWS.strip().replace("\n", "|").split("|"):
        number, name, weights, size = row.split()
        yield int(number), GgmlType(name, int(weights), int(size))


#: Storage types by their number in a file.
GGML_TYPES: Mapping[int, GgmlType] = dict(sorted(_ggml_types()))

#: Numbers that once meant a type; the comments in ggml.h keep their names.
GGML_REMOVED_TYPES: Mapping[int, str] = {
    4: "Q4_2",
    5: "Q4_3",
    31: "Q4_0_4_4",
    32: "Q4_0_4_8",
    33: "Q4_0_8_8",
    36: "IQ4_NL_4_4",
    37: "IQ4_NL_4_8",
    38: "IQ4_NL_8_8",
}

#: general.file_type: what llama-quantize was asked for (enum llama_ftype: gguf-py 0.19.0
#: LlamaFileType, and Q2_0 = 41 of later headers). A file mixes several storage types;
#: TensorTable.by_dtype() says which.
GGML_FILE_TYPES = """
F32 F16 Q4_0 Q4_1 Q4_1_SOME_F16 Q4_2 Q4_3 Q8_0 Q5_0 Q5_1 Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M
Q5_K_S Q5_K_M Q6_K IQ2_XXS IQ2_XS Q2_K_S IQ3_XS IQ3_XXS IQ1_S IQ4_NL IQ3_S IQ3_M IQ2_S IQ2_M IQ4_XS
IQ1_M BF16 Q4_0_4_4 Q4_0_4_8 Q4_0_8_8 TQ1_0 TQ2_0 MXFP4_MOE NVFP4 Q1_0 Q2_0
""".split()  # noqa: SIM905 - one name a line would hide the order
