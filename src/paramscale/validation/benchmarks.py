"""How suites of benchmarks spell what the library calls by one name."""

from __future__ import annotations

__all__ = ["LEADERBOARDS", "REPORTS", "benchmark_of"]

#: By suite: its name of a benchmark, and the library's (without ``_fraction``).
LEADERBOARDS: dict[str, dict[str, str]] = {
    "ObsScaling (Open LLM Leaderboard v1 style / EvalPlus)": {
        "MMLU": "mmlu", "ARC-C": "arc_challenge", "HellaSwag": "hellaswag", "GSM8K": "gsm8k",
        "Winograd": "winogrande", "HumanEval": "humaneval",
    },
    "Open LLM Leaderboard v1": {
        "LBv1_MMLU": "mmlu", "LBv1_ARC": "arc_challenge", "LBv1_HellaSwag": "hellaswag",
        "LBv1_Winogrande": "winogrande", "LBv1_GSM8K": "gsm8k",
    },
    "Open LLM Leaderboard v2": {
        "LBv2_BBH": "bbh", "LBv2_MATH Lvl 5": "math_hard", "LBv2_MMLU-PRO": "mmlu_pro",
    },
    "Open LLM Leaderboard v2 (raw, not normalised)": {
        "LBv2_bbh": "bbh", "LBv2_math_hard": "math_hard", "LBv2_mmlu_pro": "mmlu_pro",
    },
    "lm-evaluation-harness (StableLM README)": {
        "ARC Easy": "arc_easy", "PIQA": "piqa", "LAMBADA OpenAI": "lambada",
    },
    "lm-evaluation-harness (Pythia v1 repo)": {
        "arc_easy": "arc_easy", "piqa": "piqa", "lambada_openai": "lambada",
    },
    "lm-evaluation-harness": {
        "ARC_e": "arc_easy", "piqa": "piqa", "arc_easy/acc": "arc_easy", "piqa/acc": "piqa",
    },
}  # fmt: skip
#: ARC-C of reports is another test (the letter of the answer), so it is left out.
REPORTS: dict[str, str] = {
    "MMLU": "mmlu", "MMLU (5-shot)": "mmlu", "MMLU (Acc.)": "mmlu", "GSM8K": "gsm8k",
    "HellaSwag (Acc.)": "hellaswag", "WinoGrande (Acc.)": "winogrande", "GSM8K (EM)": "gsm8k",
    "Winogrande (5-shot)": "winogrande", "HumanEval": "humaneval",
    "HumanEval (Pass@1)": "humaneval",
}  # fmt: skip
REPORT_SUITES = ("Qwen", "DeepSeek", "Meta", "Baichuan")


def benchmark_of(row: dict[str, str]) -> tuple[str | None, bool]:
    """Return the benchmark of a row, and whether it is from a maker's own report."""
    suite, name = row["eval_suite"], row["benchmark"]
    if suite in LEADERBOARDS:
        known = LEADERBOARDS[suite].get(name)
        plain = "Pythia" not in suite or (row["n_shots"] == "0" and row["metric"] == "acc")
        return (known if plain else None), False
    return (REPORTS.get(name) if suite.startswith(REPORT_SUITES) else None), True
