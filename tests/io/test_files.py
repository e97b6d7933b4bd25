"""Files are read bounded and strictly, and every refusal says what was met and where."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

import pytest

from paramscale.errors import ConfigError, FileFormatError
from paramscale.io.files import (
    MissingFileError,
    find_model_file,
    open_regular,
    parse_json,
    part_of,
    read_json,
    resolve,
    shown,
)


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_an_object_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    value = {"hidden_size": 4096, "nested": {"list": [1, 2.5, None, True]}}
    text = json.dumps(value).encode()
    assert value == read_json(write(tmp_path / "a.json", text))
    assert value == read_json(write(tmp_path / "b.json", b"\xef\xbb\xbf" + text))


def test_a_gigabyte_is_refused_at_once_with_size_limit_and_remedy(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    with open(path, "wb") as handle:
        handle.truncate(10**9)  # sparse: takes no disk
    started = time.perf_counter()
    with pytest.raises(FileFormatError, match=r"1,000,000,000 bytes.*67,108,864.*limit_bytes=1000"):
        read_json(path)
    assert time.perf_counter() - started < 0.5


def test_the_limit_can_be_raised_and_lowered(tmp_path: Path) -> None:
    path = write(tmp_path / "config.json", '{"a": 1}')
    assert read_json(path, limit_bytes=8) == {"a": 1}
    with pytest.raises(FileFormatError, match="8 bytes, more than the limit of 7"):
        read_json(path, limit_bytes=7)


def test_a_file_cut_at_any_byte_is_refused_as_truncated() -> None:
    text = b'{"a": [1, {"b": "c"}], "d": 12}'
    for end in range(len(text)):
        with pytest.raises(FileFormatError, match=r"config\.json .*line 1 column \d+"):
            parse_json(text[:end], "config.json")


def test_malformed_json_names_line_and_column() -> None:
    with pytest.raises(FileFormatError, match="line 2 column 8") as caught:
        parse_json(b'{\n  "a": oops\n}', "config.json")
    assert "truncated" not in str(caught.value)


def test_a_repeated_key_is_named_at_every_depth() -> None:
    with pytest.raises(
        ConfigError, match=r"'hidden_size' stands twice.*second value is 2"
    ) as caught:
        parse_json(b'{"x": {"hidden_size": 1, "hidden_size": 2}}', "config.json")
    assert (caught.value.field, caught.value.value) == ("hidden_size", 2)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(number: str) -> None:
    with pytest.raises(FileFormatError, match=number):
        parse_json(f'{{"rope_theta": {number}}}'.encode(), "config.json")


def test_an_integer_of_ten_thousand_digits_is_refused() -> None:
    with pytest.raises(FileFormatError, match="number that cannot be read"):
        parse_json(b'{"a": ' + b"9" * 10_000 + b"}", "config.json")


@pytest.mark.parametrize("depth", [101, 5_000, 500_000])
def test_nesting_is_bounded(depth: int) -> None:
    with pytest.raises(FileFormatError, match="deeper than 100"):
        parse_json(b'{"a": ' + b"[" * depth + b"]" * depth + b"}", "config.json")


@pytest.mark.parametrize(("text", "met"), [("[1, 2]", r"\[1, 2\]"), ("7", "7"), ("null", "None")])
def test_the_top_level_must_be_an_object(text: str, met: str) -> None:
    with pytest.raises(FileFormatError, match=f"must be an object.*{met}"):
        parse_json(text.encode(), "config.json")


def test_only_utf8_is_read() -> None:
    with pytest.raises(FileFormatError, match="not UTF-8: byte 0xff at offset 0"):
        parse_json('{"a": 1}'.encode("utf-16"), "config.json")


def test_a_missing_file_is_named_with_what_is_near_it(tmp_path: Path) -> None:
    write(tmp_path / "config.json", "{}")
    with pytest.raises(MissingFileError, match=r"confg\.json.*did you mean 'config\.json'"):
        resolve(tmp_path / "confg.json")
    with pytest.raises(FileNotFoundError, match=r"its folder .* is missing too"):
        resolve(tmp_path / "nowhere" / "config.json")
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    with pytest.raises(FileFormatError, match="symbolic link to nothing"):
        resolve(tmp_path / "dangling")


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(FileFormatError, match="leads back to itself"):
        resolve(tmp_path / "a")


def test_special_files_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileFormatError, match="is a named pipe"):
        read_json(tmp_path / "pipe")
    with pytest.raises(FileFormatError, match="is a character device"):
        resolve("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
        with pytest.raises(FileFormatError, match="is a socket"):
            open_regular(tmp_path / "socket")
    with pytest.raises(FileFormatError, match="is a folder"):
        open_regular(tmp_path)


def test_impossible_paths_are_refused() -> None:
    with pytest.raises(FileFormatError, match="null"):
        resolve("a\0b")
    with pytest.raises(FileFormatError, match="cannot be read"):
        resolve("x" * 5_000)


def test_a_folder_is_searched_in_a_stated_order(tmp_path: Path) -> None:
    for name in ("b.safetensors", "m.safetensors.index.json", "m.gguf", "config.json"):
        write(tmp_path / name, "x")
        assert name == resolve(tmp_path).name


def test_the_parts_of_one_model_are_one_choice(tmp_path: Path) -> None:
    for part in (2, 1, 3):
        write(tmp_path / f"m-{part:05d}-of-00003.gguf", "x")
    assert find_model_file(tmp_path).name == "m-00001-of-00003.gguf"


def test_several_models_in_a_folder_are_listed(tmp_path: Path) -> None:
    write(tmp_path / "q4.gguf", "x")
    write(tmp_path / "q8.gguf", "x")
    with pytest.raises(FileFormatError, match=r"holds 2 models .*'q4\.gguf', 'q8\.gguf'"):
        find_model_file(tmp_path)


def test_a_folder_without_a_model_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="it holds nothing"):
        resolve(tmp_path)
    write(tmp_path / "README.md", "x")
    with pytest.raises(MissingFileError, match=r"no config\.json.*it holds 'README\.md'"):
        resolve(tmp_path)


def test_a_pickle_is_never_a_choice(tmp_path: Path) -> None:
    write(tmp_path / "pytorch_model.bin", b"\x80\x04.")
    with pytest.raises(MissingFileError, match="pytorch_model"):
        resolve(tmp_path)


def test_messages_stay_short_whatever_they_show() -> None:
    for value in ("x" * 10**6, list(range(10**5)), {str(i): i for i in range(10**5)}, 10**5_000):
        assert len(shown(value)) < 250


def test_names_of_parts() -> None:
    assert part_of("m-00001-00001-of-00002.gguf") == ("m-00001", 1, 2, ".gguf")
    assert part_of("model.gguf") is None
