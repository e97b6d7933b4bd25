"""The header of safetensors files, and the index of a sharded model.

A file is: header length (8 bytes, little-endian), header (JSON), data. Only the header is read.
Every number in it is checked against the others and against the size of the file, as strictly as
the reference reader does: https://github.com/huggingface/safetensors, safetensors/src/tensor.rs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from paramscale.errors import FileFormatError
from paramscale.io.files import (
    MissingFileError,
    PathLike,
    open_regular,
    parse_json,
    read_json,
    shown,
)
from paramscale.io.tensors import TensorTable

__all__ = [
    "DTYPE_BITS",
    "SafetensorsFile",
    "SafetensorsIndex",
    "read_safetensors",
    "read_safetensors_index",
]

#: Bits of one element. Names: enum Dtype of safetensors 0.8.0; each width was probed with that
#: release, which accepts eight elements in exactly this many bytes and in no other number.
DTYPE_BITS: Mapping[str, int] = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}

#: The format's own limit (MAX_HEADER_SIZE in tensor.rs).
_HEADER_LIMIT_BYTES = 100_000_000

#: PyTorch and NumPy allow 64 axes; more only makes the product of a shape costly.
_AXES_LIMIT = 64

#: A shard is a plain relative path: no root, no drive, no backslash, no null.
_SHARD_NAME = re.compile(r"[^/\\:\0][^\\:\0]*")


@attrs.frozen
class SafetensorsFile:
    """What the header of one safetensors file says.

    Attributes
    ----------
    tensors : TensorTable
        In the order of their data.
    metadata : mapping of str to str
        The free text under ``__metadata__``.
    """

    tensors: TensorTable
    metadata: Mapping[str, str] = attrs.field(repr=False)


@attrs.frozen
class SafetensorsIndex:
    """What ``model.safetensors.index.json`` and the shards beside it say.

    Attributes
    ----------
    weight_map : mapping of str to str
        Which shard holds which tensor.
    total_bytes : int or None
        ``metadata.total_size`` as announced; ``tensors.bytes`` is what the shards hold, and the two
        differ in some published models.
    tensors : TensorTable or None
        The tensors of the map; None when only totals were wanted.
    unlisted : tuple of str
        Tensors that shards hold although the map does not place them there; not in `tensors`.
    """

    weight_map: Mapping[str, str] = attrs.field(repr=False)
    total_bytes: int | None
    tensors: TensorTable | None
    unlisted: tuple[str, ...] = ()


def read_safetensors(path: PathLike) -> SafetensorsFile:
    """Return what the header of one safetensors file says, after checking it against the file.

    Raises
    ------
    FileFormatError
        The header is longer than the file or than 100 MB, is no valid JSON, names an unknown type,
        or its offsets overlap, leave a hole, leave the file, or contradict shape and type.
    ConfigError
        A tensor stands twice in the header.
    """
    where = shown(str(Path(path)))
    handle, size = open_regular(path)
    with handle:
        start = handle.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > size - 8:
            raise FileFormatError(
                f"{where} is truncated or no safetensors file: its header should take 8 + "
                f"{length:,} bytes and the file has {size:,}"
            )
        if length > _HEADER_LIMIT_BYTES:
            raise FileFormatError(
                f"{where} announces a header of {length:,} bytes; the format allows at most "
                f"{_HEADER_LIMIT_BYTES:,}"
            )
        data = handle.read(length)
    header = parse_json(data, f"the header of {where}")
    metadata = _metadata(header.pop("__metadata__", {}), where)
    entries = sorted(
        (_Entry.read(name, value, where) for name, value in header.items()),
        key=lambda entry: (entry.begin, entry.end),
    )
    _check_layout(entries, size - 8 - length, where)
    return SafetensorsFile(_table(entries), metadata)


def read_safetensors_index(path: PathLike, *, totals_only: bool = False) -> SafetensorsIndex:
    """Return what an index file and the headers of the shards beside it say.

    Parameters
    ----------
    path : str or path
        ``model.safetensors.index.json``.
    totals_only : bool
        Read the index alone; shards may then be missing and `tensors` is None.

    Raises
    ------
    MissingFileError
        Shards are missing; they are named.
    FileFormatError
        The index or a shard is malformed, a shard lies outside the folder of the index, or lacks a
        tensor that the index places in it.
    """
    path = Path(path)
    where = shown(str(path))
    index = read_json(path)
    weight_map = _weight_map(index.get("weight_map"), where)
    total_bytes = _total_size(index.get("metadata"), where)
    if totals_only:
        return SafetensorsIndex(weight_map, total_bytes, None)
    shards = sorted(set(weight_map.values()))
    missing = [shard for shard in shards if not (path.parent / shard).exists()]
    if missing:
        named = ", ".join(shown(shard) for shard in missing[:5])
        raise MissingFileError(
            f"{len(missing)} of {len(shards)} shards that {where} names are missing beside it: "
            f"{named}{', …' if len(missing) > 5 else ''}; fetch them, or ask for totals_only=True"
        )
    tables: list[TensorTable] = []
    unlisted: list[str] = []
    for shard in shards:
        table = read_safetensors(path.parent / shard).tensors
        placed = {name for name in table.names if weight_map.get(name) == shard}
        tables.append(table.select(placed.__contains__))
        unlisted += [name for name in table.names if name not in placed]
    tensors = TensorTable.merge(tables)
    for name, shard in weight_map.items():
        if name not in tensors:
            raise FileFormatError(
                f"{where} places the tensor {shown(name)} in {shown(shard)}, which does not hold it"
            )
    return SafetensorsIndex(weight_map, total_bytes, tensors, tuple(unlisted))


@attrs.frozen
class _Entry:
    """One tensor of a header, its own numbers checked against each other."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @classmethod
    def read(cls, name: str, value: Any, where: str) -> _Entry:
        def place() -> str:  # only for messages: there may be 10^5 entries
            return f"the tensor {shown(name)} of {where}"

        fields = {"dtype", "shape", "data_offsets"}
        if not isinstance(value, dict) or set(value) != fields:
            raise FileFormatError(
                f"{place()} must have dtype, shape and data_offsets; it is {shown(value)}"
            )
        dtype = value["dtype"]
        if not isinstance(dtype, str) or dtype not in DTYPE_BITS:
            raise FileFormatError(
                f"{place()} has the unknown dtype {shown(dtype)}; known: {', '.join(DTYPE_BITS)}"
            )
        shape = _counts(value["shape"], "the shape", place)
        offsets = _counts(value["data_offsets"], "data_offsets", place)
        if len(offsets) != 2 or offsets[1] < offsets[0]:
            raise FileFormatError(
                f"data_offsets of {place()} must be [begin, end] with begin <= end, "
                f"not {shown(value['data_offsets'])}"
            )
        bits = math.prod(shape) * DTYPE_BITS[dtype]
        if bits != 8 * (offsets[1] - offsets[0]):
            raise FileFormatError(
                f"{place()} takes {offsets[1] - offsets[0]:,} bytes by its data_offsets, but "
                f"{bits / 8:,.10g} by shape {list(shape)} and dtype {dtype}"
            )
        return cls(name, dtype, shape, *offsets)


