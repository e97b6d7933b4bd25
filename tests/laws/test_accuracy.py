"""The law of accuracy: its limits, its constants, and the table that it was fitted on."""

from __future__ import annotations

import csv
import importlib
import sys
from importlib import resources
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from paramscale.errors import FileFormatError, UnknownNameError
from paramscale.laws.accuracy import (
    AccuracyInputs,
    accuracy_law,
    code_share,
    latent_ability,
    law_of_rows,
)
from paramscale.laws.family import Sibling, efficiency_of, family_offsets
from paramscale.laws.releases import release_of

TOOLS = Path(__file__).parents[2] / "tools"
TABLE = TOOLS.parents[1] / "shared" / "data" / "capability" / "downstream.csv"
LAW = accuracy_law()
WHOLE = slice(None)

#: Open LLM Leaderboard v1, from felipemaiapolo/sloth@6dc6bb3 data/data_v2.csv.
LLAMA_2 = {7e9: 0.4379, 13e9: 0.5433, 70e9: 0.6983}


def across(inputs: AccuracyInputs, which: int = 0) -> np.ndarray:
    """Return the accuracy of an unknown family."""
    return LAW.fraction(which, LAW.across, LAW.logit(which, LAW.across, inputs))


def test_latent_ability() -> None:
    """By hand: N = 1e9 and D = 1e12 give 0; the harder limit wins, as in a smooth minimum."""
    assert latent_ability(AccuracyInputs(1e9, 1e9, 1e12), a=0.3, b=0.2, w=0.7) == pytest.approx(0.0)
    data_bound = latent_ability(AccuracyInputs(1e30, 1e30, 1e12), a=0.3, b=0.2, w=0.7)
    assert data_bound == pytest.approx(-np.log(0.3))
    experts = latent_ability(AccuracyInputs(4e9, 1e9, 1e12), a=0.3, b=0.2, w=0.7)
    assert experts == latent_ability(AccuracyInputs(2e9, 2e9, 1e12), a=0.3, b=0.2, w=0.7)


@pytest.mark.parametrize("fit", ["across", "within"])
def test_limits(fit: str) -> None:
    """A tiny model guesses; no model passes the ceiling, which stands between 0.8 and 0.95."""
    one = getattr(LAW, fit)
    tiny = LAW.logit(WHOLE, one, AccuracyInputs(1.0, 1.0, 1.0, 2023.5))
    np.testing.assert_allclose(LAW.fraction(WHOLE, one, tiny), LAW.chance, atol=2e-3)
    huge = LAW.logit(WHOLE, one, AccuracyInputs(1e30, 1e30, 1e30, 2030.0))
    assert (LAW.fraction(WHOLE, one, huge) <= one.ceiling).all()
    assert ((one.ceiling > 0.8) & (one.ceiling < 0.95)).all()


def test_monotone() -> None:
    """More parameters, more tokens, a later year and a better family never lower an accuracy."""
    more = np.geomspace(1e7, 1e13, 60)
    years = np.linspace(2019.0, 2027.0, 60)
    for which in range(len(LAW.names)):
        for inputs in (
            AccuracyInputs(more, more, 1e12),
            AccuracyInputs(7e9, 7e9, more),
            AccuracyInputs(7e9, 7e9, 1e12, years),
            AccuracyInputs(7e9, 7e9, 1e12, None, None, more / 1e10),
        ):
            assert (np.diff(across(inputs, which)) >= 0.0).all(), (LAW.names[which], inputs)


def test_missing_is_missing() -> None:
    """NaN, zero and negative sizes give NaN, at their points alone."""
    sizes = np.array([1e9, np.nan, 0.0, -1.0])
    assert np.isnan(across(AccuracyInputs(sizes, 1e9, 1e12))).tolist() == [False, True, True, True]
    assert np.isnan(across(AccuracyInputs(1e9, 1e9, np.nan)))


def test_multiple_choice_is_at_chance_below_2e22_flops() -> None:
    """MMLU below 2e22 FLOPs: within a few points of a guess, and the interval holds the guess."""
    size = np.geomspace(7e7, 6e9, 20)
    inputs = AccuracyInputs(size, size, 2e22 / 6.0 / size * 0.5, 2023.2)
    z = LAW.logit(0, LAW.across, inputs._replace(tokens=np.minimum(inputs.tokens, 3e11)))
    _, low, _ = LAW.banded(0, LAW.across, z, np.sqrt(LAW.covariance[0, 0]), "year")
    assert (LAW.fraction(0, LAW.across, z) < 0.30).all()
    assert (low < 0.25).all()


