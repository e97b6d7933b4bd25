"""``models``: published models by name, each a row with its architecture in the library's form."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import cached_property
from importlib import resources
from typing import Any

import attrs

from paramscale.catalogue.tables import Catalogue, Row
from paramscale.core.spec import coerces
from paramscale.errors import FileFormatError, SpecError
from paramscale.specs.model import ModelSpec
from paramscale.specs.names import FINDERS

__all__ = ["models"]

FILE = "models.csv"

#: What may be written differently in the name of a model: ``Llama 3.1 (8B)``, ``llama3.1-8b``.
_LOOSE = str.maketrans("", "", " -_()")


def squeezed(name: str) -> str:
    """Return a name in lower case without what may be written differently.

    Examples
    --------
    >>> squeezed("Llama-2 (7B)"), squeezed("LLAMA2-7B")
    ('llama27b', 'llama27b')
    """
    return name.lower().translate(_LOOSE)


@attrs.frozen
class Unbuilt:
    """A row whose model is not built yet, and which is not even taken apart.

    Parameters
    ----------
    header, text : str
        First line of the file, and the line of the row.
    line : int
        Its line in the file.
    """

    header: str
    text: str
    line: int

    @property
    def row(self) -> Row:
        """The cells by column."""
        header, cells = csv.reader((self.header, self.text))
        if len(cells) != len(header):
            have = f"{len(cells)} cells, but the header has {len(header)}"
            raise FileFormatError(f"{FILE} line {self.line}: {have}")
        return Row(FILE, self.line, dict(zip(header, cells, strict=True)))

    def build(self) -> ModelSpec:
        """Return the model."""
        row = self.row
        plain = json.loads(row.text("architecture"))
        named = {name: row.text(name) for name in ("family", "source")}
        return ModelSpec.from_dict({"name": row.text("key"), **named, **plain})


def unbuilt() -> Iterator[tuple[str, tuple[str, ...], Unbuilt]]:
    """Yield ``(key, aliases, row)``. Of a row only key and aliases are read: they hold no comma."""
    folder = resources.files("paramscale.catalogue").joinpath("data")
    header, *lines = folder.joinpath(FILE).read_text(encoding="utf-8").splitlines()
    for number, text in enumerate(lines, start=2):
        key, aliases, _ = text.split(",", 2)
        names = tuple(alias for alias in aliases.split(";") if alias)
        yield key, names, Unbuilt(header, text, number)


class _Models(Catalogue[Any]):
    """The rows, each built to a model at its first use."""

    def __getitem__(self, name: str) -> ModelSpec:
        found = super().__getitem__(name)
        if isinstance(found, Unbuilt):
            found = self.replace(self._key(name) or name, found.build())
        assert isinstance(found, ModelSpec)
        return found

    def _key(self, name: object) -> str | None:
        key = super()._key(name)
        return self._loose.get(squeezed(name)) if key is None and isinstance(name, str) else key

    @cached_property
    def _loose(self) -> dict[str, str]:
        """Keys by squeezed name and alias, with the publisher before ``/`` and without."""
        found: dict[str, str] = {}
        for name, key in self._names.items():
            found.setdefault(squeezed(name), key)
            found.setdefault(squeezed(name.rpartition("/")[2]), key)
        return found


#: Published models by name, for example ``models["llama-3.1-8b"]``; also by their aliases, and
#: whatever the case and the signs between the words.
models: _Models = _Models("model", object, unbuilt)

FINDERS["model"] = models.__getitem__


@coerces("model")
def _from_name(value: object) -> ModelSpec:
    """Return the model of a name."""
    if isinstance(value, str):
        return models[value]
    raise SpecError(
        f"model={value!r} is a {type(value).__name__}; allowed is a ModelSpec, the name of a"
        " published model, or what read_model(path) returns"
    )
