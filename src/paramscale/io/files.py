"""Bounded, safe access to files, shared by every reader.

What is read here may come from a stranger. So: only regular files are opened, sizes are checked
before reading, JSON is strict, and nothing of a file is ever executed or unpickled.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import reprlib
import stat
import struct
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeAlias

from paramscale.errors import ConfigError, FileFormatError, did_you_mean

__all__ = [
    "JSON_LIMIT_BYTES",
    "Cursor",
    "MissingFileError",
    "PathLike",
    "find_model_file",
    "open_regular",
    "parse_json",
    "read_json",
    "resolve",
    "shown",
]

PathLike: TypeAlias = str | os.PathLike[str]

#: Real configs hold kilobytes and the index of a 1-trillion-parameter model about 15 MiB.
JSON_LIMIT_BYTES = 64 * 2**20

#: Headers hold megabytes: two copies of a vocabulary of 260,000 make 20 MB.
_HEADER_LIMIT_BYTES = 128 * 2**20

#: Real configs nest about six deep; the reader of a config may walk it recursively.
_DEPTH_LIMIT = 100

#: Folders are listed to give hints, so only so far.
_LISTED_NAMES = 10_000

_PART = re.compile(r"(?P<stem>.+)-(?P<part>\d{5})-of-(?P<count>\d{5})(?P<suffix>\.\w+)")


class MissingFileError(FileFormatError, FileNotFoundError):
    """A file that was asked for, or that another file names, does not exist."""


class _Short(reprlib.Repr):
    """A repr that stays one line long, whatever a hostile file holds."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 90
        self.maxdict = self.maxlist = self.maxtuple = 6
        self.maxlevel = 3


_short = _Short()


def shown(value: object) -> str:
    """Return a repr of at most about 90 characters, for messages.

    Examples
    --------
    >>> shown("config.json")
    "'config.json'"
    >>> len(shown("x" * 10**6))
    90
    """
    if isinstance(value, int) and value.bit_length() > 200:  # its repr could take minutes, or raise
        return f"an integer of {value.bit_length()} bits"
    return _short.repr(value)


def resolve(path: PathLike) -> Path:
    """Return the regular file that `path` means, choosing inside a folder.

    Parameters
    ----------
    path : str or path
        A file, or a folder with the files of one model (see `find_model_file`).

    Raises
    ------
    FileFormatError
        The path is missing, loops, cannot be read, or is a pipe, socket or device.
    """
    found = Path(path)
    if stat.S_ISDIR(_stat(found).st_mode):
        return find_model_file(found)
    _require_regular(found)
    return found


def find_model_file(folder: PathLike) -> Path:
    """Return the file in `folder` that describes its model best.

    In this order: ``config.json``; else the only ``*.gguf`` (the parts of one model are one); else
    the only ``*.safetensors.index.json``; else the only ``*.safetensors``.

    Raises
    ------
    FileFormatError
        There is none, or several of the same kind: they are listed.
    """
    folder = Path(folder)
    names = _names_in(folder)
    if "config.json" in names:
        return resolve_file(folder / "config.json")
    for suffix in (".gguf", ".safetensors.index.json", ".safetensors"):
        chosen = _first_of_each(name for name in names if name.lower().endswith(suffix))
        if len(chosen) > 1:
            raise FileFormatError(
                f"the folder {shown(str(folder))} holds {len(chosen)} models of the kind "
                f"*{suffix}: {_listed(chosen)}; give the path of one of them"
            )
        if chosen:
            return resolve_file(folder / chosen[0])
    raise MissingFileError(
        f"the folder {shown(str(folder))} holds no config.json, *.gguf, *.safetensors.index.json "
        f"or *.safetensors; it holds {_listed(names) if names else 'nothing'}"
    )


def resolve_file(path: Path) -> Path:
    """Return `path`, or refuse it if it is not a regular file (or a link to one)."""
    _require_regular(path)
    return path


def open_regular(path: PathLike) -> tuple[BinaryIO, int]:
    """Return a regular file opened for reading bytes, and its size in bytes.

    Raises
    ------
    FileFormatError
        The path is missing, loops, cannot be read, or is not a regular file.
    """
    path = Path(path)
    _require_regular(path)  # before opening: opening some devices has effects, a pipe waits
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = open(os.open(path, flags), "rb")  # noqa: SIM115 - the caller closes it
    except OSError as error:
        _refuse(path, error)
    status = os.fstat(handle.fileno())  # again: the name may mean another file by now
    if not stat.S_ISREG(status.st_mode):
        handle.close()
        raise FileFormatError(f"{shown(str(path))} is no longer a regular file")
    return handle, status.st_size


