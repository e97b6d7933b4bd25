"""Reading tables, and the mapping over them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from paramscale.catalogue import tables
from paramscale.catalogue.tables import Catalogue, Row, read_table
from paramscale.errors import FileFormatError, RegistrationError


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package folder whose tables ``read_table`` reads."""
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(tables, "resources", SimpleNamespace(files=lambda package: tmp_path))
    return tmp_path / "data"


def test_errors_name_file_line_and_column() -> None:
    """Each reader says where the bad cell stands and what is allowed."""
    row = Row("t.csv", 7, {"a": "x"})
    with pytest.raises(FileFormatError, match=r"t\.csv line 7, column 'a': 'x' is not a number"):
        row.number("a")
    with pytest.raises(FileFormatError, match="a whole number"):
        row.whole("a")
    with pytest.raises(FileFormatError, match="'yes' or 'no'"):
        row.yes("a")
    with pytest.raises(FileFormatError, match="no column 'b'"):
        row.text("b")


def test_ragged_row(packaged: Path) -> None:
    """A row with a cell too few is refused with its line."""
    (packaged / "t.csv").write_text("a,b\n1,2\n3\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"t\.csv line 3: 1 cells, but the header has 2"):
        list(read_table("t.csv"))


def test_an_alias_stands_for_one_item() -> None:
    """Two items with one alias are refused."""
    shared = Catalogue("box", int, lambda: [("a", ("x",), 1), ("b", ("x",), 2)])
    with pytest.raises(RegistrationError, match="'x' is 'a' already"):
        shared["a"]
    shadowed = Catalogue("box", int, lambda: [("a", (), 1), ("b", ("a",), 2)])
    with pytest.raises(RegistrationError, match="'a' is 'a' already"):
        shadowed["a"]


def test_tables_are_read_at_the_first_look_up() -> None:
    """Making a catalogue reads nothing; one reading serves all look-ups."""
    calls = []

    def read() -> list[tuple[str, tuple[str, ...], int]]:
        calls.append(1)
        return [("a", (), 1)]

    boxes = Catalogue("box", int, read)
    assert not calls
    assert (boxes["a"], len(boxes), list(boxes), calls) == (1, 1, ["a"], [1])
