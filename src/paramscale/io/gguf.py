"""The header of GGUF files: metadata, tensors and their exact sizes, without the weights.

Layout (https://github.com/ggml-org/ggml, docs/gguf.md): magic, version, number of tensors, number
of metadata pairs, the pairs, the tensor infos, padding, data. A count or length is believed only
after it is compared with the bytes that are left in the file, so a hostile header costs nothing.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import attrs

from paramscale.errors import ConfigError, FileFormatError, UnsupportedArchitectureError
from paramscale.io.files import Cursor, MissingFileError, PathLike, open_regular, part_of, shown
from paramscale.io.tensors import (
    GGML_FILE_TYPES,
    GGML_REMOVED_TYPES,
    GGML_TYPES,
    GgmlType,
    TensorTable,
)

__all__ = ["GGML_TYPES", "GGUFFacts", "GGUFFile", "GgmlType", "Omitted", "Value", "read_gguf"]


#: Containers before GGUF, as their first four bytes read (little-endian magics).
_OLD_MAGICS = {b"lmgg": "ggml", b"fmgg": "ggmf", b"tjgg": "ggjt", b"algg": "ggla", b"FUGG": "FUGG"}

#: Far above any real file; they keep a hostile one from filling the memory.
_PAIRS_LIMIT = 2**16
_TENSORS_LIMIT = 2**18
_ARRAYS_LIMIT = 2**16
_NESTING_LIMIT = 4
_AXES_LIMIT = 4  # GGML_MAX_DIMS
#: Longer values are only measured: nothing about a model's size is in them.
_KEPT_ITEMS = 4096
_KEPT_STRINGS = 64
_KEPT_TEXT_BYTES = 2**16


@attrs.frozen
class Omitted:
    """Stands where a long array or text was; its length is what `len` returns."""

    kind: str
    length: int

    def __len__(self) -> int:
        return self.length


Value: TypeAlias = "int | float | bool | str | list[Any] | Omitted"


@attrs.frozen
class GGUFFile:
    """What the header of a GGUF file says, all its parts together.

    Attributes
    ----------
    metadata : mapping
        Key to value; long arrays (the vocabulary) are `Omitted`, with their length.
    tensors : TensorTable
        Everything stored. Shapes have the slowest axis first: ``(vocabulary, width)``.
    architecture : str or None
        ``general.architecture``: ``"llama"``, ``"gemma3"``.
    name : str or None
        ``general.name``.
    file_type : str or None
        ``general.file_type`` as llama-quantize spells it: ``"Q4_K_M"``.
    version : int
        2 or 3.
    """

    metadata: Mapping[str, Value] = attrs.field(repr=False)
    tensors: TensorTable
    architecture: str | None
    name: str | None
    file_type: str | None
    version: int = 3

    @property
    def parameter_tensors(self) -> TensorTable:
        """The stored tensors that are parameters of the model.

        Not counted, because none is a weight that training found:

        - ``rope_freqs``, ``rope_factors_long``, ``rope_factors_short``, ``attn_rot_embd``: factors
          of the rotary position encoding, computed by the converter from the configuration;
        - ``exp_probs_b``: the router's balancing bias, a buffer (of DeepSeek-V3: 14,848 elements);
        - ``*.scale``, ``*.input_scale``: scales beside NVFP4 tensors, a part of the number format;
        - ``attn_k_b``, ``attn_v_b`` where ``attn_kv_b`` is stored too: copies of its halves.

        An ``output.weight`` that repeats ``token_embd.weight`` is counted: from names nobody can
        tell (old converters wrote it for tied models such as GPT-2 and Falcon).
        """
        return self.tensors.select(self._is_parameter)

    @property
    def parameters(self) -> int:
        """How many parameters are stored, exactly."""
        return self.parameter_tensors.elements

    def _is_parameter(self, name: str) -> bool:
        stem, _, last = name.rpartition(".")
        base = stem.rpartition(".")[2]
        if last in ("scale", "input_scale"):
            return False
        if base in ("attn_k_b", "attn_v_b"):
            return stem.removesuffix(base) + "attn_kv_b.weight" not in self.tensors
        return base not in (
            "rope_freqs",
            "rope_factors_long",
            "rope_factors_short",
            "attn_rot_embd",
            "exp_probs_b",
        )


def read_gguf(path: PathLike) -> GGUFFile:
    """Return what the header of a GGUF file says; parts beside it are read too.

    Parameters
    ----------
    path : str or path
        A file, or any part ``x-00001-of-00003.gguf`` of a model split into several.

    Raises
    ------
    MissingFileError
        A part is missing; it is named.
    FileFormatError
        Not GGUF, version 1, truncated, or a number in the header contradicts another or the size
        of the file. The message names the field and the value.
    """
    path = Path(path)
    named = part_of(path.name)
    if named is None:
        parts = [_read_part(path)]
        _check_split(parts[0][0], 1, path)
    else:
        stem, _, count, suffix = named
        if not 1 <= named[1] <= count:
            raise FileFormatError(f"{shown(path.name)} says part {named[1]} of {count}")
        names = (f"{stem}-{part:05d}-of-{count:05d}{suffix}" for part in range(1, count + 1))
        parts = list(_read_parts([path.with_name(name) for name in names]))
    metadata, _, version = parts[0]
    file_type = metadata.get("general.file_type")
    return GGUFFile(
        metadata,
        TensorTable.merge(table for _, table, _ in parts),
        _text(metadata.get("general.architecture")),
        _text(metadata.get("general.name")),
        _file_type(file_type) if isinstance(file_type, int) else None,
        version,
    )


_Part: TypeAlias = tuple[dict[str, Value], TensorTable, int]


def _read_parts(paths: Sequence[Path]) -> Iterator[_Part]:
    missing = [path.name for path in paths if not path.exists()]
    if missing:
        raise MissingFileError(
            f"{len(missing)} of {len(paths)} parts are missing in {shown(str(paths[0].parent))}: "
            f"{', '.join(missing[:5])}{', …' if len(missing) > 5 else ''}"
        )
    for path in paths:
        part = _read_part(path)
        _check_split(part[0], len(paths), path)
        yield part


def _check_split(metadata: Mapping[str, Value], parts: int, path: Path) -> None:
    count = metadata.get("split.count", 1)
    if not isinstance(count, int) or max(count, 1) != parts:
        raise FileFormatError(
            f"split.count of {shown(str(path))} is {shown(count)}, but its name makes it one of "
            f"{parts} part(s); the names must end in -00001-of-0000N.gguf as llama.cpp writes them"
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _file_type(number: int) -> str:
    return GGML_FILE_TYPES[number] if 0 <= number < len(GGML_FILE_TYPES) else f"file type {number}"


def _read_part(path: Path) -> _Part:
    handle, size = open_regular(path)
    with handle:
        cursor = _Header(handle, size, shown(str(path)))
        version = _read_version(cursor)
        tensor_count = cursor.count("the number of tensors", each=24, most=_TENSORS_LIMIT)
        pair_count = cursor.count("the number of metadata pairs", each=13, most=_PAIRS_LIMIT)
        metadata = _read_metadata(cursor, pair_count)
        infos = [_read_info(cursor) for _ in range(tensor_count)]
        _check_data(infos, _alignment(metadata, cursor), cursor)
    table = TensorTable(
        tuple(info.name for info in infos),
        tuple(info.shape for info in infos),
        tuple(info.type.name for info in infos),
        tuple(info.bytes for info in infos),
    )
    return metadata, table, version


def _read_version(cursor: _Header) -> int:
    magic = cursor.take(4, "the magic")
    if magic != b"GGUF":
        old = _OLD_MAGICS.get(magic)
        why = (
            f"the older {old!r} container; convert it anew" if old else f"it begins with {magic!r}"
        )
        raise FileFormatError(f"{cursor.where} is not GGUF: {why}")
    version: int = cursor.number("I", "the version")
    if version & 0xFFFF == 0 and version:  # the bytes 00 00 00 03: written by a big-endian machine
        version = int.from_bytes(version.to_bytes(4, "little"), "big")
        cursor.order = ">"
    if version == 1:
        raise FileFormatError(
            f"{cursor.where} is GGUF version 1, which llama.cpp dropped in 2023; convert it anew"
        )
    if version not in (2, 3):
        raise FileFormatError(f"{cursor.where} is GGUF version {version}; 2 and 3 are read")
    return version


class _Header(Cursor):
    """A header being read; all its arrays count towards one limit."""

    arrays = 0


_ARRAY = 9
_STRING = 8
#: The value types of metadata with a fixed size, by number: gguf_metadata_value_type in gguf.md.
_SCALARS = dict(zip((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12), "BbHhIif?Qqd", strict=True))


def _read_metadata(cursor: _Header, count: int) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    for _ in range(count):
        key = cursor.name("a metadata key", most=65_535)
        if key in metadata:
            cursor.refuse(f"the metadata key {shown(key)} stands twice")
        metadata[key] = _read_value(cursor, cursor.number("I", "a value type"), shown(key), 0)
    return metadata


def _read_value(cursor: _Header, kind: int, key: str, depth: int) -> Value:
    if kind in _SCALARS:
        value: int | float | bool = cursor.number(_SCALARS[kind], key)
        return value
    if kind == _STRING:
        length = cursor.count(f"the length of {key}", each=1)
        if length <= _KEPT_TEXT_BYTES:
            return cursor.take(length, key).decode("utf-8", "replace")
        cursor.skip(length, key)
        return Omitted("text", length)
    if kind == _ARRAY:
        return _read_array(cursor, key, depth + 1)
    return cursor.refuse(f"{key} has the value type {kind}; known are 0 to 12")


def _read_array(cursor: _Header, key: str, depth: int) -> list[Any] | Omitted:
    cursor.arrays += 1
    if depth > _NESTING_LIMIT or cursor.arrays > _ARRAYS_LIMIT:
        cursor.refuse(
            f"{key} nests arrays deeper than {_NESTING_LIMIT}, or makes more than "
            f"{_ARRAYS_LIMIT:,} arrays"
        )
    kind: int = cursor.number("I", f"the element type of {key}")
    length = f"the length of {key}"
    if kind in _SCALARS:
        size = struct.calcsize("=" + _SCALARS[kind])
        count = cursor.count(length, each=size)
        if count > _KEPT_ITEMS:
            cursor.skip(count * size, key)
            return Omitted("numbers", count)
        code = f"{cursor.order}{count}{_SCALARS[kind]}"
        return list(struct.unpack(code, cursor.take(count * size, key)))
    if kind == _STRING:
        count = cursor.count(length, each=8)
        if count > _KEPT_STRINGS:
            cursor.skip_strings(count, key)
            return Omitted("texts", count)
        return [_read_value(cursor, kind, key, depth) for _ in range(count)]
    if kind == _ARRAY:
        count = cursor.count(length, each=12)
        return [_read_array(cursor, key, depth + 1) for _ in range(count)]
    return cursor.refuse(f"{key} is an array of the value type {kind}; known are 0 to 12")


@attrs.frozen
class _Info:
    name: str
    shape: tuple[int, ...]
    type: GgmlType
    offset: int

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) // self.type.block_weights * self.type.block_bytes


def _read_info(cursor: _Header) -> _Info:
    name = cursor.name("the name of a tensor", most=1024)
    place = f"the tensor {shown(name)}"
    axes: int = cursor.number("I", f"the number of axes of {place}")
    if axes > _AXES_LIMIT:
        cursor.refuse(f"{place} has {axes:,} axes; ggml allows {_AXES_LIMIT}")
    sizes = [cursor.number("Q", f"the shape of {place}") for _ in range(axes)]
    if any(size >= 2**63 for size in sizes):
        cursor.refuse(f"{place} has the shape {sizes}; an axis must stay below 2^63")
    number: int = cursor.number("I", f"the type of {place}")
    offset: int = cursor.number("Q", f"the offset of {place}")
    if number not in GGML_TYPES:
        removed = GGML_REMOVED_TYPES.get(number)
        why = f"{removed}, which was removed from GGUF" if removed else "unknown here"
        cursor.refuse(f"{place} has the type {number}: {why}; known are 0 to {max(GGML_TYPES)}")
    kind = GGML_TYPES[number]
    if (sizes or [1])[0] % kind.block_weights:
        cursor.refuse(
            f"{place} has rows of {sizes[0] if sizes else 1:,} weights, not a multiple of the "
            f"{kind.block_weights} in a block of {kind.name}"
        )
    return _Info(name, tuple(reversed(sizes)), kind, offset)


def _alignment(metadata: Mapping[str, Value], cursor: _Header) -> int:
    value = metadata.get("general.alignment", 32)
    if type(value) is not int or not 1 <= value <= 2**20 or value & (value - 1):
        cursor.refuse(f"general.alignment is {shown(value)}; needed: a power of two up to 2^20")
    return value


def _check_data(infos: Sequence[_Info], alignment: int, cursor: _Header) -> None:
    """Refuse data that overlap, leave a hole, or go on past the end of the file."""
    if not infos:
        return

    def aligned(place: int) -> int:
        return -(-place // alignment) * alignment

    start = aligned(cursor.position)
    end, before = 0, "the header"
    for info in sorted(infos, key=lambda info: (info.offset, info.bytes)):
        if info.offset != aligned(end):
            kind = "overlaps" if info.offset < end else "does not follow"
            cursor.refuse(
                f"the tensor {shown(info.name)} {kind} {before}: its offset is {info.offset:,}, "
                f"expected {aligned(end):,} (aligned to {alignment})"
            )
        end, before = info.offset + info.bytes, f"the tensor {shown(info.name)}"
    if start + end > cursor.size:
        cursor.refuse(
            f"the data should go on to byte {start + end:,} (the end of {before}), but the file "
            f"ends at {cursor.size:,}: it is truncated"
        )


_BLOCK = re.compile(r"blk\.(\d+)\.(.+)")
_OLD_EXPERT = re.compile(r"(ffn_(?:gate|up|down))\.\d+")  # one tensor an expert, until April 2024


class GGUFFacts:
    """What a file says, with a memory of which tensors were accounted for."""

    def __init__(self, gguf: GGUFFile, architecture: str) -> None:
        self.gguf = gguf
        self.architecture = architecture
        self.loose: dict[str, tuple[int, ...]] = {}
        self.blocks: dict[str, dict[int, tuple[int, ...]]] = {}
        self.declared = {"token_embd", "output_norm", "output"}
        self.layers = self.integer("block_count") - self.integer("nextn_predict_layers", 0)
        table = gguf.parameter_tensors
        for name, shape in zip(table.names, table.shapes, strict=True):
            block = _BLOCK.fullmatch(name)
            short = (block[2] if block else name).removesuffix(".weight")
            if block is None:
                self.loose[short] = shape
            elif int(block[1]) < self.layers:
                short = _OLD_EXPERT.sub(r"\1_exps", short)
                self.blocks.setdefault(short, {})[int(block[1])] = shape
        if "token_embd" not in self.loose:
            self.refuse("token_embd.weight", "it holds no embedding: a vocabulary or a part only")

    # ------------------------------------------------------------------ metadata
    def value(self, key: str) -> Any:
        """Return a value of this architecture; of one that lists layers, what all layers share."""
        value = self.gguf.metadata.get(f"{self.architecture}.{key}")
        if isinstance(value, list):
            if not value or any(item != value[0] for item in value):
                self.refuse(f"{self.architecture}.{key}", f"it differs by layer: {shown(value)}")
            value = value[0]
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        """Return a whole number of at least 0; without default it must be there."""
        value = self.value(key)
        if value is None:
            value = default
        full = f"{self.architecture}.{key}"
        if value is None:
            self.refuse(full, "the key is missing")
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**48:
            raise ConfigError(
                f"{full} must be a whole number from 0 to 2^48, not {shown(value)}",
                field=full,
                value=value,
            )
        return value

    def given(self, **fields: str) -> dict[str, Any]:
        """Return those `fields` whose key the file has."""
        found = {name: self.value(key) for name, key in fields.items()}
        return {name: value for name, value in found.items() if value is not None}

    # ------------------------------------------------------------------ tensors
    def declare(self, names: str) -> None:
        """Account for weights that every layer has."""
        self.declared.update(names.split())

    def has(self, names: str) -> bool:
        """Account for tensors that are all there, or none of them; return which."""
        wanted = names.split()
        present = [name for name in wanted if name in self.blocks or name in self.loose]
        if present and len(present) != len(wanted):
            missing = next(name for name in wanted if name not in present)
            self.refuse(missing, f"it is missing, though {present[0]!r} is stored")
        self.declared.update(wanted)
        return bool(present)

    def biased(self, names: str) -> bool:
        """Account for the biases of `names`, all or none; return which."""
        return self.has(" ".join(f"{name}.bias" for name in names.split()))

    def need_bias(self, names: str) -> None:
        """Account for biases that this architecture always has."""
        if not self.biased(names):
            self.refuse(f"{names.split()[0]}.bias", "its layers always have it, this file has not")

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape that a tensor has, in whichever layer."""
        shape = self.loose.get(name) or next(iter(self.blocks.get(name, {}).values()), ())
        if len(shape) < 2:
            self.refuse(name, "it is missing" if not shape else f"its shape is {shape}")
        return shape

    def agree(self, name: str, rows: int, key: str) -> None:
        """Refuse a matrix whose rows are not as many as the metadata say."""
        actual = self.shape(name)[-2]
        if actual != rows:
            full = f"{self.architecture}.{key}"
            raise ConfigError(
                f"{full} makes {rows:,} rows of {name}.weight, but it has {actual:,}",
                field=full,
                value=self.gguf.metadata.get(full),
            )

    def check_declared(self) -> None:
        """Refuse tensors that nobody accounted for, or that are not alike in all layers."""
        for name in (*self.loose, *self.blocks):
            if name not in self.declared:
                self.refuse(name, "this architecture is not known to have it")
        for name, shapes in self.blocks.items():
            if len(shapes) != self.layers and not name.startswith("ffn_"):
                self.refuse(name, f"{len(shapes)} of {self.layers} layers have it")
            if len(set(shapes.values())) > 1:
                listed = shown(sorted(set(shapes.values())))
                self.refuse(name, f"its shape differs by layer: {listed}")
        ffn = {
            layer for name in self.blocks if name.startswith("ffn_") for layer in self.blocks[name]
        }
        if ffn and len(ffn) != self.layers:
            self.refuse("ffn_up", f"{len(ffn)} of {self.layers} layers have a feed-forward block")

    def refuse(self, field: str, why: str) -> NoReturn:
        raise UnsupportedArchitectureError(
            f"the GGUF architecture {self.architecture!r} cannot be read as a configuration: "
            f"{shown(field)}: {why}; its exact counts are in read_gguf(path).tensors",
            model_type=self.architecture,
            field=field,
        )
