"""Copy the facts about published training runs into the package, each with its paper.

    python tools/pack_training_energy.py STUDY

Writes ``energy/training_energy.csv`` of the packaged measurements: device-hours, energy, carbon
and what they were made from. Figures that were not seen in their source are left empty, rows of
one licence-free compilation and of many runs together stay behind.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parent / "src/paramscale/validation/data/energy/training_energy.csv"

#: How the names of models begin, to the paper or card that states their figures.
PAPERS = {
    "T5-": "Patterson et al. 2021, arXiv:2104.10350, Table 4",
    "GShard": "Patterson et al. 2021, arXiv:2104.10350, Table 4",
    "Switch": "Patterson et al. 2021, arXiv:2104.10350, Table 4",
    "XLM-R": "LLMCarbon validation table, SotaroKaneda/MLCarbon@dbd96b7 data/database.csv",
    "GLaM": "Du et al. 2021 (GLaM), arXiv:2112.06905",
    "BLOOM": "Touvron et al. 2023 (LLaMA), arXiv:2302.13971, Table 15",
    "OPT": "Touvron et al. 2023 (LLaMA), arXiv:2302.13971, Table 15",
    "LLaMA-": "Touvron et al. 2023 (LLaMA), arXiv:2302.13971, Table 15",
    "Llama 2": "meta-llama/llama-models@a9c89c4 models/llama2/MODEL_CARD.md",
    "Llama 3.1": "meta-llama/llama-models@a9c89c4 models/llama3_1/MODEL_CARD.md",
    "Llama 3.2-vision": "meta-llama/llama-models@a9c89c4 models/llama3_2/MODEL_CARD_VISION.md",
    "Llama 3.2": "meta-llama/llama-models@a9c89c4 models/llama3_2/MODEL_CARD.md",
    "Llama 3": "meta-llama/llama-models@a9c89c4 models/llama3/MODEL_CARD.md",
    "Llama 4": "meta-llama/llama-models@a9c89c4 models/llama4/MODEL_CARD.md",
    "OLMo 2": "OLMo 2, arXiv:2501.00656, Table 19",
    "OLMo 7B": "Groeneveld et al. 2024 (OLMo), arXiv:2402.00838, Table 6",
    "Olmo 3": "muxup.com/2025q4/minipost-olmo3-training-cost, relaying Ai2",
    "StarCoder": "Li et al. 2023 (StarCoder), arXiv:2305.06161",
    "GLM-130B": "Zeng et al. 2022 (GLM-130B), arXiv:2210.02414",
    "OpenBA": "Li et al. 2023 (OpenBA), arXiv:2309.10706, Table 4",
    "Pythia": "Biderman et al. 2023 (Pythia), arXiv:2304.01373, Table 5",
    "MPT-7B": "MosaicML blog, MPT-7B, May 2023",
    "Apertus": "Apertus, arXiv:2509.14233",
    "Granite 3.0": "IBM Granite 3.0 report; epoch-research/training-cost-trends@263c40a1",
}

COLUMNS = (
    "model", "year", "params_b", "active_params_b", "tokens_b", "hardware", "n_devices",
    "device_hours", "tdp_w", "avg_power_w", "pue", "energy_mwh", "energy_kind", "energy_scope",
    "grid_kgco2e_per_kwh", "tco2e_operational", "carbon_basis", "water_kl", "verified", "split",
    "usable_for", "source",
)  # fmt: skip

#: What a note on what was seen takes away.
UNSEEN = {
    "yes except tco2e": ("tco2e_operational", "carbon_basis", "grid_kgco2e_per_kwh"),
    "hours yes, power and tco2e no": (
        "avg_power_w", "energy_mwh", "energy_kind", "energy_scope", "tco2e_operational",
        "carbon_basis", "grid_kgco2e_per_kwh",
    ),
}  # fmt: skip


def paper(model: str) -> str:
    """Return the source of a row, or nothing where the row stays behind."""
    return next((text for start, text in PAPERS.items() if model.startswith(start)), "")


def main(study: Path) -> None:
    """Write the table."""
    with (study / "energy/training_energy.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    kept = []
    for row in rows:
        row["source"] = paper(row["model"])
        if not row["source"] or row["verified"] == "no":
            continue
        for column in UNSEEN.get(row["verified"], ()):
            row[column] = ""
        row["verified"] = "yes"
        row["carbon_basis"] = re.sub(r";? ?[^;]*from memory\)", "", row["carbon_basis"])
        kept.append(row)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with TARGET.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    print(f"{TARGET.name}: {len(kept)} of {len(rows)} rows")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
