"""Places, boundaries and demand on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import paramscale as ps
from tests.cli.conftest import Run

Paths = dict[str, Path]

RUN = ("--hardware", "h100-sxm", "--tokens", "15T", "--batch", "64")


def test_a_report_says_what_it_counts(run: Run, configs: Paths) -> None:
    """The place and the boundary stand under the sections, and the numbers are those of Python."""
    words = ("report", configs["llama-3.1-8b"], *RUN, "--site", "FR", "--boundary", "server")
    flat = " ".join(run(*words).out.split())
    assert "counted: server: accelerators x 1.46 for their servers; machines at work only" in flat
    assert "counted: location-based, 0.05604 kgCO2e/kWh of 'FR'" in flat
    assert "counted: devices rented on-demand at 2.95 USD/h, prices of 2026" in flat
    told = json.loads(run(*words, "--json").out)
    assert told["site"]["facts"]["grid_kgco2e_per_kwh"]["date"] == "2023"
    assert any(text.startswith("location-based") for text in told["counted"])
    e = ps.estimate(
        model=ps.read_model(configs["llama-3.1-8b"]), hardware="h100-sxm", site="FR",
        training=ps.TrainingSpec(tokens=15e12), account=ps.AccountSpec(boundary="server"),
    )  # fmt: skip
    value = e["training_carbon_kgco2e"].value
    assert told["quantities"]["training_carbon_kgco2e"]["value"] == value


def test_demand_and_convention(run: Run, configs: Paths) -> None:
    """A life of demand, bought devices and embodied carbon are options."""
    words = ("report", configs["llama-3.1-8b"], *RUN, "--site", "US", "--requests-per-day", "2M")
    asked = ("--quantities", "lifetime_cost_usd,training_carbon_kgco2e")
    short = run(*words, *asked)
    assert "--deployment-days" in short.err
    use = ("--use", "training_cost_usd=purchase", "--use", "training_carbon_kgco2e=with_embodied")
    flat = " ".join(run(*words, "--deployment-days", "365", *asked, *use).out.split())
    assert "lifetime_cost_usd" in flat
    assert "by with_embodied" in flat


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--site", "Frence"), "no site is called 'Frence'; did you mean 'France'"),
        (("--site", "FR@1999"), "'FR' is known as FR@2023"),
        (("--carbon-basis", "market", "--quantities", "carbon_per_token_kgco2e"),
         "the site 'world' has no market_kgco2e_per_kwh"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    run: Run, configs: Paths, words: tuple[str, ...], told: str
) -> None:
    """Unknown places, years, and figures that a place does not have."""
    ran = run("report", configs["llama-3.1-8b"], *RUN, *words)
    assert ran.code != 0
    assert told in " ".join(ran.err.split())


def test_places_and_prices_are_found(run: Run) -> None:
    """By any text, with all figures and their sources in JSON."""
    found = json.loads(run("list", "sites", "--search", "France", "--json").out)
    france = next(each for each in found if each["site"] == "FR")
    assert france["facts"]["grid_kgco2e_per_kwh"]["source"]
    assert "h100-sxm on-demand@2026" in run("list", "prices", "--search", "h100-sxm").out
