"""Copy the tables of measurements whose sources allow it into the package.

    python tools/pack_tables.py FOLDER

FOLDER is laid out like the folder that ``paramscale validate --data`` reads. Rows of sources
without a licence stay behind; what is copied are facts, each row with its source. The packaged
tables are what ``paramscale validate`` scores by itself.
"""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

OUT = Path(__file__).parent.parent / "src" / "paramscale" / "validation" / "data"

#: Sources that have no licence, or none that is known.
LEFT_OUT = {"xiongjiedai-llamacpp", "ml-energy-v3", "argonne-llm-inference-bench"}

TABLES = (
    "systems/flops_per_token.csv", "systems/inference.csv", "systems/memory.csv",
    "systems/training.csv",
)  # fmt: skip

#: Tables of capability, and which of their rows are copied: what was measured of loss, and bits.
CAPABILITY = {
    "capability/quantization.csv": lambda row: bool(row["delta_loss_nats"]),
    "capability/pruning.csv": lambda row: bool(row["delta_loss_nats"]),
    "capability/qat_quest_runs.csv": lambda row: True,
    "capability/architectures.csv": lambda row: "loss" in row["metric"],
    "capability/formats.csv": lambda row: True,
}

WHOLE = ("oracle/activations.jsonl",)


def main(folder: Path) -> None:
    """Write the tables."""
    for name in TABLES:
        with (folder / name).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        kept = [row for row in rows if row["source_group"] not in LEFT_OUT]
        _write(name, rows, kept)
    for name, measured in CAPABILITY.items():
        with (folder / name).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        _write(name, rows, [row for row in rows if row["verified"] == "yes" and measured(row)])
    for name in WHOLE:
        (OUT / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, OUT / name)


def _write(name: str, rows: list[dict[str, str]], kept: list[dict[str, str]]) -> None:
    (OUT / name).parent.mkdir(parents=True, exist_ok=True)
    with (OUT / name).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    print(f"{name}: {len(kept)} of {len(rows)} rows")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
