"""Laws and closed forms against numbers that somebody else printed, each within its tolerance.

``known_answers.csv`` holds one answer a row: what is asked, of which law, at which inputs, and
where the answer stands. ``clark_routed.csv`` holds the final losses of the routed runs of Clark et
al. 2022 (CC BY 4.0; see its column `source`).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paramscale.laws import (
    Terms,
    best_split,
    compute_optimum,
    exponents,
    laws,
    least_compute,
    lifetime_optimum,
    optimal_bits,
    terms_of,
)

HERE = Path(__file__).parent


def rows(file: str) -> list[dict[str, str]]:
    """Return the rows of a table beside this file."""
    with (HERE / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


ANSWERS = rows("known_answers.csv")


def numbers(text: str) -> dict[str, Any]:
    """Return ``"flops=1e22 term=m"`` as a mapping, words kept as words."""
    found: dict[str, Any] = {}
    for name, _, value in (pair.partition("=") for pair in text.split()):
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = value
    return found


def best_size(law: str, flops: float, **given: float) -> Any:
    """Return the compute-optimal size of a law, or of the coefficients that are given."""
    return compute_optimum(Terms(**given) if given else laws[law], flops).parameters


def tokens_of_size(law: str, parameters: float) -> Any:
    """Return the tokens for which a size is optimal, by the power law of the size."""
    given = laws[law].coefficients
    flops = (parameters / given["scale"]) ** (1.0 / given["exponent"])
    return flops / (6.0 * parameters)


def tokens_left(law: str, flops: float) -> Any:
    """Return the tokens that a budget leaves for the optimal size."""
    return flops / (6.0 * laws[law](flops))


def warranted_size(law: str) -> Any:
    """Return the size that unique tokens warrant, over those tokens."""
    given = laws[law].coefficients
    ratio = given["alpha"] * given["A"] / (given["beta"] * given["B"])
    assert given["alpha"] == given["beta"]
    return ratio ** (1.0 / given["alpha"])


def term(law: str, experts: float, term: str) -> Any:
    """Return a coefficient of the law that holds at a number of experts; Table 4 writes -alpha."""
    fit = terms_of(laws[law], experts=experts)
    return {"m": fit.A, "mu": -fit.alpha, "n": fit.B, "nu": -fit.beta}[term]


def table4_optimum(law: str, flops: float, experts: float, term: str) -> Any:
    """Return the best active size or data from the printed coefficients of Table 4."""
    printed = {
        numbers(row["inputs"])["term"]: float(row["expected"])
        for row in ANSWERS
        if row["check"] == "term" and numbers(row["inputs"])["experts"] == experts
    }
    fit = Terms(0.0, printed["m"], -printed["mu"], printed["n"], -printed["nu"])
    best = compute_optimum(fit, flops)
    return {"N": best.parameters, "D": best.tokens}[term]


def lifetime(law: str, parameters: float, lifetime_tokens: float) -> Any:
    """Return the best plain allocation of some size, and that with use at the same loss."""
    fit = terms_of(laws[law])
    loss = fit.E + (fit.A / exponents(fit)[0]) * parameters**-fit.alpha
    plain = least_compute(fit, loss)
    assert plain.parameters == pytest.approx(parameters)
    return plain, lifetime_optimum(fit, loss, lifetime_tokens)


def lifetime_tokens(law: str, **given: float) -> Any:
    """Return by which factor use lengthens training."""
    plain, life = lifetime(law, **given)
    return life.tokens / plain.tokens


def clark_scatter(law: str, router: str) -> Any:
    """Return the rms of log10 of the loss of a router's runs, and the dense ones, over the law."""
    runs = [row for row in rows("clark_routed.csv") if row["router"] in (router, "Dense")]
    size, experts, loss = (
        np.array([float(row[column]) for row in runs])
        for column in ("active_parameters", "experts", "loss_nats")
    )
    return np.sqrt(np.mean(np.log10(loss / laws[law](size, experts)) ** 2))


CHECKS: dict[str, Callable[..., Any]] = {
    "best_epochs": lambda law, flops, unique_tokens: (
        best_split(laws[law], flops, unique_tokens=unique_tokens).tokens / unique_tokens
    ),
    "best_size": best_size,
    "clark_scatter": clark_scatter,
    "exponent": lambda law: exponents(laws[law])[0],
    "lifetime_size": lambda law, **given: lifetime(law, **given)[1].parameters,
    "lifetime_tokens": lifetime_tokens,
    "optimal_bits": lambda law, gamma: optimal_bits(gamma),
    "table4_optimum": table4_optimum,
    "term": term,
    "tokens_left": tokens_left,
    "tokens_of_size": tokens_of_size,
    "value": lambda law, **given: laws[law](**given),
    "warranted_size": warranted_size,
}


@pytest.mark.parametrize("row", ANSWERS, ids=[row["id"] for row in ANSWERS])
def test_known_answer(row: dict[str, str]) -> None:
    """What others printed comes out, within the tolerance that the rounding there leaves."""
    found = CHECKS[row["check"]](row["law"], **numbers(row["inputs"]))
    assert float(found) == pytest.approx(float(row["expected"]), rel=float(row["rel_tol"]))


def test_every_answer_has_a_source_and_a_check() -> None:
    """No row is skipped for a misspelt check, and each says where it stands."""
    assert {row["check"] for row in ANSWERS} == set(CHECKS)
    assert all(row["source"] for row in ANSWERS)
    assert len({row["id"] for row in ANSWERS}) == len(ANSWERS)


@pytest.mark.parametrize("size", [768.0, 1e5, 1e7])
def test_pearce_and_song_find_kaplans_exponent(size: float) -> None:
    """Without embeddings the optimal size grows as C^0.74 to C^0.78 where Kaplan looked.

    Pearce and Song 2024: the local exponent over their range of sizes; Chinchilla's is 0.51.
    """
    law = laws["pearce2024"]
    flops = np.geomspace(1e13, 1e21, 33)
    found = best_split(law, flops).parameters
    slope = np.gradient(np.log(found), np.log(flops))
    kaplan = (found > 768.0) & (found < 1.5e9)
    fitted = np.polyfit(np.log(flops[kaplan]), np.log(found[kaplan]), 1)[0]
    assert 0.70 < fitted < 0.80
    assert slope[-1] < slope[0]
    assert best_split(law, 1e30).parameters > size