def test_code_counts_beyond_general_mixtures() -> None:
    """Up to a fifth of code changes nothing; code helps HumanEval and harms HellaSwag."""
    np.testing.assert_allclose(code_share([0.0, 0.2, 0.6, 1.0]), [0.0, 0.0, 0.5, 1.0])
    signs = {name: np.sign(LAW.across.code[LAW.index(name)]) for name in ("humaneval", "hellaswag")}
    assert signs == {"humaneval": 1.0, "hellaswag": -1.0}


def test_siblings_pin_a_family_down() -> None:
    """Llama 2 7B and 13B, as measured, place the 70B; a second sibling narrows the interval."""
    known = [
        Sibling(AccuracyInputs(size, size, 2e12, 2023.54, 0.0), {"mmlu_fraction": LLAMA_2[size]})
        for size in (7e9, 13e9)
    ]
    asked = AccuracyInputs(70e9, 70e9, 2e12)
    wide, narrow = (family_offsets(LAW, known[:count]).predict(0, asked) for count in (1, 2))
    assert abs(narrow[0] - LLAMA_2[70e9]) < 0.06
    assert narrow[1] < LLAMA_2[70e9] < narrow[2]
    assert narrow[2] - narrow[1] < wide[2] - wide[1]


def test_a_sibling_of_another_benchmark_tells_something() -> None:
    """A family that is good at MMLU is expected to be good at GSM8K too, but less surely."""
    low, high = (
        family_offsets(LAW, [Sibling(AccuracyInputs(7e9, 7e9, 2e12, 2023.5), {"mmlu": score})])
        for score in (0.35, 0.65)
    )
    gsm8k = LAW.index("gsm8k")
    assert high.mean[gsm8k] - low.mean[gsm8k] > 0.3
    assert high.covariance[gsm8k, gsm8k] > high.covariance[0, 0]


def test_efficiency() -> None:
    """One number says that a family does with less; it is found again from its own law."""
    inputs = AccuracyInputs(7e9, 7e9, 2e12, 2023.5)
    scores = {
        name: float(across(inputs._replace(family_efficiency=4.0), LAW.index(name)))
        for name in LAW.names
    }
    assert efficiency_of(LAW, [Sibling(inputs, scores)]) == pytest.approx(4.0, rel=0.15)


def test_releases() -> None:
    """Code models are told from their kin, and what is not known is not guessed."""
    release = release_of("codellama/CodeLlama-34b-hf")
    assert release is not None
    assert (release.family, release.code_fraction) == ("codellama", 0.85)
    assert release_of("Qwen/Qwen2.5-7B").family == "qwen2.5"  # type: ignore[union-attr]
    assert release_of("Meta-Llama-3-70B").family == "llama-3"  # type: ignore[union-attr]
    assert release_of("something else") is None


def test_wrong_names_and_files() -> None:
    """An unknown benchmark is named with the one meant; a file without its rows is refused."""
    with pytest.raises(UnknownNameError, match="did you mean 'mmlu_fraction'"):
        LAW.index("mlu_fraction")
    text = resources.files("paramscale.laws").joinpath("data", "accuracy.csv").read_text()
    rows = [row for row in csv.DictReader(text.splitlines()) if row["coefficient"] != "slope"]
    with pytest.raises(KeyError, match="slope"):
        law_of_rows(rows)
    assert issubclass(FileFormatError, Exception)


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool that refits the law."""
    if not TABLE.exists():
        pytest.skip("needs shared/data/capability/downstream.csv beside the repository")
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("fit_accuracy")


@pytest.mark.parametrize("family", ["llama", "starcoder2"])
def test_one_family_left_out(tool: ModuleType, family: str) -> None:
    """Refitted without a family: below the sigmoid of FLOPs, and far below with siblings."""
    rows = tool.read_rows()
    here = rows.family == family
    train, test = rows.take(~here), rows.take(here)
    plain = tool.baseline(train, test)
    found = list(tool.misses(tool.build(train), test, plain))

    def error(tier: str) -> float:
        mine = [m for m in found if m.tier == tier and m.which < len(tool.CORE)]
        return float(np.mean([abs(m.predicted - m.score) for m in mine]))

    sigmoid = float(np.nanmean(np.abs(plain - test.score)))
    assert error("both") < 0.85 * sigmoid
    assert error("one") < 0.65 * sigmoid
    assert error("two") < 0.60 * sigmoid


def test_the_file_is_what_the_tool_writes(tool: ModuleType) -> None:
    """Refitting gives the constants that ship, to the digits written (widths aside)."""
    law = tool.build(tool.read_rows())
    for name in ("slope", "midpoint", "year", "code", "ceiling"):
        np.testing.assert_allclose(
            getattr(law.across, name), getattr(LAW.across, name), rtol=1e-3, atol=1e-3
        )
    np.testing.assert_allclose(law.covariance, LAW.covariance, rtol=5e-3, atol=5e-3)
    sys.modules.pop("fit_accuracy", None)