def _counts(value: Any, field: str, place: Callable[[], str]) -> tuple[int, ...]:
    """Return a list of numbers of elements or bytes, each of 0 to 2^63 - 1."""
    if not isinstance(value, list) or len(value) > _AXES_LIMIT:
        raise FileFormatError(
            f"{field} of {place()} must be a list of at most {_AXES_LIMIT} numbers, "
            f"not {shown(value)}"
        )
    for number in value:
        if type(number) is not int or not 0 <= number < 2**63:
            raise FileFormatError(
                f"{field} of {place()} holds {shown(number)}; needed: an integer, 0 to 2^63-1"
            )
    return tuple(value)


def _check_layout(entries: list[_Entry], data_bytes: int, where: str) -> None:
    """Refuse data that overlap, leave a hole, or do not end where the file ends."""
    position, before = 0, ""
    for entry in entries:
        if entry.begin != position:
            kind = "overlaps" if entry.begin < position else "leaves a hole after"
            what = f"the tensor {shown(before)}" if before else "the header"
            raise FileFormatError(
                f"the tensor {shown(entry.name)} of {where} {kind} {what}: it begins at "
                f"{entry.begin:,}, expected {position:,}"
            )
        position, before = entry.end, entry.name
    if position != data_bytes:
        reason = "the file is truncated" if position > data_bytes else "bytes belong to no tensor"
        raise FileFormatError(
            f"the data of {where} should take {position:,} bytes (the last tensor is "
            f"{shown(before)}), but the file has {data_bytes:,} after its header: {reason}"
        )


def _table(entries: Iterable[_Entry]) -> TensorTable:
    entries = list(entries)
    return TensorTable(
        tuple(entry.name for entry in entries),
        tuple(entry.shape for entry in entries),
        tuple(entry.dtype for entry in entries),
        tuple(entry.end - entry.begin for entry in entries),
    )


def _metadata(value: Any, where: str) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise FileFormatError(f"__metadata__ of {where} must map text to text, not {shown(value)}")
    return value


def _weight_map(value: Any, where: str) -> Mapping[str, str]:
    if not isinstance(value, dict) or not value:
        raise FileFormatError(
            f"{where} must have a weight_map from tensor to file, not {shown(value)}"
        )
    for name, shard in value.items():
        if (
            not isinstance(shard, str)
            or not _SHARD_NAME.fullmatch(shard)
            or ".." in shard.split("/")
        ):
            raise FileFormatError(
                f"weight_map of {where} places {shown(name)} in {shown(shard)}; a shard must be a "
                "file in the folder of the index"
            )
    return value


def _total_size(metadata: Any, where: str) -> int | None:
    value = metadata.get("total_size") if isinstance(metadata, dict) else None
    if value is None:
        return None
    # Some writers divide bits by 8 and store a float.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0 or value % 1:
        raise FileFormatError(
            f"metadata.total_size of {where} must be a number of bytes, not {shown(value)}"
        )
    return int(value)
