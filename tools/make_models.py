"""Write the catalogue of published models from a folder of their configurations.

    python tools/make_models.py FOLDER_WITH_CONFIGS SOURCES.csv

SOURCES.csv names each configuration (columns ``name``, ``model_id``, ``origin``, ``source_repo``,
``source_path``, ``source_commit``). Only verbatim or converted configurations of published models
are taken, each model once; what cannot be read is listed and left out. The rows hold the
architecture in the library's own form, not the files.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

from paramscale.errors import ParamscaleError
from paramscale.io.hf.family import model_from_config
from paramscale.specs.bill import total
from paramscale.specs.model import ModelSpec
from paramscale.specs.passes import Pass

HERE = Path(__file__).parent
OUT = HERE.parent / "src/paramscale/catalogue/data/models.csv"
COLUMNS = ("key", "aliases", "family", "parameters", "architecture", "source")


def key_of(model_id: str) -> str:
    """Return the readable key of a published id: ``meta-llama/Llama-3.1-8B`` -> ``llama-3.1-8b``."""
    name = model_id.rpartition("/")[2].lower().replace("_", "-")
    name = re.sub(r"^meta-llama", "llama", name)
    return re.sub(r"(-hf|-base|-original)$", "", name)


def architecture(model: ModelSpec) -> str:
    """Return a model as compact JSON without its name, family and source."""
    plain = model.to_dict()
    for name in ("name", "family", "source"):
        del plain[name]
    return json.dumps(plain, separators=(",", ":"))


def rows(folder: Path, sources: Path, known: Path) -> list[dict[str, str]]:
    """Return one row a model; entries of `known` (key, model_id) decide names that differ."""
    with known.open(encoding="utf-8", newline="") as stream:
        names = {row["name"]: row for row in csv.DictReader(stream)}
    made: dict[str, dict[str, str]] = {}
    with sources.open(encoding="utf-8", newline="") as stream:
        listed = list(csv.DictReader(stream))
    for source in listed:
        entry = names.get(source["name"])
        if entry is None:
            continue
        config = json.loads((folder / f"{source['name']}.json").read_text(encoding="utf-8"))
        try:
            model = model_from_config(config, unknown_fields="ignore")
        except ParamscaleError as error:
            print(f"left out: {source['name']}: {error}", file=sys.stderr)
            continue
        count = total(model.operations(Pass(1.0, 1.0)), lambda op: op.weights)
        made[entry["key"]] = {
            "key": entry["key"],
            "aliases": entry["aliases"],
            "family": model.family,
            "parameters": f"{int(count)}",
            "architecture": architecture(model),
            "source": f"{source['source_repo']}@{source['source_commit']}:{source['source_path']}",
        }
    return [made[key] for key in sorted(made)]


def main() -> None:
    """Write the table."""
    folder, sources = map(Path, sys.argv[1:3])
    table = rows(folder, sources, HERE / "model_keys.csv")
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    print(f"{len(table)} models of {len({row['family'] for row in table})} families")


if __name__ == "__main__":
    main()