def read_json(path: PathLike, *, limit_bytes: int = JSON_LIMIT_BYTES) -> dict[str, Any]:
    """Return the object in a JSON file, read strictly.

    Parameters
    ----------
    path : str or path
        The file; UTF-8, with or without a byte-order mark.
    limit_bytes : int
        Refuse a larger file without reading it.

    Raises
    ------
    FileFormatError
        Too large, truncated or malformed (with line and column), not UTF-8, nested too deep, holds
        NaN or Infinity, or its top level is not an object.
    ConfigError
        A key stands twice in one object.
    """
    handle, size = open_regular(path)
    with handle:
        if size > limit_bytes:
            _refuse_size(path, size, limit_bytes)
        data = handle.read(limit_bytes + 1)  # bounded again: the file may have grown
    if len(data) > limit_bytes:
        _refuse_size(path, len(data), limit_bytes)
    return parse_json(data, shown(str(path)))


def parse_json(data: bytes, where: str) -> dict[str, Any]:
    """Return the object that `data` spells; `where` names its place in messages.

    Examples
    --------
    >>> parse_json(b'{"hidden_size": 4096}', "config.json")
    {'hidden_size': 4096}
    >>> parse_json(b'{"hidden_size": ', "config.json")
    Traceback (most recent call last):
        ...
    paramscale.errors.FileFormatError: config.json is not valid JSON: Expecting value at line 1
    column 17 (it ends there: the file is truncated)
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"{where} is not UTF-8: byte {data[error.start]:#04x} at offset {error.start}; "
            "save it as UTF-8"
        ) from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique_pairs(where),
            parse_constant=_refuse_constant(where),
            parse_float=_finite(where),
        )
    except (ConfigError, FileFormatError):
        raise
    except json.JSONDecodeError as error:
        ended = " (it ends there: the file is truncated)" if not text[error.pos :].strip() else ""
        raise FileFormatError(
            f"{where} is not valid JSON: {error.msg} at line {error.lineno} column {error.colno}"
            f"{ended}"
        ) from None
    except RecursionError:
        _refuse_depth(where)
    except ValueError as error:  # an integer of more digits than Python converts
        raise FileFormatError(f"{where} holds a number that cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise FileFormatError(
            f"the top level of {where} must be an object {{...}}, not {shown(value)}"
        )
    _check_depth(value, where)
    return value


def part_of(name: str) -> tuple[str, int, int, str] | None:
    """Return ``(stem, part, count, suffix)`` of a name of the form ``x-00001-of-00003.gguf``.

    Examples
    --------
    >>> part_of("llama-00002-of-00003.gguf")
    ('llama', 2, 3, '.gguf')
    """
    match = _PART.fullmatch(name)
    if match is None:
        return None
    return match["stem"], int(match["part"]), int(match["count"]), match["suffix"]


def _first_of_each(names: Iterable[str]) -> list[str]:
    """Return `names` sorted, with the parts of one model replaced by the first of them."""
    first: dict[object, str] = {}
    for name in sorted(names):
        part = part_of(name)
        first.setdefault((part[0], part[2]) if part else name, name)
    return list(first.values())


def _names_in(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in islice(entries, _LISTED_NAMES))
    except OSError as error:
        _refuse(folder, error)


def _listed(names: list[str], most: int = 8) -> str:
    more = f", … ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(shown(name) for name in names[:most]) + more


def _stat(path: Path) -> os.stat_result:
    try:
        return os.stat(path)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        _refuse(path, error)


def _require_regular(path: Path) -> None:
    mode = _stat(path).st_mode
    if not stat.S_ISREG(mode):
        kinds: list[tuple[Callable[[int], bool], str]] = [
            (stat.S_ISDIR, "a folder"),
            (stat.S_ISFIFO, "a named pipe"),
            (stat.S_ISSOCK, "a socket"),
            (stat.S_ISCHR, "a character device"),
            (stat.S_ISBLK, "a block device"),
        ]
        kind = next((name for is_kind, name in kinds if is_kind(mode)), "a special file")
        raise FileFormatError(f"{shown(str(path))} is {kind}; a regular file is needed")


def _refuse(path: Path, error: OSError | ValueError) -> NoReturn:
    """Raise the error that says in our words why `path` cannot be reached."""
    text = shown(str(path))
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ELOOP:
        raise FileFormatError(f"{text} is a symbolic link that leads back to itself") from None
    if number in (errno.ENOENT, errno.ENOTDIR):
        folder = path.parent
        names = _names_in(folder) if folder.is_dir() else []
        hint = did_you_mean(path.name, names)
        place = "" if folder.is_dir() else f"; its folder {shown(str(folder))} is missing too"
        link = " (a symbolic link to nothing)" if path.is_symlink() else ""
        raise MissingFileError(f"there is no file {text}{link}{place}{hint}") from None
    reason = error.strerror if isinstance(error, OSError) else str(error)
    raise FileFormatError(f"{text} cannot be read: {reason}") from None


def _refuse_size(path: PathLike, size: int, limit_bytes: int) -> NoReturn:
    raise FileFormatError(
        f"{shown(str(path))} holds {size:,} bytes, more than the limit of {limit_bytes:,}; "
        f"if it is trusted, call read_json(path, limit_bytes={size})"
    )


def _refuse_depth(where: str) -> NoReturn:
    raise FileFormatError(f"{where} nests objects or lists deeper than {_DEPTH_LIMIT} levels")


def _unique_pairs(where: str) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            seen: set[str] = set()
            for key, value in pairs:
                if key in seen:
                    raise ConfigError(
                        f"the key {shown(key)} stands twice in one object of {where} "
                        f"(the second value is {shown(value)}); remove one",
                        field=key,
                        value=value,
                    )
                seen.add(key)
        return result

    return unique


def _refuse_constant(where: str) -> Callable[[str], NoReturn]:
    def refuse(constant: str) -> NoReturn:
        raise FileFormatError(f"{where} holds {constant}, which JSON does not allow; write null")

    return refuse


def _finite(where: str) -> Callable[[str], float]:
    def finite(text: str) -> float:
        number = float(text)
        if not math.isfinite(number):
            raise FileFormatError(f"{where} holds the number {shown(text)}, too large for float64")
        return number

    return finite


def _check_depth(value: object, where: str) -> None:
    """Refuse what nests too deep, level by level (recursion is what must not happen)."""
    level: list[Any] = [value]
    for _ in range(_DEPTH_LIMIT):
        if not level:
            return
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
    if level:
        _refuse_depth(where)


class Cursor:
    """Reads a binary header forwards through a small buffer, and never past the end of the file.

    A count or length is believed only after it is compared with the bytes that are left.

    Attributes
    ----------
    where : str
        The file, for messages.
    size : int
        Its bytes.
    order : str
        ``"<"`` or ``">"``: the byte order of numbers.
    """

    _CHUNK = 2**20

    def __init__(self, handle: BinaryIO, size: int, where: str) -> None:
        self.where = where
        self.size = size
        self.order = "<"
        self._handle = handle
        self._buffer = b""
        self._start = 0  # place of the buffer in the file
        self._offset = 0  # next byte in the buffer

    @property
    def position(self) -> int:
        return self._start + self._offset

    @property
    def left(self) -> int:
        return self.size - self.position

    def refuse(self, text: str) -> NoReturn:
        raise FileFormatError(f"{self.where}, byte {self.position:,}: {text}")

    def take(self, count: int, what: str) -> bytes:
        """Return the next `count` bytes, which `what` names."""
        self._need(count, what)
        self._offset += count
        return self._buffer[self._offset - count : self._offset]

    def skip(self, count: int, what: str) -> None:
        """Move on by `count` bytes without reading them."""
        if self._offset + count <= len(self._buffer):
            self._offset += count
            return
        self._check(count, what)
        self._start, self._offset, self._buffer = self.position + count, 0, b""
        self._handle.seek(self._start)

    def number(self, code: str, what: str) -> Any:
        """Return one number in the `struct` format `code`."""
        size = struct.calcsize(f"={code}")
        return struct.unpack(self.order + code, self.take(size, what))[0]

    def count(self, what: str, *, each: int, most: int | None = None) -> int:
        """Return how many of `what` follow, if so many of `each` bytes or more fit in the file."""
        number: int = self.number("Q", what)
        if number * each > self.left:
            self.refuse(
                f"{what} is {number:,}, which needs at least {number * each:,} bytes; "
                f"{self.left:,} are left in the file: it is truncated or hostile"
            )
        if most is not None and number > most:
            self.refuse(f"{what} is {number:,}; at most {most:,} are read")
        return number

    def name(self, what: str, *, most: int) -> str:
        """Return a string that must be UTF-8 and at most `most` bytes long."""
        length = self.count(f"the length of {what}", each=1)
        if length > most:
            self.refuse(f"{what} is {length:,} bytes long; at most {most:,} are read")
        try:
            return self.take(length, what).decode("utf-8")
        except UnicodeDecodeError as error:
            self.refuse(f"{what} is not UTF-8: {error.reason}")

    def skip_strings(self, count: int, what: str) -> None:
        """Move on by `count` strings. A vocabulary has 10^5 of them, so the loop is kept tight."""
        unpack = struct.Struct(self.order + "Q").unpack_from
        while count:
            buffer, offset, last = self._buffer, self._offset, len(self._buffer) - 8
            while count and offset <= last:
                end = offset + 8 + unpack(buffer, offset)[0]
                if end > len(buffer):
                    break
                offset = end
                count -= 1
            self._offset = offset
            if count:  # the next string crosses the end of the buffer
                self.skip(self.count(f"the length of {what}", each=1), what)
                count -= 1

    def _check(self, count: int, what: str) -> None:
        if count > self.left:
            self.refuse(f"the file ends within {what}: {count:,} bytes needed, {self.left:,} left")
        if self.position + count > _HEADER_LIMIT_BYTES:
            self.refuse(f"the header goes on past {_HEADER_LIMIT_BYTES:,} bytes, within {what}")

    def _need(self, count: int, what: str) -> None:
        if self._offset + count <= len(self._buffer):
            return
        self._check(count, what)
        self._start, rest = self.position, self._buffer[self._offset :]
        wanted = min(max(count, self._CHUNK), self.size - self._start)
        self._buffer = rest + self._handle.read(wanted - len(rest))
        self._offset = 0
        if len(self._buffer) < count:  # the file shrank meanwhile
            self.refuse(f"the file ends within {what}")
