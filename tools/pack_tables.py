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

WHOLE = ("oracle/activations.jsonl",)


def main(folder: Path) -> None:
    """Write the tables."""
    for name in TABLES:
        with (folder / name).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        kept = [row for row in rows if row["source_group"] not in LEFT_OUT]
        (OUT / name).parent.mkdir(parents=True, exist_ok=True)
        with (OUT / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept)
        print(f"{name}: {len(kept)} of {len(rows)} rows")
    for name in WHOLE:
        (OUT / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, OUT / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
