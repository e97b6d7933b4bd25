"""Pack records of the measuring scripts into the small table that the tests read.

    python tools/pack_truths.py OUT.jsonl RECORDS.jsonl [RECORDS.jsonl ...]

A record says what the reference modelling code has, measured by building it on the meta device
(transformers 5.23.0): parameters by several conventions, FLOPs of the forward pass by the operator
counter, and bytes of its cache. Kept are the configuration and those numbers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

COUNTS = {
    "parameters": "total_params",
    "untied": "untied_total_params",
    "active_parameters": "active_params",
    "matmul_parameters": "active_params_matmul",
}


def packed(record: dict[str, Any]) -> dict[str, Any] | None:
    """Return the compact record, or None for one without truth."""
    if not record.get("ok"):
        return None
    tables = ("token_embedding_params", "position_embedding_params", "other_embedding_params")
    flops = {
        shape: run.get("total_sparse") or run["total"]
        for shape, run in (record.get("flops") or {}).items()
        if isinstance(run, dict) and run.get("total")
    }
    cache = {
        shape: held["bytes"]
        for shape, held in (record.get("cache") or {}).items()
        if isinstance(held, dict) and "bytes" in held
    }
    return {
        "config": record.get("config") or {"model_type": record["model_type"]},
        **{name: record[field] for name, field in COUNTS.items()},
        "embedding_parameters": sum(record[field] for field in tables),
        "prefill_flops": flops,
        "kv_cache_bytes": cache,
    }


def main() -> None:
    """Pack all records."""
    out, *inputs = map(Path, sys.argv[1:])
    rows = [
        row
        for path in inputs
        for line in path.read_text(encoding="utf-8").splitlines()
        if (row := packed(json.loads(line))) is not None
    ]
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    out.write_text(text, encoding="utf-8")
    print(f"{len(rows)} records, {len(text):,} bytes")


if __name__ == "__main__":
    main()
