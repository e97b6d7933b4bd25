"""A safetensors header is believed only where its numbers agree with each other and the file."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paramscale.errors import ConfigError, FileFormatError
from paramscale.io.files import MissingFileError
from paramscale.io.safetensors import DTYPE_BITS, read_safetensors, read_safetensors_index
from paramscale.io.tensors import TensorTable


def raw(header: dict[str, Any] | bytes, data_bytes: int = 0) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"\0" * data_bytes


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def two() -> dict[str, Any]:
    return {"a": entry("F32", [2, 3], 0, 24), "b": entry("BF16", [4], 24, 32)}


def save(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_header_is_read_in_the_order_of_its_data(tmp_path: Path) -> None:
    header = {"__metadata__": {"format": "pt"}, **dict(reversed(two().items()))}
    file = read_safetensors(save(tmp_path / "m.safetensors", raw(header, 32)))
    assert file.tensors.names == ("a", "b")
    assert file.tensors.shapes == ((2, 3), (4,))
    assert (file.tensors.elements, file.tensors.bytes) == (10, 32)
    assert file.metadata == {"format": "pt"}


def test_a_file_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    data = raw(two(), 32)
    for end in range(len(data)):
        with pytest.raises(FileFormatError, match="truncated"):
            read_safetensors(save(tmp_path / "m.safetensors", data[:end]))


@pytest.mark.parametrize("length", [2**60, 2**64 - 1])
def test_a_header_longer_than_the_file_is_refused(tmp_path: Path, length: int) -> None:
    path = save(tmp_path / "m.safetensors", struct.pack("<Q", length) + b"{}")
    with pytest.raises(FileFormatError, match=f"{length:,}.*has 10"):
        read_safetensors(path)


def test_a_header_above_the_limit_of_the_format_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "m.safetensors", struct.pack("<Q", 100_000_001))
    with open(path, "r+b") as handle:
        handle.truncate(200_000_000)
    with pytest.raises(FileFormatError, match=r"100,000,001 bytes.*at most 100,000,000"):
        read_safetensors(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": entry("BF16", [4], 20, 28)}, r"'b'.*overlaps the tensor 'a'.*20, expected 24"),
        ({"b": entry("BF16", [4], 28, 36)}, r"'b'.*hole after the tensor 'a'.*28, expected 24"),
        ({"a": entry("F32", [2, 3], 4, 28)}, r"'a'.*hole after the header.*4, expected 0"),
        ({"b": entry("BF16", [5], 24, 32)}, r"'b'.*takes 8 bytes.*10 by shape \[5\] .*BF16"),
        ({"b": entry("BF17", [4], 24, 32)}, r"'b'.*unknown dtype 'BF17'"),
        ({"b": entry("BF16", [-4], 24, 32)}, r"shape of .*'b'.*-4"),
        ({"b": entry("BF16", [2**63], 24, 32)}, r"shape of .*'b'.*9223372036854775808"),
        ({"b": entry("BF16", [True], 24, 32)}, r"shape of .*'b'.*True"),
        ({"b": entry("BF16", [1] * 65, 24, 32)}, r"shape of .*'b'.*at most 64"),
        ({"b": entry("BF16", [4], 32, 24)}, r"data_offsets of .*'b'.*\[32, 24\]"),
        ({"b": {"dtype": "F32", "shape": [1]}}, r"'b'.*must have dtype, shape and data_offsets"),
        ({"b": 7}, r"'b'.*it is 7"),
        ({"c": entry("U8", [8], 32, 40)}, r"take 40 bytes.*'c'.*has 32.*truncated"),
        ({"__metadata__": {"format": 1}}, r"__metadata__.*text to text"),
    ],
)
def test_a_contradiction_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = save(tmp_path / "m.safetensors", raw({**two(), **change}, 32))
    with pytest.raises(FileFormatError, match=message):
        read_safetensors(path)


def test_bytes_of_no_tensor_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "m.safetensors", raw(two(), 33))
    with pytest.raises(FileFormatError, match="bytes belong to no tensor"):
        read_safetensors(path)


def test_a_repeated_tensor_is_refused(tmp_path: Path) -> None:
    text = json.dumps({"a": entry("U8", [4], 0, 4)})
    path = save(tmp_path / "m.safetensors", raw((text[:-1] + "," + text[1:]).encode(), 4))
    with pytest.raises(ConfigError, match="'a' stands twice"):
        read_safetensors(path)


def test_types_below_a_byte_are_counted_in_bits(tmp_path: Path) -> None:
    header = {"a": entry("F4", [2, 3], 0, 3), "b": entry("F6_E2M3", [4], 3, 6)}
    table = read_safetensors(save(tmp_path / "m.safetensors", raw(header, 6))).tensors
    assert (table.elements, table.bytes) == (10, 6)
    with pytest.raises(FileFormatError, match=r"takes 2 bytes .*1\.5 by shape \[3\]"):
        read_safetensors(save(tmp_path / "m.safetensors", raw({"a": entry("F4", [3], 0, 2)}, 2)))


tables = st.lists(
    st.tuples(
        st.sampled_from(sorted(DTYPE_BITS)),
        st.lists(st.integers(0, 5).map(lambda n: 8 * n), max_size=3),
    ),
    max_size=8,
)


@given(tables)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(tmp_path: Path, items: list[tuple[str, list[int]]]) -> None:
    header, place = {}, 0
    items = [(dtype, shape or [8]) for dtype, shape in items]
    for index, (dtype, shape) in enumerate(items):
        size = math.prod(shape) * DTYPE_BITS[dtype] // 8
        header[f"t{index}"] = entry(dtype, shape, place, place + size)
        place += size
    table = read_safetensors(save(tmp_path / "m.safetensors", raw(header, place))).tensors
    found = dict(zip(table.names, zip(table.dtypes, table.shapes, strict=True), strict=True))
    assert {f"t{i}": (dtype, tuple(shape)) for i, (dtype, shape) in enumerate(items)} == found
    assert place == table.bytes


def sharded(folder: Path, **index: Any) -> Path:
    save(folder / "m-1.safetensors", raw({"a": entry("F32", [2, 3], 0, 24)}, 24))
    save(folder / "m-2.safetensors", raw({"b": entry("BF16", [4], 0, 8)}, 8))
    whole = {
        "metadata": {"total_size": 32},
        "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"},
        **index,
    }
    return save(folder / "m.safetensors.index.json", json.dumps(whole).encode())


def test_an_index_joins_its_shards(tmp_path: Path) -> None:
    index = read_safetensors_index(sharded(tmp_path))
    assert index.tensors is not None
    assert (index.tensors.elements, index.tensors.bytes, index.total_bytes) == (10, 32, 32)
    assert index.unlisted == ()


def test_missing_shards_are_named_unless_totals_suffice(tmp_path: Path) -> None:
    path = sharded(tmp_path)
    (tmp_path / "m-2.safetensors").unlink()
    with pytest.raises(MissingFileError, match=r"1 of 2 shards .*'m-2\.safetensors'"):
        read_safetensors_index(path)
    index = read_safetensors_index(path, totals_only=True)
    assert (index.total_bytes, index.tensors) == (32, None)


@pytest.mark.parametrize(
    "shard", ["../../x", "/etc/passwd", "a/../../x", "..", "", "C:\\x", "a\0b", 7, None]
)
def test_a_shard_outside_the_folder_is_refused(tmp_path: Path, shard: object) -> None:
    path = sharded(tmp_path, weight_map={"a": shard})
    with pytest.raises(FileFormatError, match=r"places 'a' in .*in the folder of the index"):
        read_safetensors_index(path, totals_only=True)


def test_the_index_decides_where_a_tensor_is(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"'c' in 'm-1\.safetensors', which does not hold it"):
        read_safetensors_index(
            sharded(tmp_path, weight_map={"a": "m-1.safetensors", "c": "m-1.safetensors"})
        )
    index = read_safetensors_index(sharded(tmp_path, weight_map={"b": "m-2.safetensors"}))
    assert index.tensors is not None
    assert index.tensors.names == ("b",)
    path = sharded(tmp_path, weight_map={"a": "m-1.safetensors"})
    save(tmp_path / "m-1.safetensors", raw(two(), 32))
    assert read_safetensors_index(path).unlisted == ("b",)


@pytest.mark.parametrize(("size", "ok"), [(32.0, True), (1.5, False), (-1, False), ("9", False)])
def test_total_size_is_a_number_of_bytes(tmp_path: Path, size: object, ok: bool) -> None:
    path = sharded(tmp_path, metadata={"total_size": size})
    if ok:
        assert read_safetensors_index(path).total_bytes == 32
    else:
        with pytest.raises(FileFormatError, match="total_size"):
            read_safetensors_index(path)
    assert read_safetensors_index(sharded(tmp_path, metadata=None)).total_bytes is None


@pytest.mark.parametrize("weight_map", [None, {}, [], 7])
def test_an_index_without_map_is_refused(tmp_path: Path, weight_map: object) -> None:
    with pytest.raises(FileFormatError, match="must have a weight_map"):
        read_safetensors_index(sharded(tmp_path, weight_map=weight_map))


def test_a_table_refuses_repeated_names_and_unequal_columns() -> None:
    with pytest.raises(FileFormatError, match="'a' is stored twice"):
        TensorTable(("a", "a"), ((1,), (1,)), ("F32", "F32"), (4, 4))
    with pytest.raises(FileFormatError, match="1, 0, 0 and 0"):
        TensorTable(("a",), (), (), ())


def test_counts_are_exact_beyond_int64() -> None:
    table = TensorTable(("a", "b"), ((2**62, 4), (3,)), ("U8", "U8"), (2**64, 3))
    assert (table.elements, table.bytes) == (2**64 + 3, 2**64 + 3)
    assert "2 tensors, 18,446,744,073,709,551,619 elements" in repr(table)
    assert table.shape("missing") is None


def test_the_reference_writer_is_read_alike(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    reference = pytest.importorskip("safetensors.numpy")
    arrays = {"a": numpy.zeros((3, 5), "float16"), "b": numpy.zeros((), "int64")}
    reference.save_file(arrays, tmp_path / "m.safetensors", {"format": "np"})
    table = read_safetensors(tmp_path / "m.safetensors").tensors
    assert {name: array.shape for name, array in arrays.items()} == dict(
        zip(table.names, table.shapes, strict=True)
    )
    assert sum(array.nbytes for array in arrays.values()) == table.bytes
