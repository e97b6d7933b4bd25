"""``models``: published models by name, each row with its architecture in the library's own form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import attrs

from paramscale.catalogue.tables import Catalogue, read_table
from paramscale.core.spec import coerces
from paramscale.errors import SpecError
from paramscale.specs.model import ModelSpec
from paramscale.specs.names import FINDERS

__all__ = ["models"]


@attrs.frozen
class _Row:
    """A model not built yet."""

    text: str
    name: str
    family: str
    source: str

    def build(self) -> ModelSpec:
        plain = json.loads(self.text)
        return ModelSpec.from_dict(
            {**plain, "name": self.name, "family": self.family, "source": self.source}
        )


def _rows() -> Iterator[tuple[str, tuple[str, ...], Any]]:
    for row in read_table("models.csv"):
        made = _Row(*(row.text(column) for column in ("architecture", "key", "family", "source")))
        yield row.text("key"), row.names("aliases"), made


class _Models(Catalogue[Any]):
    """The rows, each built to a model at its first use."""

    def __getitem__(self, name: str) -> ModelSpec:
        found = super().__getitem__(name)
        if isinstance(found, _Row):
            found = self.replace(found.name, found.build())
        assert isinstance(found, ModelSpec)
        return found


#: Published models by name, for example ``models["llama-3.1-8b"]``; also by their aliases.
models: _Models = _Models("model", object, _rows)

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
