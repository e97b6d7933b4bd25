"""Write the catalogue of published models.

    python tools/make_models.py FOLDER_WITH_CONFIGS SOURCES.csv TRUTH.jsonl

Two lists beside this file say which models there are. ``model_keys.csv`` names configurations in
the folder, whose provenance is in SOURCES.csv (columns ``name``, ``origin``, ``source_repo``,
``source_path``, ``source_commit``) and whose count, measured on the modules that transformers
builds, in TRUTH.jsonl (``name``, ``total_params``). ``model_facts.jsonl`` holds, one line a model,
the architecture fields of models that are not in the folder, where they were read, and the count
measured likewise; fields that a line leaves out are the defaults of the model's class.

The rows hold the architecture in the library's own form, not the files. A model that cannot be
read is listed and left out, and so is one whose count is neither the measured one nor, where
transformers has no code for it, within the rounding of the published size (``published``).
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from paramscale.errors import ParamscaleError
from paramscale.io.hf.family import model_from_config
from paramscale.specs.bill import total
from paramscale.specs.model import ModelSpec
from paramscale.specs.passes import Pass

HERE = Path(__file__).parent
OUT = HERE.parent / "src/paramscale/catalogue/data/models.csv"
COLUMNS = ("key", "aliases", "family", "parameters", "architecture", "source")


class Entry(NamedTuple):
    """A model before it is read."""

    key: str
    aliases: list[str]
    config: dict[str, Any]
    source: str
    measured: int | None = None
    published: str = ""

    def problem(self, count: int) -> str:
        """Return why a count cannot be right, or nothing."""
        if self.measured is not None:
            return f"not the {self.measured:,} measured" * (count != self.measured)
        if not self.published:
            return "neither measured nor published"
        number = self.published.removesuffix("B")
        half = 0.5 * 10.0 ** -len(number.partition(".")[2])
        return f"not the {self.published} published" * (abs(count / 1e9 - float(number)) > half)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file with one JSON object a line."""
    with path.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def place(source: dict[str, str]) -> str:
    """Return where a configuration comes from, as ``repository@commit:path``."""
    commit = "" if source["origin"] == "converted-litgpt" else source["source_commit"]
    at = f"@{commit}" if commit else ""
    return f"{source['source_repo']}{at}:{source['source_path']}"


def from_folder(folder: Path, sources: Path, truth: Path) -> Iterator[Entry]:
    """Yield the models of ``model_keys.csv``."""
    listed = {row["name"]: row for row in read_csv(sources)}
    measured = {row["name"]: row.get("total_params") for row in read_lines(truth)}
    for row in read_csv(HERE / "model_keys.csv"):
        name = row["name"]
        config = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        aliases = row["aliases"].split(";")
        where = place(listed[name])
        yield Entry(row["key"], aliases, config, where, measured.get(name), row["published"])


def from_facts() -> Iterator[Entry]:
    """Yield the models of ``model_facts.jsonl``."""
    for row in read_lines(HERE / "model_facts.jsonl"):
        yield Entry(row["key"], row["aliases"], row["config"], row["source"], row.get("measured"))


def architecture(model: ModelSpec) -> str:
    """Return a model as compact JSON without its name, family and source."""
    plain = model.to_dict()
    for name in ("name", "family", "source"):
        del plain[name]
    return json.dumps(plain, separators=(",", ":"))


def row_of(entry: Entry) -> dict[str, str]:
    """Return the row of one model; raises `ValueError` with the reason where there is none."""
    try:
        model = model_from_config(entry.config, unknown_fields="ignore")
    except ParamscaleError as error:
        raise ValueError(str(error)) from error
    count = int(total(model.operations(Pass(1.0, 1.0)), lambda op: op.weights))
    if problem := entry.problem(count):
        raise ValueError(f"its count {count:,} is {problem}")
    return {
        "key": entry.key,
        "aliases": ";".join(entry.aliases),
        "family": model.family,
        "parameters": str(count),
        "architecture": architecture(model),
        "source": entry.source,
    }


def rows(entries: Iterator[Entry]) -> list[dict[str, str]]:
    """Return one row a model, sorted by key; what has none is printed."""
    made: dict[str, dict[str, str]] = {}
    for entry in entries:
        if entry.key in made:
            raise SystemExit(f"two models are called {entry.key!r}")
        try:
            made[entry.key] = row_of(entry)
        except ValueError as error:
            print(f"left out: {entry.key}: {error}", file=sys.stderr)
    return [made[key] for key in sorted(made)]


def every(arguments: list[str]) -> Iterator[Entry]:
    """Yield all models of both lists."""
    folder, sources, truth = map(Path, arguments)
    yield from from_folder(folder, sources, truth)
    yield from from_facts()


def main() -> None:
    """Write the table."""
    table = rows(every(sys.argv[1:]))
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    print(f"{len(table)} models of {len({row['family'] for row in table})} families")


if __name__ == "__main__":
    main()
